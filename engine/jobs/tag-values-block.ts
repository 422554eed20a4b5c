import type { BlockPart } from '#engine/api/search-request.ts';
import { type TagValue, type TagValuesAnswer, toByteText } from '#engine/api/tags-answer.ts';
import { createValuesCollector, type TagLimits, type ValuesCollector } from '#engine/api/tags-collector.ts';
import type { TenantId } from '#engine/base/units.ts';
import { filterSpans, type PreparedGroup, prepareGroups, slotsOfSpans } from '#engine/scan/filtered-slots.ts';
import { slotCount } from '#engine/scan/masks.ts';
import { dictionaryOf, type RowGroup } from '#engine/scan/row-group.ts';
import { slotBound } from '#engine/scan/structure.ts';
import { type ElementValue, readValues, type Values, valueKind } from '#engine/scan/values.ts';
import { kindNames, type Reference, type Static, statusNames } from '#engine/traceql/ast.ts';
import { printReference, printStatic } from '#engine/traceql/print.ts';
import type { TagCondition, TagFilter } from '#engine/traceql/tag-filter.ts';
import { type ColumnSource, type ListSource, type SourceGroup, sourcesOf } from '#engine/vparquet/sources.ts';
import type { JobEnvironment } from './environment.ts';
import { checkFilterSupport, visitRowGroups } from './tags-scan.ts';

/** Values of one tag in a part of one block. */
export interface TagValuesJob {
  readonly block: BlockPart;
  readonly tag: Reference;
  readonly filter: TagFilter | undefined;
  readonly limits: TagLimits;
}

/** What Tempo does not look up for filtered requests: nobody picks from ids and durations (spec traceql §9.3). */
const unlisted: ReadonlySet<string> = new Set([
  ...['span:id', 'span:parentID', 'trace:id', 'link:traceID', 'link:spanID'],
  ...['duration', 'traceDuration', 'event:timeSinceStart', 'status', 'parent'],
]);

/**
 * Finds the values of a tag: without a filter all of the columns and lists that may hold it, dictionaries first; with one those of the matching spans (spec
 * traceql §9.3). A group that asks for a value of the tag itself gives that value. Errors as for names.
 */
export async function tagValuesInBlock(
  environment: JobEnvironment,
  tenant: TenantId,
  { block, tag, filter, limits }: TagValuesJob,
  signal?: AbortSignal,
): Promise<TagValuesAnswer> {
  checkFilterSupport(block.version, filter, tag);
  const collector = createValuesCollector(limits);
  const literals = (filter?.groups ?? []).map((group) => literalOf(group, tag));
  for (const literal of literals) if (literal !== undefined) collector.add(literal);
  const open = filter?.groups.filter((_, index) => literals[index] === undefined);
  const skipped = open !== undefined && (open.length === 0 || (tag.kind === 'intrinsic' && unlisted.has(tag.name)));
  if (skipped) return collector.result();
  const inspectedBytes = await visitRowGroups({ environment, tenant, block, signal }, (schema) => {
    const sources = sourcesOf(schema, tag);
    const groups = open && prepareGroups(open, schema);
    return async (rowGroup) => {
      for (const source of sources) {
        if (groups === undefined) await allValues(rowGroup, source, collector);
        else for (const group of groups) await filteredValues(rowGroup, source, group, tag, collector);
      }
      return collector.full();
    };
  });
  return { ...collector.result(), inspectedBytes };
}

/** The value that a group asks of the tag itself by `=`. */
function literalOf(group: readonly TagCondition[], tag: Reference): TagValue | undefined {
  for (const { reference, expression } of group) {
    if (expression.kind !== 'binary' || expression.operator !== '=' || printReference(reference) !== printReference(tag)) continue;
    const literal = expression.right.kind === 'literal' ? expression.right : expression.left;
    if (literal.kind === 'literal') return valueOfStatic(literal.value);
  }
  return undefined;
}

function valueOfStatic(literal: Static): TagValue | undefined {
  switch (literal.kind) {
    case 'string':
      return { type: 'string', value: toByteText(literal.value) };
    case 'int':
    case 'float':
    case 'duration':
      return { type: literal.kind, value: printStatic(literal) };
    case 'boolean':
      return { type: 'bool', value: String(literal.value) };
    case 'status':
      return { type: 'keyword', value: statusNames[literal.code] ?? '' };
    case 'kind':
      return { type: 'keyword', value: kindNames[literal.code] ?? '' };
    case 'nil':
      return undefined;
  }
}

/** Everything that a place holds for the tag. */
async function allValues(rowGroup: RowGroup, group: SourceGroup, collector: ValuesCollector): Promise<void> {
  for (const source of group.sources) {
    if (collector.full()) return;
    if (source.kind === 'column' && (await dictionaryValues(rowGroup, source, collector))) continue;
    if (source.kind === 'list' && !(await hasKey(rowGroup, source))) continue;
    const slots = new Uint32Array(slotBound(rowGroup, group.level));
    for (let slot = 0; slot < slots.length; slot++) slots[slot] = slot;
    collectValues(rowGroup, await readValues(rowGroup, { level: group.level, sources: [source] }, slots), collector);
  }
}

async function hasKey(rowGroup: RowGroup, { key, name }: ListSource): Promise<boolean> {
  const dictionary = await dictionaryOf(rowGroup, key);
  return dictionary !== undefined && rowGroup.kernels.findInDictionary(dictionary, new TextEncoder().encode(name)) >= 0;
}

/** A dictionary has exactly the values of its row group. False where the column has none. */
async function dictionaryValues(rowGroup: RowGroup, { column }: ColumnSource, collector: ValuesCollector): Promise<boolean> {
  if (column.type !== 'bytes') return false;
  const dictionary = await dictionaryOf(rowGroup, column);
  if (dictionary === undefined) return false;
  const { kernels } = rowGroup;
  const ends = kernels.u32(dictionary.offsets, dictionary.count + 1);
  const memory = Buffer.from(kernels.memory.buffer);
  for (let id = 0; id < dictionary.count && !collector.full(); id++) {
    const value = memory.toString('latin1', dictionary.at + ends[id]! + 4, dictionary.at + ends[id + 1]!);
    collector.add({ type: 'string', value });
  }
  return true;
}

/** What a place holds for the tag on matching spans. */
async function filteredValues(
  rowGroup: RowGroup,
  source: SourceGroup,
  group: PreparedGroup,
  tag: Reference,
  collector: ValuesCollector,
): Promise<void> {
  const spans = await filterSpans(rowGroup, group);
  if (spans === undefined) return;
  if (tag.kind === 'intrinsic' && tag.name === 'kind') {
    collector.add({ type: '', value: '' }); // Tempo finds the kinds, and then has no type for them
    return;
  }
  const map = await slotsOfSpans(spans, source.level);
  const count = await slotCount(spans.state, source.level);
  const { kernels } = rowGroup;
  const at = kernels.alloc(4 * count);
  const matched = kernels.indexes(map, count, at, count);
  const slots = kernels.u32(at, matched).slice();
  // A scope without a name is none here, though the unfiltered list has it.
  const skipEmpty = source.level === 'scope' && tag.kind === 'intrinsic';
  collectValues(rowGroup, await readValues(rowGroup, source, slots), collector, skipEmpty);
}

const emptyText = -1;

/** Adds what was read; equal dictionary entries and numbers are turned into text once. */
function collectValues({ kernels }: RowGroup, values: Values, collector: ValuesCollector, skipEmpty = false): void {
  const texts = new Set<number>(skipEmpty ? [emptyText] : []);
  const numbers = new Set<bigint | number>();
  const memory = Buffer.from(kernels.memory.buffer);
  const addText = (at: number, length: number) => {
    // Empty texts share their address with the text that follows.
    const key = length === 0 ? emptyText : at;
    if (texts.has(key)) return;
    texts.add(key);
    collector.add({ type: 'string', value: memory.toString('latin1', at, at + length) });
  };
  const addNumber = (value: bigint | number) => {
    if (numbers.has(value)) return;
    numbers.add(value);
    collector.add(
      typeof value === 'bigint' ? { type: 'int', value: String(value) } : { type: 'float', value: printStatic({ kind: 'float', value }) },
    );
  };
  const addElement = (element: ElementValue) => {
    if (element.kind === 'text') addText(element.at, element.length);
    else if (element.kind === 'boolean') collector.add({ type: 'bool', value: String(element.value) });
    else addNumber(element.value);
  };
  for (let i = 0; i < values.kinds.length && !collector.full(); i++) {
    switch (values.kinds[i]) {
      case valueKind.text:
        addText(values.textAt[i]!, values.textLength[i]!);
        break;
      case valueKind.int:
        addNumber(values.ints[i]!);
        break;
      case valueKind.double:
        addNumber(values.numbers[i]!);
        break;
      case valueKind.boolean:
        collector.add({ type: 'bool', value: String(values.numbers[i] === 1) });
        break;
      case valueKind.list:
        for (const element of values.lists.get(i) ?? []) addElement(element);
        break;
    }
  }
}

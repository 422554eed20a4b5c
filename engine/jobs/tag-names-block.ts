import type { BlockPart } from '#engine/api/search-request.ts';
import type { AnsweredScope, TagNamesAnswer } from '#engine/api/tags-answer.ts';
import { toByteText } from '#engine/api/tags-answer.ts';
import { createNamesCollector, type NamesCollector, type TagLimits } from '#engine/api/tags-collector.ts';
import type { TagScope } from '#engine/api/tags-params.ts';
import type { TenantId } from '#engine/base/units.ts';
import type { Dictionary } from '#engine/kernels/kernels.ts';
import type { LeafColumn } from '#engine/parquet/schema.ts';
import { type FilteredSpans, filterSpans, type PreparedGroup, prepareGroups, slotsOfSpans } from '#engine/scan/filtered-slots.ts';
import { slotCount } from '#engine/scan/masks.ts';
import { type PairedChildren, pairChildren } from '#engine/scan/paired-children.ts';
import { dictionaryOf, onColumn, pagesOf, type RowGroup } from '#engine/scan/row-group.ts';
import { presence } from '#engine/scan/tests.ts';
import type { TagFilter } from '#engine/traceql/tag-filter.ts';
import { type BlockSchema, dedicatedColumnsOf, sourcesOf } from '#engine/vparquet/sources.ts';
import type { Level } from '#engine/vparquet/versions.ts';
import type { JobEnvironment } from './environment.ts';
import { checkFilterSupport, visitRowGroups } from './tags-scan.ts';

/** Names of the tags in a part of one block. */
export interface TagNamesJob {
  readonly block: BlockPart;
  readonly scope: TagScope;
  readonly filter: TagFilter | undefined;
  readonly limits: TagLimits;
}

interface ScopeLevel {
  readonly scope: Exclude<AnsweredScope, 'intrinsic'>;
  readonly level: Level;
}

const scopeLevels: readonly ScopeLevel[] = [
  { scope: 'resource', level: 'resource' },
  { scope: 'span', level: 'span' },
  { scope: 'event', level: 'event' },
  { scope: 'link', level: 'link' },
  { scope: 'instrumentation', level: 'scope' },
];

/**
 * Finds the names of tags: without a filter those of the dictionaries, so that hardly any data page is read; with one those of the matching spans (spec traceql
 * §9.3). Errors as `visitRowGroups`, and `internal` where the block's version cannot answer the filter.
 */
export async function tagNamesInBlock(
  environment: JobEnvironment,
  tenant: TenantId,
  { block, scope, filter, limits }: TagNamesJob,
  signal?: AbortSignal,
): Promise<TagNamesAnswer> {
  checkFilterSupport(block.version, filter, undefined);
  const collector = createNamesCollector(limits);
  const wanted = scopeLevels.filter((one) => scope === 'none' || one.scope === scope);
  if (wanted.length === 0) return collector.result();
  const inspectedBytes = await visitRowGroups({ environment, tenant, block, signal }, (schema) => {
    const groups = filter && prepareGroups(filter.groups, schema);
    return async (rowGroup) => {
      await collectNames({ rowGroup, schema, collector, joined: scope === 'none' && schema.version.events }, wanted, groups);
      return collector.full();
    };
  });
  return { ...collector.result(), inspectedBytes };
}

interface NamesScan {
  readonly rowGroup: RowGroup;
  readonly schema: BlockSchema;
  readonly collector: NamesCollector;
  /** All scopes at once, in a version that has events and links: see {@link pairChildren}. */
  readonly joined: boolean;
}

/** Matching spans, and where only some of their events and links count, those. */
interface MatchedSpans {
  readonly spans: FilteredSpans;
  readonly children: Pick<PairedChildren, 'event' | 'link'> | undefined;
}

async function collectNames(scan: NamesScan, wanted: readonly ScopeLevel[], groups: readonly PreparedGroup[] | undefined): Promise<void> {
  const filtered: MatchedSpans[] = [];
  for (const group of groups ?? []) {
    const spans = await filterSpans(scan.rowGroup, group);
    if (spans === undefined) continue;
    const paired = scan.joined ? await pairChildren(spans) : undefined;
    filtered.push({ spans: paired?.spans ?? spans, children: paired });
  }
  for (const one of wanted) {
    await fixedNames(scan, one);
    if (groups === undefined) {
      await dedicatedNames(scan, one);
      await listNames(scan, one);
    }
    for (const matched of filtered) {
      await filteredDedicatedNames(scan, one, matched);
      await filteredListNames(scan, one, matched);
    }
  }
}

/** Byte map of a level's slots that hang together with the matching spans. */
async function matchedSlots({ spans, children }: MatchedSpans, level: Level): Promise<number> {
  const slots = await slotsOfSpans(spans, level);
  if (children === undefined || (level !== 'event' && level !== 'link')) return slots;
  const { kernels } = spans.state.group;
  kernels.and(slots, children[level], slots, await slotCount(spans.state, level));
  return slots;
}

/** Attributes with a column in every block, if it has a value in the row group: as in Tempo a filter does not narrow them (spec traceql §9.3). */
async function fixedNames({ rowGroup, schema, collector }: NamesScan, { scope, level }: ScopeLevel): Promise<void> {
  const { fixedResource, fixedSpan } = schema.version;
  const fixed = Object.entries(level === 'resource' ? fixedResource : level === 'span' ? fixedSpan : {});
  for (const [name, path] of fixed) {
    const column = schema.columns.get(path);
    if (column !== undefined && (await hasValues(rowGroup, column))) collector.add(scope, toByteText(name));
  }
}

/** Dedicated attributes that have a value in the row group. */
async function dedicatedNames({ rowGroup, schema, collector }: NamesScan, { scope, level }: ScopeLevel): Promise<void> {
  for (const { name, column } of dedicatedColumnsOf(schema, level)) {
    if (await hasValues(rowGroup, column)) collector.add(scope, toByteText(name));
  }
}

/** Dedicated attributes that have a value where the matching spans are. */
async function filteredDedicatedNames(scan: NamesScan, { scope, level }: ScopeLevel, matched: MatchedSpans): Promise<void> {
  const { rowGroup, schema, collector } = scan;
  const { kernels } = rowGroup;
  for (const { name, column } of dedicatedColumnsOf(schema, level)) {
    if (!(await hasValues(rowGroup, column))) continue;
    const [group] = sourcesOf(schema, { kind: 'attribute', scope, name, parent: false });
    const source = group?.sources.find((one) => one.kind === 'column' && one.column === column);
    if (group === undefined || source === undefined) continue;
    const mask = await presence(matched.spans.state, { level: group.level, sources: [source] });
    if (mask.kind === 'none') continue;
    if (mask.kind === 'all') {
      collector.add(scope, toByteText(name));
      continue;
    }
    const owners = await matchedSlots(matched, level);
    const count = await slotCount(matched.spans.state, level);
    const both = kernels.alloc(count);
    kernels.and(mask.at, owners, both, count);
    if (kernels.any(both, count)) collector.add(scope, toByteText(name));
  }
}

async function hasValues(rowGroup: RowGroup, column: LeafColumn): Promise<boolean> {
  const dictionary = await dictionaryOf(rowGroup, column);
  return dictionary === undefined ? (await pagesOf(rowGroup, column)).valueCount > 0 : dictionary.count > 0;
}

async function keysOf({ rowGroup, schema }: NamesScan, level: Level): Promise<{ column: LeafColumn; dictionary: Dictionary } | undefined> {
  const path = schema.version.attributeLists[level];
  const column = path === undefined ? undefined : schema.columns.get(`${path}.Key`);
  const dictionary = column && (await dictionaryOf(rowGroup, column));
  return column && dictionary && { column, dictionary };
}

async function listNames(scan: NamesScan, { scope, level }: ScopeLevel): Promise<void> {
  const keys = await keysOf(scan, level);
  if (keys === undefined) return;
  for (let id = 0; id < keys.dictionary.count; id++) scan.collector.add(scope, entryText(scan.rowGroup, keys.dictionary, id));
}

function entryText({ kernels }: RowGroup, { at, offsets, count }: Dictionary, id: number): string {
  const ends = kernels.u32(offsets, count + 1);
  return Buffer.from(kernels.memory.buffer).toString('latin1', at + ends[id]! + 4, at + ends[id + 1]!);
}

/** The keys of attributes whose owners hang together with the matching spans. */
async function filteredListNames(scan: NamesScan, { scope, level }: ScopeLevel, matched: MatchedSpans): Promise<void> {
  const { rowGroup, collector } = scan;
  const { kernels } = rowGroup;
  const keys = await keysOf(scan, level);
  if (keys === undefined) return;
  const owners = await matchedSlots(matched, level);
  const slots = await slotCount(matched.spans.state, level);
  const { column, dictionary } = keys;
  const pages = await pagesOf(rowGroup, column);
  const seen = await onColumn(rowGroup, column, () => {
    const count = pages.entryCount;
    const idsAt = kernels.alloc(4 * count);
    kernels.ids(pages, dictionary.count, idsAt);
    const levelsAt = kernels.alloc(count);
    kernels.repetitions(pages, levelsAt);
    const ids = kernels.u32(idsAt, count);
    const repetitions = kernels.u8(levelsAt, count);
    const map = kernels.u8(owners, slots);
    const found = new Uint8Array(dictionary.count);
    let owner = -1;
    for (let entry = 0; entry < count; entry++) {
      if (repetitions[entry]! < column.maxRepetition) owner++;
      if (map[owner] === 1 && ids[entry] !== 0xffffffff) found[ids[entry]!] = 1;
    }
    return found;
  });
  for (let id = 0; id < dictionary.count; id++) if (seen[id] === 1) collector.add(scope, entryText(rowGroup, dictionary, id));
}

import { AppError } from '#engine/base/errors.ts';
import type { Dictionary, Pages } from '#engine/kernels/kernels.ts';
import { tallyNumbers } from '#engine/kernels/tally.ts';
import { hashDictionary } from '#engine/kernels/text-hashes.ts';
import { openValueNumbers, translateIds, type ValueNumbers } from '#engine/kernels/value-numbers.ts';
import type { LeafColumn } from '#engine/parquet/schema.ts';
import type { Scope } from '#engine/traceql/ast.ts';
import type { BlockSchema } from '#engine/vparquet/sources.ts';
import type { Comparison } from './compare.ts';
import type { RowGroupRuns, Runs } from './compare-runs.ts';
import { dictionaryTexts, numberPlainTexts } from './compare-texts.ts';
import { comparedKind, type LocalTexts } from './compare-values.ts';
import { textOf } from './label-values.ts';
import { dictionaryOf, onColumn, pagesOf, type RowGroup } from './row-group.ts';
import type { ScanState } from './scan-state.ts';

/** Levels with attribute lists, and the scope of what stands there. */
const levels = [
  { level: 'span', scope: 'span', repetition: 3 },
  { level: 'resource', scope: 'resource', repetition: 1 },
  { level: 'scope', scope: 'instrumentation', repetition: 2 },
] as const satisfies readonly { readonly level: string; readonly scope: Scope; readonly repetition: number }[];

const valueNames = ['Value', 'ValueInt', 'ValueDouble', 'ValueBool'];

/** Columns of the generic lists that are compared. */
export function listValueColumns({ version, columns }: BlockSchema): readonly LeafColumn[] {
  return levels.flatMap(({ level }) => {
    const path = version.attributeLists[level];
    return path === undefined ? [] : ['Key', ...valueNames].flatMap((name) => columns.get(`${path}.${name}`) ?? []);
  });
}

/** Counts the values of all attributes that stand in generic lists. */
export async function countListAttributes(comparison: Comparison, state: ScanState, { of }: RowGroupRuns): Promise<void> {
  const { group } = state;
  const { attributeLists } = state.prepared.schema.version;
  for (const { level, scope, repetition } of levels) {
    const path = attributeLists[level];
    const key = path === undefined ? undefined : group.file.columns.get(`${path}.Key`);
    if (path === undefined || key === undefined) continue;
    const keys = await readKeys(group, key);
    if (keys === undefined) continue;
    const columns: ValueColumn[] = [];
    for (const name of valueNames) {
      const column = group.file.columns.get(`${path}.${name}`);
      if (column !== undefined) columns.push(await readValueColumn(group, column));
    }
    const runs = await of(level);
    const mark = group.kernels.mark();
    await countList(comparison, group, { keys, columns, runs, scope, repetition });
    group.kernels.release(mark);
  }
}

interface KeyColumn {
  readonly column: LeafColumn;
  readonly pages: Pages;
  readonly dictionary: Dictionary;
}

/** Undefined where no slot has an attribute. */
async function readKeys(group: RowGroup, column: LeafColumn): Promise<KeyColumn | undefined> {
  const dictionary = await dictionaryOf(group, column);
  if (dictionary === undefined) return undefined;
  const pages = await pagesOf(group, column);
  return pages.valueCount === 0 ? undefined : { column, pages, dictionary };
}

interface ValueColumn {
  readonly column: LeafColumn;
  readonly pages: Pages;
  readonly dictionary: Dictionary | undefined;
}

async function readValueColumn(group: RowGroup, column: LeafColumn): Promise<ValueColumn> {
  const pages = await pagesOf(group, column);
  const isText = column.type === 'bytes' && pages.valueCount > 0;
  return { column, pages, dictionary: isText ? await dictionaryOf(group, column) : undefined };
}

/** The attributes of one level: entries of the columns. */
interface AttributeList {
  readonly keys: KeyColumn;
  readonly columns: readonly ValueColumn[];
  readonly runs: Runs;
  readonly scope: Scope;
  readonly repetition: number;
}

async function countList(comparison: Comparison, group: RowGroup, list: AttributeList): Promise<void> {
  const { keys, columns, runs } = list;
  const { kernels } = group;
  const starts = startsOf(group, keys.pages, list.repetition);
  if (starts.count < runs.slotEnd) throw tooFew(group, keys.column, starts.count, runs.slotEnd);
  const attributes = await attributesOf(comparison, group, keys, list.scope);
  const numbers = openValueNumbers(kernels, attributes, keys.pages.entryCount);
  let texts = (): LocalTexts | undefined => undefined;
  for (const column of columns) {
    if (column.pages.valueCount > 0) texts = (await numberValues(group, keys.pages, column, numbers)) ?? texts;
  }
  // What is stored in another way (maps, bytes, empty and mixed arrays) has no value that could be shown.
  numbers.addRest();
  const slots = { numbers: numbers.numbers, count: numbers.count(), starts: starts.at };
  const tallied = tallyNumbers(kernels, slots, runs, comparison.intervals);
  comparison.counts.add(tallied, { attribute: 0, members: numbers.members(), texts: texts() });
}

/** Address of the attribute of each entry, 0xffffffff for null. */
async function attributesOf(
  comparison: Comparison,
  group: RowGroup,
  { column, pages, dictionary }: KeyColumn,
  scope: Scope,
): Promise<number> {
  const { kernels } = group;
  const ids = kernels.alloc(4 * pages.entryCount);
  await onColumn(group, column, () => kernels.ids(pages, dictionary.count, ids));
  const offsets = kernels.u32(dictionary.offsets, dictionary.count + 1);
  const attributes = new Uint32Array(dictionary.count);
  for (let id = 0; id < attributes.length; id++) {
    const name = textOf(kernels, dictionary.at + offsets[id] + 4, offsets[id + 1] - offsets[id] - 4, 'text');
    attributes[id] = comparison.attribute({ kind: 'attribute', scope, name, parent: false });
  }
  translateIds(kernels, ids, pages.entryCount, attributes);
  return ids;
}

/** First entry of each slot whose repetition level is up to `level`, with the number of entries behind the last: address, and number of slots. */
function startsOf({ kernels }: RowGroup, pages: Pages, level: number): { readonly at: number; readonly count: number } {
  const { entryCount } = pages;
  const repetitions = kernels.alloc(entryCount);
  kernels.repetitions(pages, repetitions);
  const at = kernels.alloc(4 * (entryCount + 1));
  return { at, count: kernels.starts(repetitions, entryCount, level, at, entryCount) };
}

/** Numbers attributes with a value in one column. Returns the texts, where they are some, to be asked for when memory does not move any more. */
async function numberValues(
  group: RowGroup,
  keys: Pages,
  { column, pages, dictionary }: ValueColumn,
  numbers: ValueNumbers,
): Promise<(() => LocalTexts) | undefined> {
  const { kernels } = group;
  // Where no attribute is an array, value entries are attributes.
  const firsts =
    pages.entryCount === keys.entryCount ? { at: 0, count: keys.entryCount } : startsOf(group, pages, keys.shape.maxRepetition);
  if (firsts.count !== keys.entryCount) throw tooFew(group, column, firsts.count, keys.entryCount);
  if (dictionary !== undefined) {
    const hashesAt = hashDictionary(kernels, dictionary);
    const ids = kernels.alloc(4 * pages.entryCount);
    await onColumn(group, column, () => kernels.ids(pages, dictionary.count, ids));
    numbers.addTexts(ids, dictionary.count, firsts.at, comparedKind.text);
    return () => dictionaryTexts(kernels, dictionary, hashesAt);
  }
  if (column.type === 'bytes') {
    const plain = await numberPlainTexts(group, column, pages);
    numbers.addTexts(plain.ids, plain.count, firsts.at, comparedKind.text);
    return () => plain.texts;
  }
  const isBoolean = column.type === 'boolean';
  const at = kernels.alloc((isBoolean ? 1 : 8) * pages.entryCount);
  const presentAt = kernels.alloc(pages.entryCount);
  await onColumn(group, column, () => {
    kernels.matchPresent(pages, presentAt);
    if (isBoolean) kernels.booleans(pages, at);
    else if (column.type === 'double') kernels.doubles(pages, at);
    else kernels.ints(pages, at);
  });
  const kind = isBoolean ? comparedKind.boolean : column.type === 'double' ? comparedKind.double : comparedKind.int;
  numbers.addWords(at, presentAt, firsts.at, kind, isBoolean ? 1 : 8);
  return undefined;
}

function tooFew(group: RowGroup, column: LeafColumn, found: number, wanted: number): AppError {
  const place = `block ${group.reader.name}, row group ${group.index}, column ${column.path}`;
  return new AppError('corrupt_block', `${place}: it has ${found} lists where its level has ${wanted}`);
}

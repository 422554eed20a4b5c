import { AppError } from '#engine/base/errors.ts';
import type { Dictionary, Pages } from '#engine/kernels/kernels.ts';
import { tallyRecords } from '#engine/kernels/tally.ts';
import { hashDictionary } from '#engine/kernels/text-hashes.ts';
import { openTypedValues, type TypedValues } from '#engine/kernels/typed-values.ts';
import { numberListValues } from '#engine/kernels/value-numbers.ts';
import type { LeafColumn } from '#engine/parquet/schema.ts';
import type { Scope } from '#engine/traceql/ast.ts';
import type { BlockSchema } from '#engine/vparquet/sources.ts';
import type { Comparison } from './compare.ts';
import type { RowGroupRuns, Runs } from './compare-runs.ts';
import { dictionaryTexts, numberedTexts, numberPlainTexts } from './compare-texts.ts';
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
  const { intervals } = comparison;
  const keyIds = kernels.alloc(4 * keys.pages.entryCount);
  await onColumn(group, keys.column, () => kernels.ids(keys.pages, keys.dictionary.count, keyIds));
  const starts = startsOf(group, keys.pages, list.repetition);
  if (starts.count < runs.slotEnd) throw tooFew(group, keys.column, starts.count, runs.slotEnd);
  const { values, texts } = await readTyped(group, keys.pages, columns);
  const attributes = attributesOf(comparison, group, keys, list.scope);
  const { records, members } = numberListValues(kernels, { keys: keyIds, starts: starts.at, attributes }, values, runs, intervals);
  const tallied = tallyRecords(kernels, records, intervals);
  comparison.counts.add(tallied, { attribute: 0, members: kernels.u32(members, 4 * records.count), texts: texts() });
}

/** The attribute of each key. */
function attributesOf(comparison: Comparison, { kernels }: RowGroup, { dictionary }: KeyColumn, scope: Scope): Uint32Array {
  const offsets = kernels.u32(dictionary.offsets, dictionary.count + 1);
  const attributes = new Uint32Array(dictionary.count);
  for (let id = 0; id < attributes.length; id++) {
    const name = textOf(kernels, dictionary.at + offsets[id] + 4, offsets[id + 1] - offsets[id] - 4, 'text');
    attributes[id] = comparison.attribute({ kind: 'attribute', scope, name, parent: false });
  }
  return attributes;
}

/** First entry of each slot whose repetition level is up to `level`, with the number of entries behind the last: address, and number of slots. */
function startsOf({ kernels }: RowGroup, pages: Pages, level: number): { readonly at: number; readonly count: number } {
  const { entryCount } = pages;
  const at = kernels.alloc(4 * (entryCount + 1));
  const repetitions = kernels.alloc(entryCount);
  kernels.repetitions(pages, repetitions);
  return { at, count: kernels.starts(repetitions, entryCount, level, at, entryCount) };
}

/** The values of a list's entries; `texts` is to be asked when memory does not move any more. */
interface TypedList {
  readonly values: TypedValues;
  readonly texts: () => LocalTexts | undefined;
}

/**
 * Reads the values of all attributes. What is stored in another way (maps, bytes, empty and mixed arrays) has no value that could be shown, and stays without
 * kind.
 */
async function readTyped(group: RowGroup, keys: Pages, columns: readonly ValueColumn[]): Promise<TypedList> {
  const { kernels } = group;
  const texts = await textsOf(group, columns);
  const values = openTypedValues(kernels, keys.entryCount, texts?.count ?? 0);
  for (const { column, pages } of columns) {
    if (pages.valueCount === 0) continue;
    // Where no attribute is an array, value entries are attributes.
    const isFlat = pages.entryCount === keys.entryCount;
    const level = isFlat ? column.maxRepetition : keys.shape.maxRepetition;
    const plainIds = column.type === 'bytes' ? texts?.plainIds : undefined;
    let count = keys.entryCount;
    if (plainIds === undefined) count = await onColumn(group, column, () => values.add(pages, kindsOf[column.type], level));
    else if (isFlat) values.addIds(plainIds, comparedKind.text, 0);
    else {
      const firsts = startsOf(group, pages, level);
      count = firsts.count;
      if (count === keys.entryCount) values.addIds(plainIds, comparedKind.text, firsts.at);
    }
    if (count !== keys.entryCount) throw tooFew(group, column, count, keys.entryCount);
  }
  return { values, texts: () => texts?.texts() };
}

const kindsOf: Readonly<Record<LeafColumn['type'], number>> = {
  bytes: comparedKind.text,
  int32: comparedKind.int,
  int64: comparedKind.int,
  double: comparedKind.double,
  boolean: comparedKind.boolean,
};

interface ListTexts {
  readonly count: number;
  /** Ids of the entries, where they are not those of a dictionary. */
  readonly plainIds: number | undefined;
  readonly texts: () => LocalTexts;
}

/** The texts of a list, if it has any. */
async function textsOf(group: RowGroup, columns: readonly ValueColumn[]): Promise<ListTexts | undefined> {
  const { kernels } = group;
  const found = columns.find(({ column, pages }) => column.type === 'bytes' && pages.valueCount > 0);
  if (found === undefined) return undefined;
  const { column, pages, dictionary } = found;
  if (dictionary !== undefined) {
    const hashesAt = hashDictionary(kernels, dictionary);
    return { count: dictionary.count, plainIds: undefined, texts: () => dictionaryTexts(kernels, dictionary, hashesAt) };
  }
  const texts = await numberPlainTexts(group, column, pages);
  return { count: texts.count, plainIds: texts.ids, texts: () => numberedTexts(kernels, texts) };
}

function tooFew(group: RowGroup, column: LeafColumn, found: number, wanted: number): AppError {
  const place = `block ${group.reader.name}, row group ${group.index}, column ${column.path}`;
  return new AppError('corrupt_block', `${place}: it has ${found} lists where its level has ${wanted}`);
}

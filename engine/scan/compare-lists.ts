import type { Dictionary, Pages } from '#engine/kernels/kernels.ts';
import type { LeafColumn } from '#engine/parquet/schema.ts';
import type { Scope } from '#engine/traceql/ast.ts';
import type { BlockSchema } from '#engine/vparquet/sources.ts';
import type { Comparison } from './compare.ts';
import { comparedKind } from './compare-counts.ts';
import type { RunsOf } from './compare-runs.ts';
import { halvesAt } from './counted-spans.ts';
import { textOf } from './label-values.ts';
import { dictionaryOf, onColumn, pagesOf, type RowGroup } from './row-group.ts';
import type { ScanState } from './scan-state.ts';

const nullWord = 0xffffffff;
/** No attribute, or no value yet. */
const none = -1;
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
export async function countListAttributes(comparison: Comparison, state: ScanState, runsOf: RunsOf): Promise<void> {
  const { attributeLists } = state.prepared.schema.version;
  for (const { level, scope, repetition } of levels) {
    const path = attributeLists[level];
    const key = path === undefined ? undefined : state.group.file.columns.get(`${path}.Key`);
    if (path === undefined || key === undefined) continue;
    const lists = await readLists(comparison, state.group, key, path, scope, repetition);
    if (lists !== undefined) comparison.counts.addEntries(lists.pairs, lists.starts, await runsOf(level));
  }
}

/** The attributes of one level: those of slot s are the entries `[starts[s], starts[s + 1])`; each has its pair, or {@link none} in a list without attributes. */
interface Lists {
  readonly starts: Uint32Array;
  readonly pairs: Int32Array;
}

async function readLists(
  comparison: Comparison,
  group: RowGroup,
  key: LeafColumn,
  path: string,
  scope: Scope,
  repetition: number,
): Promise<Lists | undefined> {
  const dictionary = await dictionaryOf(group, key);
  if (dictionary === undefined) return undefined;
  const keys = await pagesOf(group, key);
  if (keys.valueCount === 0) return undefined;
  const attributeOf = await attributesOf(comparison, group, key, keys, dictionary, scope);
  const count = keys.entryCount;
  const pairs = new Int32Array(count).fill(none);
  for (const name of valueNames) {
    const column = group.file.columns.get(`${path}.${name}`);
    if (column !== undefined) await readValuePairs(comparison, group, column, keys, attributeOf, pairs);
  }
  // What is stored in another way (maps, bytes, empty and mixed arrays) has no value that could be shown.
  for (let i = 0; i < count; i++) {
    if (pairs[i] === none && attributeOf[i] !== none) pairs[i] = comparison.pairs.pairOf(attributeOf[i], comparedKind.nil, 0, 0);
  }
  return { starts: startsOf(group, keys, repetition), pairs };
}

/** The attribute of each entry, {@link none} for null. */
async function attributesOf(
  comparison: Comparison,
  group: RowGroup,
  key: LeafColumn,
  keys: Pages,
  dictionary: Dictionary,
  scope: Scope,
): Promise<Int32Array> {
  const { kernels } = group;
  const idsAt = kernels.alloc(4 * keys.entryCount);
  await onColumn(group, key, () => kernels.ids(keys, dictionary.count, idsAt));
  const offsets = kernels.u32(dictionary.offsets, dictionary.count + 1);
  const attributes = new Int32Array(dictionary.count);
  for (let id = 0; id < attributes.length; id++) {
    const name = textOf(kernels, dictionary.at + offsets[id] + 4, offsets[id + 1] - offsets[id] - 4, 'text');
    attributes[id] = comparison.attribute({ kind: 'attribute', scope, name, parent: false });
  }
  const ids = kernels.u32(idsAt, keys.entryCount);
  const attributeOf = new Int32Array(keys.entryCount);
  for (let i = 0; i < ids.length; i++) attributeOf[i] = ids[i] === nullWord ? none : attributes[ids[i]];
  return attributeOf;
}

/** First entry of each slot whose repetition level is up to `level`, with the number of entries behind the last. */
function startsOf({ kernels }: RowGroup, pages: Pages, level: number): Uint32Array {
  const count = pages.entryCount;
  const repetitions = kernels.alloc(count);
  kernels.repetitions(pages, repetitions);
  const at = kernels.alloc(4 * (count + 1));
  const total = kernels.starts(repetitions, count, level, at, count);
  return kernels.u32(at, total + 1).slice();
}

/** Fills in the pairs of attributes with a value in one column. */
async function readValuePairs(
  comparison: Comparison,
  group: RowGroup,
  column: LeafColumn,
  keys: Pages,
  attributeOf: Int32Array,
  pairs: Int32Array,
): Promise<void> {
  const pages = await pagesOf(group, column);
  if (pages.valueCount === 0) return;
  // Where no attribute is an array, value entries are attributes.
  const firsts = pages.entryCount === keys.entryCount ? undefined : startsOf(group, pages, keys.shape.maxRepetition);
  const values: ValueEntries = { group, column, pages, attributeOf, firsts };
  if (column.type === 'bytes') await takeTexts(comparison, values, pairs);
  else await takeNumbers(comparison, values, pairs);
  if (firsts === undefined) return;
  for (let i = 0; i < pairs.length; i++) {
    if (firsts[i + 1] - firsts[i] > 1) pairs[i] = comparison.pairs.pairOf(attributeOf[i], comparedKind.nil, 0, 0);
  }
}

interface ValueEntries {
  readonly group: RowGroup;
  readonly column: LeafColumn;
  readonly pages: Pages;
  readonly attributeOf: Int32Array;
  /** First value entry of each attribute; undefined: the attribute's own. */
  readonly firsts: Uint32Array | undefined;
}

/** A text mostly belongs to one attribute only: that pair is kept beside the text, those of others are looked up. */
async function takeTexts({ pairs: known, texts }: Comparison, values: ValueEntries, pairs: Int32Array): Promise<void> {
  const { group, column, pages, attributeOf, firsts } = values;
  const { kernels } = group;
  const dictionary = await dictionaryOf(group, column);
  if (dictionary === undefined) return takePlainTexts({ pairs: known, texts }, values, pairs);
  const idsAt = kernels.alloc(4 * pages.entryCount);
  await onColumn(group, column, () => kernels.ids(pages, dictionary.count, idsAt));
  const ids = kernels.u32(idsAt, pages.entryCount);
  const offsets = kernels.u32(dictionary.offsets, dictionary.count + 1);
  const memory = new Uint8Array(kernels.memory.buffer);
  const numbers = new Int32Array(dictionary.count).fill(none);
  const owners = new Int32Array(dictionary.count).fill(none);
  const ownPairs = new Int32Array(dictionary.count);
  for (let i = 0; i < pairs.length; i++) {
    const id = ids[firsts === undefined ? i : firsts[i]];
    if (id === nullWord || attributeOf[i] === none) continue;
    const attribute = attributeOf[i];
    if (owners[id] === attribute) {
      pairs[i] = ownPairs[id];
      continue;
    }
    if (numbers[id] === none) numbers[id] = texts.intern(memory, dictionary.at + offsets[id] + 4, offsets[id + 1] - offsets[id] - 4);
    pairs[i] = known.pairOf(attribute, comparedKind.text, numbers[id], 0);
    if (owners[id] === none) {
      owners[id] = attribute;
      ownPairs[id] = pairs[i];
    }
  }
}

async function takePlainTexts(
  { pairs: known, texts }: Pick<Comparison, 'pairs' | 'texts'>,
  { group, column, pages, attributeOf, firsts }: ValueEntries,
  pairs: Int32Array,
): Promise<void> {
  const { kernels } = group;
  const placesAt = kernels.alloc(8 * pages.entryCount);
  await onColumn(group, column, () => kernels.byteArrays(pages, placesAt));
  const places = kernels.u32(placesAt, 2 * pages.entryCount);
  const memory = new Uint8Array(kernels.memory.buffer);
  for (let i = 0; i < pairs.length; i++) {
    const entry = firsts === undefined ? i : firsts[i];
    const length = places[2 * entry + 1];
    if (length === nullWord || attributeOf[i] === none) continue;
    pairs[i] = known.pairOf(attributeOf[i], comparedKind.text, texts.intern(memory, places[2 * entry], length), 0);
  }
}

/** Below this, pairs of whole numbers are looked up in an array. */
const smallInts = 1024;

/** Whole numbers, doubles (their bits) and booleans. */
async function takeNumbers({ pairs: known, attributes }: Comparison, values: ValueEntries, pairs: Int32Array): Promise<void> {
  const { group, column, pages, attributeOf, firsts } = values;
  const { kernels } = group;
  const isBoolean = column.type === 'boolean';
  const at = kernels.alloc((isBoolean ? 1 : 8) * pages.entryCount);
  const presentAt = kernels.alloc(pages.entryCount);
  await onColumn(group, column, () => {
    kernels.matchPresent(pages, presentAt);
    if (isBoolean) kernels.booleans(pages, at);
    else if (column.type === 'double') kernels.doubles(pages, at);
    else kernels.ints(pages, at);
  });
  const present = kernels.u8(presentAt, pages.entryCount);
  const booleans = kernels.u8(at, pages.entryCount);
  const { low, high } = isBoolean ? { low: new Uint32Array(0), high: new Int32Array(0) } : halvesAt(kernels, at, pages.entryCount);
  const kind = isBoolean ? comparedKind.boolean : column.type === 'double' ? comparedKind.double : comparedKind.int;
  const small = new Int32Array(attributes.length * smallInts).fill(none);
  for (let i = 0; i < pairs.length; i++) {
    const entry = firsts === undefined ? i : firsts[i];
    const attribute = attributeOf[i];
    if (present[entry] === 0 || attribute === none) continue;
    const word = isBoolean ? booleans[entry] : low[2 * entry];
    const highWord = isBoolean ? 0 : high[2 * entry + 1];
    if (highWord !== 0 || word >= smallInts) {
      pairs[i] = known.pairOf(attribute, kind, word, highWord);
      continue;
    }
    const place = attribute * smallInts + word;
    if (small[place] === none) small[place] = known.pairOf(attribute, kind, word, 0);
    pairs[i] = small[place];
  }
}

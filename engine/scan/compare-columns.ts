import type { Dictionary, Pages } from '#engine/kernels/kernels.ts';
import type { ColumnSource } from '#engine/vparquet/sources.ts';
import type { Comparison } from './compare.ts';
import { comparedKind } from './compare-counts.ts';
import type { Runs } from './compare-runs.ts';
import { halvesAt } from './counted-spans.ts';
import { dictionaryOf, onColumn, pagesOf, type RowGroup } from './row-group.ts';
import { slotBound } from './structure.ts';
import { readValues, type Values, valueKind } from './values.ts';

const nullWord = 0xffffffff;
/** Below this, pairs of whole numbers are looked up in an array. */
const smallInts = 1024;

/** Counts the values of a column; spans without one count for nil. */
export async function countColumn(
  comparison: Comparison,
  group: RowGroup,
  source: ColumnSource,
  attribute: number,
  runs: Runs,
): Promise<void> {
  const pages = await pagesOf(group, source.column);
  const nil = comparison.pairs.pairOf(attribute, comparedKind.nil, 0, 0);
  if (source.repeatedValues && pages.entryCount !== slotBound(group, source.level)) {
    return countValues(comparison, group, source, attribute, runs, nil);
  }
  const dictionary = source.column.type === 'bytes' ? await dictionaryOf(group, source.column) : undefined;
  if (dictionary !== undefined && pages.valueCount > 0) {
    return countDictionary(comparison, group, source, pages, dictionary, attribute, runs, nil);
  }
  comparison.counts.addSlots(await entryPairs(comparison, group, source, pages, attribute), nil, runs);
}

/** The pair of each entry, -1 for null. */
async function entryPairs(
  comparison: Comparison,
  group: RowGroup,
  source: ColumnSource,
  pages: Pages,
  attribute: number,
): Promise<Int32Array> {
  if (pages.valueCount === 0) return new Int32Array(pages.entryCount).fill(-1);
  return source.column.type === 'bytes'
    ? plainPairs(comparison, group, source, pages, attribute)
    : intPairs(comparison, group, source, pages, attribute);
}

/** Looks at each dictionary entry that occurs once. */
async function countDictionary(
  { pairs, texts, counts }: Comparison,
  group: RowGroup,
  { column }: ColumnSource,
  pages: Pages,
  dictionary: Dictionary,
  attribute: number,
  runs: Runs,
  nil: number,
): Promise<void> {
  const { kernels } = group;
  const idsAt = kernels.alloc(4 * pages.entryCount);
  await onColumn(group, column, () => kernels.ids(pages, dictionary.count, idsAt));
  const ids = kernels.u32(idsAt, pages.entryCount);
  const offsets = kernels.u32(dictionary.offsets, dictionary.count + 1);
  const memory = new Uint8Array(kernels.memory.buffer);
  const resolve = (id: number): number => {
    const text = texts.intern(memory, dictionary.at + offsets[id] + 4, offsets[id + 1] - offsets[id] - 4);
    return pairs.pairOf(attribute, comparedKind.text, text, 0);
  };
  counts.addIds(ids, new Int32Array(dictionary.count).fill(-1), resolve, nil, runs);
}

async function plainPairs(
  { pairs, texts }: Comparison,
  group: RowGroup,
  { column }: ColumnSource,
  pages: Pages,
  attribute: number,
): Promise<Int32Array> {
  const { kernels } = group;
  const placesAt = kernels.alloc(8 * pages.entryCount);
  await onColumn(group, column, () => kernels.byteArrays(pages, placesAt));
  const places = kernels.u32(placesAt, 2 * pages.entryCount);
  const memory = new Uint8Array(kernels.memory.buffer);
  const empty = pairs.pairOf(attribute, comparedKind.text, texts.intern(memory, 0, 0), 0);
  const out = new Int32Array(pages.entryCount);
  for (let i = 0; i < out.length; i++) {
    const length = places[2 * i + 1];
    if (length === 0) out[i] = empty;
    else out[i] = length === nullWord ? -1 : pairs.pairOf(attribute, comparedKind.text, texts.intern(memory, places[2 * i], length), 0);
  }
  return out;
}

async function intPairs(
  { pairs }: Comparison,
  group: RowGroup,
  { column, meaning }: ColumnSource,
  pages: Pages,
  attribute: number,
): Promise<Int32Array> {
  const { kernels } = group;
  const at = kernels.alloc(8 * pages.entryCount);
  const presentAt = kernels.alloc(pages.entryCount);
  await onColumn(group, column, () => {
    kernels.ints(pages, at);
    kernels.matchPresent(pages, presentAt);
  });
  const { low, high } = halvesAt(kernels, at, pages.entryCount);
  const present = kernels.u8(presentAt, pages.entryCount);
  const kind = meaning === 'status' ? comparedKind.status : meaning === 'kind' ? comparedKind.kind : comparedKind.int;
  const small = new Int32Array(smallInts).fill(-1);
  const out = new Int32Array(pages.entryCount);
  for (let i = 0; i < out.length; i++) {
    const word = low[2 * i];
    if (present[i] === 0) out[i] = -1;
    else if (high[2 * i + 1] !== 0 || word >= smallInts) out[i] = pairs.pairOf(attribute, kind, word, high[2 * i + 1]);
    else {
      if (small[word] < 0) small[word] = pairs.pairOf(attribute, kind, word, 0);
      out[i] = small[word];
    }
  }
  return out;
}

/** A column with arrays in it. */
async function countValues(
  comparison: Comparison,
  group: RowGroup,
  source: ColumnSource,
  attribute: number,
  { slots, cells, weights }: Runs,
  nil: number,
): Promise<void> {
  const distinct = slots.filter((slot, i) => i === 0 || slots[i - 1] !== slot);
  const values = await readValues(group, { level: source.level, sources: [source] }, distinct);
  const memory = new Uint8Array(group.kernels.memory.buffer);
  let position = -1;
  let pair = nil;
  for (let i = 0; i < slots.length; i++) {
    if (i === 0 || slots[i - 1] !== slots[i]) pair = pairOfValue(comparison, values, ++position, attribute, memory, nil);
    comparison.counts.add(pair, cells[i], weights[i]);
  }
}

function pairOfValue({ pairs, texts }: Comparison, values: Values, at: number, attribute: number, memory: Uint8Array, nil: number): number {
  switch (values.kinds[at]) {
    case valueKind.text:
      return pairs.pairOf(attribute, comparedKind.text, texts.intern(memory, values.textAt[at], values.textLength[at]), 0);
    case valueKind.int: {
      const value = values.ints[at];
      return pairs.pairOf(attribute, comparedKind.int, Number(BigInt.asUintN(32, value)), Number(value >> 32n));
    }
    default:
      return nil;
  }
}

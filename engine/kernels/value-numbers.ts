import type { Kernels } from './kernels.ts';
import type { RunList, TalliedRecords } from './tally.ts';
import type { TypedValues } from './typed-values.ts';

/** The values that runs met, numbered from 0 on in the order of the records. */
export interface NumberedValues {
  readonly records: TalliedRecords;
  /** Address of four words for each number: the value's word, low half first, then attribute · 8 + kind. */
  readonly members: number;
}

interface NumberExports {
  readonly countKeys: (keys: number, keyCount: number, starts: number, slots: number, runCount: number, counts: number) => void;
  readonly sortByKey: (
    keys: number,
    keyCount: number,
    kinds: number,
    words: number,
    starts: number,
    slots: number,
    cells: number,
    weights: number,
    runCount: number,
    counts: number,
    records: number,
  ) => void;
  readonly listSlots: (
    kinds: number,
    words: number,
    slots: number,
    cells: number,
    weights: number,
    runCount: number,
    records: number,
  ) => number;
  readonly listIds: (ids: number, slots: number, cells: number, weights: number, runCount: number, records: number) => number;
  readonly numberRecords: (
    records: number,
    ends: number,
    names: number,
    keyCount: number,
    side: number,
    texts: number,
    idCount: number,
    near: number,
    far: number,
    members: number,
    tallies: number,
  ) => number;
}

const recordBytes = 16;
const nearWords = 2 ** 17;
const leastFarWords = 16;

function exportsOf(kernels: Kernels): NumberExports {
  return kernels.exports as unknown as NumberExports;
}

/**
 * Numbers the values of a list: slot s has the entries `[starts[s], starts[s + 1])`, entry i the key `keys[i]` (u32, 0xffffffff for none), key k the attribute
 * `attributes[k]`. Entries without a value or with several are of kind 0. `intervals`: half the number of cells.
 */
export function numberListValues(
  kernels: Kernels,
  list: { readonly keys: number; readonly starts: number; readonly attributes: Uint32Array },
  { kinds, words, idCount }: TypedValues,
  { slots, cells, weights, count: runCount }: RunList,
  intervals: number,
): NumberedValues {
  const { keys, starts, attributes } = list;
  const exports = exportsOf(kernels);
  const keyCount = attributes.length;
  const names = putWords(
    kernels,
    attributes.map((attribute) => attribute << 3),
  );
  const counts = kernels.alloc(4 * (keyCount + 1));
  exports.countKeys(keys, keyCount, starts, slots, runCount, counts);
  const countsOfKeys = kernels.u32(counts, keyCount + 1).slice();
  const total = countsOfKeys.reduce((sum, count) => sum + count, 0);
  const most = countsOfKeys.subarray(0, keyCount).reduce((a, b) => Math.max(a, b), 0);
  const at = kernels.alloc(recordBytes * total);
  exports.sortByKey(keys, keyCount, kinds, words, starts, slots, cells, weights, runCount, counts, at);
  const end = at + recordBytes * (total - countsOfKeys[keyCount]);
  return numbered(kernels, { at, end, most, ends: counts, names, keyCount }, idCount, intervals);
}

/** Numbers the values of slots, all of attribute 0; slots of kind 0 have none. */
export function numberSlotValues(
  kernels: Kernels,
  { kinds, words, idCount }: TypedValues,
  { slots, cells, weights, count }: RunList,
  intervals: number,
): NumberedValues {
  const at = kernels.alloc(recordBytes * count);
  const end = exportsOf(kernels).listSlots(kinds, words, slots, cells, weights, count, at) >>> 0;
  return numberedSlots(kernels, at, end, idCount, intervals);
}

/** Numbers ids of texts, u32 for each slot, below `idCount` or 0xffffffff for none. */
export function numberSlotIds(
  kernels: Kernels,
  ids: number,
  idCount: number,
  { slots, cells, weights, count }: RunList,
  intervals: number,
): NumberedValues {
  const at = kernels.alloc(recordBytes * count);
  const end = exportsOf(kernels).listIds(ids, slots, cells, weights, count, at) >>> 0;
  return numberedSlots(kernels, at, end, idCount, intervals);
}

function numberedSlots(kernels: Kernels, at: number, end: number, idCount: number, intervals: number): NumberedValues {
  const ends = putWords(kernels, Uint32Array.of(end));
  const names = putWords(kernels, Uint32Array.of(0));
  return numbered(kernels, { at, end, most: (end - at) / recordBytes, ends, names, keyCount: 1 }, idCount, intervals);
}

/** Records sorted by key; `most`: how many the key with most has. */
interface SortedRecords {
  readonly at: number;
  readonly end: number;
  readonly most: number;
  readonly ends: number;
  readonly names: number;
  readonly keyCount: number;
}

function numbered(
  kernels: Kernels,
  { at, end, most, ends, names, keyCount }: SortedRecords,
  idCount: number,
  intervals: number,
): NumberedValues {
  const recordCount = (end - at) / recordBytes;
  const members = kernels.alloc(16 * recordCount);
  const tallies = kernels.alloc(8 * recordCount);
  const mark = kernels.mark();
  const texts = kernels.alloc(4 * idCount);
  const near = kernels.alloc(4 * nearWords);
  const far = kernels.alloc(4 * Math.max(leastFarWords, 4 * most));
  const { numberRecords } = exportsOf(kernels);
  const count = numberRecords(at, ends, names, keyCount, intervals, texts, idCount, near, far, members, tallies) >>> 0;
  kernels.release(mark);
  return { records: { at, end, count, tallies }, members };
}

function putWords(kernels: Kernels, words: Uint32Array): number {
  const at = kernels.alloc(4 * words.length);
  kernels.u32(at, words.length).set(words);
  return at;
}

import type { Kernels } from './kernels.ts';
import { loadKernels } from './load.ts';

/** Records of one column or list: addresses of as many hashes and records. */
export interface RecordBlock {
  readonly hashes: number;
  readonly records: number;
  readonly count: number;
}

/** One of the commonest values of its attribute and side: its first record. */
export interface Picked {
  readonly record: number;
  readonly side: 0 | 1;
}

interface StoreExports {
  readonly addRecordCells: (records: number, count: number, cellCount: number, rows: number, recordCounts: number) => void;
  readonly countBuckets: (hashes: number, count: number, shift: number, counts: number) => void;
  readonly dealRecords: (hashes: number, records: number, count: number, shift: number, places: number) => void;
  readonly joinRecords: (pairs: number, ends: number, bucketCount: number, table: number) => void;
  readonly pickCommonest: (records: number, count: number, heaps: number, starts: number, sizes: number) => void;
}

/** Records of one bucket: their table fits into the nearest cache. */
const bucketRecords = 2048;
const maxBucketBits = 12;

function exportsOf(kernels: Kernels): StoreExports {
  return kernels.exports as unknown as StoreExports;
}

// Memory that was used before costs a job a tenth less than new pages, which the system has to clear.
const idleStores = new WeakMap<Kernels, Kernels>();
/** A larger store is not kept: WASM memory never shrinks. */
const maxIdleBytes = 64 * 1024 * 1024;

/** Kernels whose memory is all for records, for the job that has `kernels`. Give it back when no more is read. */
export function openRecordStore(kernels: Kernels, maxBytes: number): { readonly kernels: Kernels; readonly close: () => void } {
  const store = idleStores.get(kernels) ?? loadKernels({ maxBytes });
  idleStores.delete(kernels);
  const mark = store.mark();
  return {
    kernels: store,
    close: () => {
      store.release(mark);
      if (store.memory.buffer.byteLength <= maxIdleBytes) idleStores.set(kernels, store);
    },
  };
}

/** Counts the records of each attribute (u32 at `recordCounts`) and adds their cells to its row of `cellCount` words at `rows`. */
export function addRecordCells(
  kernels: Kernels,
  { records, count }: RecordBlock,
  cellCount: number,
  rows: number,
  recordCounts: number,
): void {
  exportsOf(kernels).addRecordCells(records, count, cellCount, rows, recordCounts);
}

/** Joins equal records: the first of them gets the counts of all, and begins a chain of the others. Takes space and gives it back. */
export function joinRecords(kernels: Kernels, blocks: readonly RecordBlock[]): void {
  const exports = exportsOf(kernels);
  const total = blocks.reduce((sum, { count }) => sum + count, 0);
  const bits = Math.min(maxBucketBits, Math.max(1, Math.ceil(Math.log2(total / bucketRecords))));
  const bucketCount = 1 << bits;
  const mark = kernels.mark();
  const places = kernels.alloc(4 * bucketCount);
  const pairs = kernels.alloc(8 * total);
  kernels.u32(places, bucketCount).fill(0);
  for (const { hashes, count } of blocks) exports.countBuckets(hashes, count, 32 - bits, places);
  const ends = kernels.u32(places, bucketCount);
  let largest = 1;
  let at = pairs;
  for (let bucket = 0; bucket < bucketCount; bucket++) {
    const size = ends[bucket];
    largest = Math.max(largest, size);
    ends[bucket] = at;
    at += 8 * size;
  }
  const table = kernels.alloc(8 * 2 ** Math.ceil(Math.log2(2 * largest)));
  for (const { hashes, records, count } of blocks) exports.dealRecords(hashes, records, count, 32 - bits, places);
  exports.joinRecords(pairs, places, bucketCount, table);
  kernels.release(mark);
}

/**
 * The `most` commonest values of each attribute and side among joined records, commonest first, of equally common ones those that were met first; in order of
 * attributes and sides. `recordCounts`: how many records each attribute has. Takes space and gives it back.
 */
export function pickCommonest(
  kernels: Kernels,
  blocks: readonly RecordBlock[],
  recordCounts: Uint32Array,
  most: number,
): readonly Picked[] {
  const groupCount = 2 * recordCounts.length;
  const starts = new Uint32Array(groupCount + 1);
  for (let group = 0; group < groupCount; group++) starts[group + 1] = starts[group] + Math.min(most, recordCounts[group >>> 1]);
  const mark = kernels.mark();
  const startsAt = kernels.alloc(4 * starts.length);
  const sizesAt = kernels.alloc(4 * groupCount);
  const heapsAt = kernels.alloc(16 * starts[groupCount]);
  kernels.u32(startsAt, starts.length).set(starts);
  kernels.u32(sizesAt, groupCount).fill(0);
  for (const { records, count } of blocks) exportsOf(kernels).pickCommonest(records, count, heapsAt, startsAt, sizesAt);
  const sizes = kernels.u32(sizesAt, groupCount);
  const heaps = new BigUint64Array(kernels.memory.buffer, heapsAt, 2 * starts[groupCount]);
  const picked: Picked[] = [];
  for (let group = 0; group < groupCount; group++) {
    const entries = Array.from({ length: sizes[group] }, (_, i) => {
      const entry = 2 * (starts[group] + i);
      return { rank: heaps[entry], record: Number(heaps[entry + 1] >> 1n) };
    });
    entries.sort((a, b) => (a.rank < b.rank ? 1 : -1));
    const side = group & 1 ? 1 : 0;
    for (const { record } of entries) picked.push({ record, side });
  }
  kernels.release(mark);
  return picked;
}

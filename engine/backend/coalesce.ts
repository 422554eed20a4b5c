import { mapParallel } from '#engine/base/parallel.ts';
import type { Backend } from './backend.ts';
import { type ByteRange, checkRange } from './range.ts';

/** One request that covers several wanted ranges. */
export interface MergedRead extends ByteRange {
  /** Indices of the wanted ranges that lie in it. */
  readonly parts: readonly number[];
}

/** Limits of {@link readRanges}. */
export interface CoalesceOptions {
  /** A merged read is not grown beyond this; a single range may be larger. 16 MiB without it. */
  readonly maxMergedBytes?: number;
  /** Requests in flight; 16 without it. */
  readonly concurrency?: number;
}

/**
 * Merges ranges that overlap, touch, or lie at most `gapBytes` apart into reads of at most `maxMergedBytes`, in order of their starts.
 * Empty ranges are in no read.
 */
export function planMergedReads(ranges: readonly ByteRange[], gapBytes: number, maxMergedBytes: number): readonly MergedRead[] {
  const order = ranges.map((_, index) => index).filter((index) => ranges[index].end > ranges[index].start);
  order.sort((a, b) => ranges[a].start - ranges[b].start || ranges[a].end - ranges[b].end);
  const reads: { start: number; end: number; parts: number[] }[] = [];
  for (const index of order) {
    const { start, end } = ranges[index];
    const last = reads.at(-1);
    const mergedEnd = last === undefined ? end : Math.max(last.end, end);
    const contained = last !== undefined && end <= last.end;
    if (last !== undefined && (contained || (start - last.end <= gapBytes && mergedEnd - last.start <= maxMergedBytes))) {
      last.end = mergedEnd;
      last.parts.push(index);
    } else {
      reads.push({ start, end, parts: [index] });
    }
  }
  return reads;
}

/**
 * Reads many ranges of one object in as few requests as the backend's `coalesceGapBytes` suggests, in parallel. Returns the bytes of each range in
 * the order asked for; neighbours may be views of one buffer. The first error cancels the other requests and is thrown.
 */
export async function readRanges(
  backend: Backend,
  key: string,
  ranges: readonly ByteRange[],
  signal?: AbortSignal,
  { maxMergedBytes = 16 * 1024 * 1024, concurrency = 16 }: CoalesceOptions = {},
): Promise<Uint8Array[]> {
  for (const { start, end } of ranges) checkRange(key, start, end);
  const results: Uint8Array[] = ranges.map(() => new Uint8Array(0));
  const reads = planMergedReads(ranges, backend.coalesceGapBytes, maxMergedBytes);
  const readOne = async (read: MergedRead, innerSignal: AbortSignal | undefined): Promise<void> => {
    const content = await backend.readRange(key, read.start, read.end, innerSignal);
    for (const part of read.parts) results[part] = content.subarray(ranges[part].start - read.start, ranges[part].end - read.start);
  };
  if (reads.length === 1) await readOne(reads[0], signal);
  else await mapParallel(reads, concurrency, readOne, signal);
  return results;
}

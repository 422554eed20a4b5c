import type { Kernels } from '#engine/kernels/kernels.ts';
import { outsideWindow, type TimeWindow, timeIntervals } from '#engine/kernels/time-intervals.ts';
import { onColumn, pagesOf } from './row-group.ts';
import type { ScanState } from './scan-state.ts';
import { requiredColumn } from './structure.ts';

/** Spans of one row group that count. */
export interface CountedSpans {
  /** Slots, ascending. */
  readonly spans: Uint32Array;
  /** Interval of each. */
  readonly intervals: Uint32Array;
  /** Whether these are all slots of the row group. */
  readonly all: boolean;
}

/** The column of span starts, which every block has. */
export const spanStartColumn = 'rs.ss.Spans.StartTimeUnixNano';

/** Whole numbers of a column as two halves, so that none becomes a BigInt. */
export interface Halves {
  /** Low half of entry i at 2i, high half at 2i + 1. */
  readonly low: Uint32Array;
  readonly high: Int32Array;
}

/** Views of `count` 64-bit integers; valid until memory moves. */
export function halvesAt({ memory }: Kernels, at: number, count: number): Halves {
  return { low: new Uint32Array(memory.buffer, at, 2 * count), high: new Int32Array(memory.buffer, at, 2 * count) };
}

let identity = new Uint32Array(0);

/** The numbers from 0 to `count - 1`. Not to be changed. */
export function firstSlots(count: number): Uint32Array {
  if (identity.length < count) identity = Uint32Array.from({ length: 2 * count }, (_, i) => i);
  return identity.subarray(0, count);
}

/** Space that one row group after the other uses: new memory costs more than what is written to it. */
export interface IntervalSpace {
  intervals: Uint32Array;
}

/** The spans of a byte map that start within the window. What is returned is valid until the next call with the same space. */
export async function countSpans(state: ScanState, matched: number, window: TimeWindow, space: IntervalSpace): Promise<CountedSpans> {
  const { group } = state;
  const { kernels } = group;
  const { spanCount } = await state.structure();
  const column = requiredColumn(group, spanStartColumn);
  const pages = await pagesOf(group, column);
  const count = kernels.countOnes(matched, spanCount);
  const everySpan = count === pages.entryCount;
  const entriesAt = everySpan ? 0 : kernels.alloc(4 * spanCount);
  const startsAt = kernels.alloc(8 * count);
  await onColumn(group, column, () => {
    if (everySpan) return kernels.ints(pages, startsAt);
    kernels.indexes(matched, spanCount, entriesAt, spanCount);
    kernels.gatherInts(pages, entriesAt, count, startsAt);
  });
  const entries = everySpan ? firstSlots(count) : kernels.u32(entriesAt, count).slice();
  const intervalsAt = kernels.alloc(4 * count);
  const inside = timeIntervals(kernels, startsAt, count, window, intervalsAt);
  if (space.intervals.length < count) space.intervals = new Uint32Array(2 * count);
  const intervals = space.intervals.subarray(0, count);
  intervals.set(kernels.u32(intervalsAt, count));
  return inside === count ? { spans: entries, intervals, all: everySpan } : withoutOutside(entries, intervals, inside);
}

function withoutOutside(entries: Uint32Array, all: Uint32Array, inside: number): CountedSpans {
  const spans = new Uint32Array(inside);
  const intervals = new Uint32Array(inside);
  let top = 0;
  for (let i = 0; i < all.length; i++) {
    if (all[i] === outsideWindow) continue;
    spans[top] = entries[i];
    intervals[top++] = all[i];
  }
  return { spans, intervals, all: false };
}

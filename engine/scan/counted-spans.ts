import type { Kernels } from '#engine/kernels/kernels.ts';
import { onColumn, pagesOf } from './row-group.ts';
import type { ScanState } from './scan-state.ts';
import { requiredColumn } from './structure.ts';

/** Which spans of a job count, and in which interval (spec traceql §8.2, §8.3). Nanoseconds since the epoch. */
export interface MetricsWindow {
  /** Spans count that start after this … */
  readonly startNanos: bigint;
  /** … and not after this. */
  readonly endNanos: bigint;
  /** Left edge of interval 0, not after the start. */
  readonly baseNanos: bigint;
  readonly stepNanos: bigint;
  /** Number of intervals. */
  readonly count: number;
}

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

/** The spans of a byte map that start within the window. */
export async function countSpans(state: ScanState, matched: number, window: MetricsWindow): Promise<CountedSpans> {
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
  return withinWindow(entries, halvesAt(kernels, startsAt, count), window, everySpan);
}

/** Distances from the window's base are exact as doubles up to 2^53 ns (104 days), and beyond that far outside. */
function withinWindow(entries: Uint32Array, { low, high }: Halves, window: MetricsWindow, everySpan: boolean): CountedSpans {
  const { baseNanos } = window;
  const baseHigh = Number(baseNanos >> 32n);
  const baseLow = Number(baseNanos & 0xffffffffn);
  const after = Number(window.startNanos - baseNanos);
  const until = Number(window.endNanos - baseNanos);
  const step = Number(window.stepNanos);
  const count = entries.length;
  const intervals = new Uint32Array(count);
  let inside = 0;
  for (let i = 0; i < count; i++) {
    const distance = (high[2 * i + 1] - baseHigh) * 4294967296 + (low[2 * i] - baseLow);
    if (distance > after && distance <= until) {
      // An exact quotient of whole numbers below 2^53 is never rounded to or across a whole number.
      intervals[i] = Math.ceil(distance / step) - 1;
      inside++;
    } else intervals[i] = outside;
  }
  if (inside === count) return { spans: entries, intervals, all: everySpan };
  const spans = new Uint32Array(inside);
  let top = 0;
  for (let i = 0; i < count; i++) {
    if (intervals[i] === outside) continue;
    spans[top] = entries[i];
    intervals[top++] = intervals[i];
  }
  return { spans, intervals: intervals.subarray(0, inside), all: false };
}

const outside = 0xffffffff;

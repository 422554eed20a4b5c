import type { Kernels } from './kernels.ts';

/** Times that count, and the intervals that they are counted in. Nanoseconds since the epoch. */
export interface TimeWindow {
  /** Times count after this … */
  readonly startNanos: bigint;
  /** … and not after this, at most 104 days (2^53 ns) behind the base. */
  readonly endNanos: bigint;
  /** Left edge of interval 0, not after the start. */
  readonly baseNanos: bigint;
  readonly stepNanos: bigint;
}

/** Written for times outside the window. */
export const outsideWindow = 0xffffffff;

interface IntervalExports {
  readonly timeIntervals: (times: number, count: number, base: bigint, after: bigint, until: bigint, step: number, out: number) => number;
}

/**
 * Writes for each of `count` times at `times` (i64) the number of its interval (u32): i for (base + i · step, base + (i + 1) · step], {@link outsideWindow} outside
 * the window. Returns how many are inside.
 */
export function timeIntervals(kernels: Kernels, times: number, count: number, window: TimeWindow, out: number): number {
  const { startNanos, endNanos, baseNanos, stepNanos } = window;
  const exports = kernels.exports as unknown as IntervalExports;
  const step = Number(stepNanos);
  return exports.timeIntervals(times, count, baseNanos, startNanos - baseNanos, endNanos - baseNanos, step, out) >>> 0;
}

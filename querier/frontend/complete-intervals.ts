import type { MetricsGrid } from '#engine/api/metrics-series.ts';

/** A part of the grid's time, (start, end]; nanoseconds since the epoch. */
export interface CoveredTime {
  readonly startNanos: bigint;
  readonly endNanos: bigint;
}

/** Follows which intervals of a metrics query no job can change any more. */
export interface CompleteIntervals {
  /** Notes the end of a job that was announced. */
  readonly finish: (job: CoveredTime) => void;
  /** Intervals that became complete since the last call, each once: 1 in an array with one entry per interval. */
  readonly take: () => Uint8Array;
}

/** Starts with all jobs running. Intervals that no job covers are complete at once. */
export function createCompleteIntervals(grid: MetricsGrid, jobs: Iterable<CoveredTime>): CompleteIntervals {
  const { startNanos, stepNanos, count } = grid;
  const within = (interval: bigint) => Math.min(count, Math.max(0, Number(interval)));
  const rangeOf = (job: CoveredTime) => ({
    from: within((job.startNanos - startNanos) / stepNanos),
    to: within((job.endNanos - startNanos + stepNanos - 1n) / stepNanos),
  });
  const changes = new Int32Array(count + 1);
  for (const job of jobs) {
    const { from, to } = rangeOf(job);
    changes[from]++;
    changes[to]--;
  }
  const running = changes.subarray(0, count);
  for (let i = 1; i < count; i++) running[i] += running[i - 1];
  const taken = new Uint8Array(count);
  return {
    finish: (job) => {
      const { from, to } = rangeOf(job);
      for (let i = from; i < to; i++) running[i]--;
    },
    take: () => {
      const complete = new Uint8Array(count);
      for (let i = 0; i < count; i++) {
        if (running[i] > 0 || taken[i] !== 0) continue;
        complete[i] = 1;
        taken[i] = 1;
      }
      return complete;
    },
  };
}

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

/**
 * Starts with all jobs running. Intervals that no job covers are complete at once. `jobs` gives all of them, and is asked with the first {@link
 * CompleteIntervals.take}: a query that nobody looks at while it runs makes each job once.
 */
export function createCompleteIntervals(grid: MetricsGrid, jobs: () => Iterable<CoveredTime>): CompleteIntervals {
  const { startNanos, stepNanos, count } = grid;
  const within = (interval: bigint) => Math.min(count, Math.max(0, Number(interval)));
  // By how many more jobs cover an interval than the one before it: a job costs two additions, however long it is.
  const add = (changes: Int32Array, job: CoveredTime): void => {
    changes[within((job.startNanos - startNanos) / stepNanos)]!++;
    changes[within((job.endNanos - startNanos + stepNanos - 1n) / stepNanos)]!--;
  };
  const finished = new Int32Array(count + 1);
  let announced: Int32Array | undefined;
  const announce = (): Int32Array => {
    const changes = new Int32Array(count + 1);
    for (const job of jobs()) add(changes, job);
    return changes;
  };
  const taken = new Uint8Array(count);
  return {
    finish: (job) => add(finished, job),
    take: () => {
      announced ??= announce();
      const complete = new Uint8Array(count);
      let running = 0;
      for (let i = 0; i < count; i++) {
        running += announced[i]! - finished[i]!;
        if (running > 0 || taken[i] !== 0) continue;
        complete[i] = 1;
        taken[i] = 1;
      }
      return complete;
    },
  };
}

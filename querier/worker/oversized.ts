import type { WireJob } from '#engine/api/job-wire.ts';
import type { Clock } from '#engine/base/clock.ts';
import { createLru } from '#engine/base/lru.ts';
import { readJobFacts } from '../dispatch/job-facts.ts';

/** What is known of a job before it is sent: `alone`: its answer may fill a call; `cut`: it is too large for one. */
export type ExpectedSize = 'usual' | 'alone' | 'cut';

/** Remembers queries whose answers were too large for a call, so that not every job of them is run in vain first. */
export interface Oversized {
  /** The answer of that job was too large. */
  readonly note: (job: WireJob) => void;
  readonly expect: (job: WireJob) => ExpectedSize;
}

/** Queries that are remembered. */
const mostQueries = 1000;
/** What was too large then may not be now: other blocks, other functions. */
const rememberedMs = 10 * 60 * 1000;

interface Known {
  /** Bytes of block of the smallest job whose answer was too large. */
  readonly sizeBytes: number;
  readonly untilMs: number;
}

/** Starts knowing nothing. */
export function createOversized(clock: Pick<Clock, 'monotonicMs'>): Oversized {
  const known = createLru<string, Known>({ maxBytes: mostQueries });
  const fresh = (key: string): Known | undefined => {
    const one = known.get(key);
    return one !== undefined && one.untilMs > clock.monotonicMs() ? one : undefined;
  };
  return {
    note: (job) => {
      const { queryKey, sizeBytes } = readJobFacts(job);
      const smallest = Math.min(sizeBytes, fresh(queryKey)?.sizeBytes ?? sizeBytes);
      known.set(queryKey, { sizeBytes: smallest, untilMs: clock.monotonicMs() + rememberedMs }, 1);
    },
    expect: (job) => {
      if (known.count() === 0) return 'usual';
      const { queryKey, sizeBytes } = readJobFacts(job);
      const one = fresh(queryKey);
      if (one === undefined) return 'usual';
      return sizeBytes >= one.sizeBytes ? 'cut' : 'alone';
    },
  };
}

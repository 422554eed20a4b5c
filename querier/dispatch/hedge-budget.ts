/**
 * Bounds extra calls whatever the day is like: over any span of time at most `share` × calls + `burst` hedges. A token bucket that is filled by calls, not by
 * time, and holds no more than `burst` and what the calls of the last seconds and those that run have earned: a quiet hour saves up nothing for a storm.
 */
export interface HedgeBudget {
  /** A first call of a job starts: earns `share` of a hedge. */
  readonly earn: (nowMs: number, running: number) => void;
  /** Takes one hedge while that many calls run; false: there is none left. */
  readonly take: (nowMs: number, running: number) => boolean;
  /** Hedges that could start now. */
  readonly left: () => number;
}

/** Settings of a {@link HedgeBudget}. */
export interface HedgeBudgetOptions {
  /** Hedges per call, 0.05 is 5 %. */
  readonly share: number;
  /** Hedges that may start before any call has earned one. */
  readonly burst: number;
}

/** What calls have earned is forgotten with this time constant. */
const memoryMs = 2000;

/** Creates a full {@link HedgeBudget}. */
export function createHedgeBudget({ share, burst }: HedgeBudgetOptions): HedgeBudget {
  let tokens = burst;
  let recentCalls = 0;
  let atMs = 0;
  const forget = (nowMs: number, running: number): void => {
    if (nowMs > atMs) recentCalls *= Math.exp((atMs - nowMs) / memoryMs);
    atMs = Math.max(atMs, nowMs);
    tokens = Math.min(tokens, burst + share * Math.max(recentCalls, running));
  };
  return {
    earn: (nowMs, running) => {
      forget(nowMs, running);
      recentCalls++;
      tokens = Math.min(tokens + share, burst + share * Math.max(recentCalls, running));
    },
    take: (nowMs, running) => {
      forget(nowMs, running);
      if (tokens < 1) return false;
      tokens--;
      return true;
    },
    left: () => Math.floor(tokens),
  };
}

/**
 * Bounds extra calls whatever the day is like: over any span of time at most `share` × calls + `burst` hedges. A token bucket that is filled by calls, not by
 * time, and holds `burst` and what the calls of the last seconds have earned, so that a quiet hour saves up nothing for a storm.
 */
export interface HedgeBudget {
  /** A first call of a job starts: earns `share` of a hedge. */
  readonly earn: (nowMs: number) => void;
  /** Takes one hedge; false: there is none left. */
  readonly take: (nowMs: number) => boolean;
  /** Hedges that could start now. */
  readonly left: () => number;
}

/** Settings of a {@link HedgeBudget}. */
export interface HedgeBudgetOptions {
  /** Hedges per call, 0.08 is 8 %. */
  readonly share: number;
  /** Hedges that may start before any call has earned one. */
  readonly burst: number;
}

/** What calls have earned is forgotten with this time constant. */
const memoryMs = 10_000;

/** Creates a full {@link HedgeBudget}. */
export function createHedgeBudget({ share, burst }: HedgeBudgetOptions): HedgeBudget {
  let tokens = burst;
  let recentCalls = 0;
  let atMs = 0;
  const forget = (nowMs: number): void => {
    if (nowMs <= atMs) return;
    recentCalls *= Math.exp((atMs - nowMs) / memoryMs);
    atMs = nowMs;
    tokens = Math.min(tokens, burst + share * recentCalls);
  };
  return {
    earn: (nowMs) => {
      forget(nowMs);
      recentCalls++;
      tokens = Math.min(tokens + share, burst + share * recentCalls);
    },
    take: (nowMs) => {
      forget(nowMs);
      if (tokens < 1) return false;
      tokens--;
      return true;
    },
    left: () => Math.floor(tokens),
  };
}

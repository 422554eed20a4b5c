import { setTimeout as delay } from 'node:timers/promises';
import { toAppError } from './errors.ts';

/** Time as the code sees it, so that simulations can drive it. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  readonly nowMs: () => number;
  /** Milliseconds of a clock that never goes back; only differences mean something. */
  readonly monotonicMs: () => number;
  /** Resolves after that time; rejects with `cancelled` or `deadline_exceeded` as soon as the signal is aborted. */
  readonly sleep: (durationMs: number, signal?: AbortSignal) => Promise<void>;
}

/** The machine's clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (durationMs, signal) => {
    try {
      await delay(durationMs, undefined, signal ? { signal } : {});
    } catch (thrown) {
      throw toAppError(signal?.aborted ? signal.reason : thrown);
    }
  },
};

import type { Clock } from '#engine/base/clock.ts';
import { throwIfAborted, toAppError } from '#engine/base/errors.ts';

/** How often and how soon a request is tried again. */
export interface RetryPolicy {
  /** Tries in total, 1 or more. */
  readonly maxAttempts: number;
  /** Wait after the first try; it doubles with each further one. */
  readonly initialDelayMs: number;
  readonly maxDelayMs: number;
}

/** Tempo waits 200 ms to 1 s (spec config §6.1); a search cannot wait for ten tries. */
export const defaultRetryPolicy: RetryPolicy = { maxAttempts: 4, initialDelayMs: 100, maxDelayMs: 1000 };

/** What a retry needs from the process. */
export interface RetryContext {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
}

/**
 * Runs `attempt` until it succeeds, fails with anything but `unavailable`, or the policy is used up; then the last error is thrown.
 * Each wait is a random half to whole of its length, so that many readers do not come back at once.
 */
export async function withRetries<Result>(
  policy: RetryPolicy,
  { clock, random }: RetryContext,
  signal: AbortSignal | undefined,
  attempt: () => Promise<Result>,
): Promise<Result> {
  for (let tried = 1; ; tried++) {
    throwIfAborted(signal);
    try {
      return await attempt();
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code !== 'unavailable' || tried >= policy.maxAttempts) throw error;
      const delayMs = Math.min(policy.maxDelayMs, policy.initialDelayMs * 2 ** (tried - 1));
      await clock.sleep(delayMs * (0.5 + random() / 2), signal);
    }
  }
}

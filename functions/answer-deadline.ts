import { callLimits, type FunctionCall } from '#engine/api/function-call.ts';

/** Longest that a call may have been under way, or have waited for an instance, before it counts as a sign of clocks that disagree. */
const longestWayMs = 15_000;

/**
 * When a call ends by this machine's clock. The caller's deadline counts, so that time on the way and in the platform's queue is not granted twice; where the
 * clocks cannot agree, what was left when the call was sent counts from its arrival. Pure.
 */
export function answerDeadline({ sentMs, deadlineMs }: Pick<FunctionCall, 'sentMs' | 'deadlineMs'>, nowMs: number): number {
  const leftMs = Math.min(callLimits.maxTimeoutMs, Math.max(0, deadlineMs - sentMs));
  const underWayMs = nowMs - sentMs;
  return underWayMs < 0 || underWayMs > longestWayMs ? nowMs + leftMs : sentMs + leftMs;
}

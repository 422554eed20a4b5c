import type { ErrorCode } from '#engine/base/errors.ts';
import type { FailureReason, JobFailed } from './invoke.ts';

/** Longest part of a body that an error shows. */
const shownBytes = 2048;
/** Longest pause that an endpoint may ask for. */
const longestPauseMs = 60_000;

/** The beginning of a body, for messages. */
export function shownBody(body: Uint8Array): string {
  return Buffer.from(body.buffer, body.byteOffset, Math.min(body.length, shownBytes)).toString().trimEnd();
}

/** A failure with one reason for all jobs of a call. */
export function failure(
  reason: FailureReason,
  code: ErrorCode,
  message: string,
  retryable: boolean,
  retryAfterMs: number | undefined = undefined,
): JobFailed {
  return { kind: 'failed', reason, code, message, retryable, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

/** `Retry-After`: seconds, or an HTTP date. Undefined where it is neither; at most a minute. */
export function parseRetryAfter(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined || text === '') return undefined;
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(longestPauseMs, Math.max(0, ms));
}

/** Statuses of a front that has no room now: not a fault of the jobs, and no time for another try at once. */
const throttling = new Set([429, 503]);

/**
 * What a status other than 200 of a front, or of the function itself, means for the jobs of a call. 429 is throttling, and 503 where it says when to come back; 413
 * means that the call was too large; 401 and 403 that the endpoint takes no calls of ours, 404 that it is not there; other 4xx that it does not understand them.
 */
export function failureOfStatus(status: number, retryAfter: string | undefined, body: Uint8Array, nowMs: number): JobFailed {
  const message = `external endpoint returned ${status}, ${shownBody(body)}`;
  const retryAfterMs = parseRetryAfter(retryAfter, nowMs);
  if (status === 429 || (throttling.has(status) && retryAfterMs !== undefined)) {
    return failure('throttled', 'too_many_requests', message, true, retryAfterMs);
  }
  if (status === 413) return failure('too_large', 'too_large', message, true);
  if (status === 501) return failure('version', 'unimplemented', message, true);
  if (status === 504 || status === 408) return failure('timeout', 'deadline_exceeded', message, true);
  return failure('server_error', 'unavailable', message, true);
}

import type { ErrorCode } from '#engine/base/errors.ts';
import type { WireAnswer, WireJob } from './job-wire.ts';

/** The version of the protocol between queriers and functions (docs/function-protocol.md). It changes when older ones could misread. */
export const callProtocol = 1;

/** Content types of the protocol. A function that gets another one, or none, takes the request for one of tempo-serverless (spec serverless §2). */
export const callTypes = {
  call: 'application/vnd.rubato.call+json',
  answer: 'application/vnd.rubato.answer',
  version: 'application/vnd.rubato.version+json',
} as const;

/** Most jobs of one call, and the longest call before and after decompression. */
export const callLimits = { maxJobs: 1000, maxBytes: 32 * 1024 * 1024, maxUrlBytes: 256 * 1024, maxTimeoutMs: 15 * 60 * 1000 } as const;

/** Jobs of one query for a function. */
export interface FunctionCall {
  /** Version of the caller. */
  readonly engine: string;
  /** At least one. */
  readonly jobs: readonly WireJob[];
  /** Milliseconds since the epoch by the caller's clock: when it was sent, and after which nobody waits any more. */
  readonly sentMs: number;
  readonly deadlineMs: number;
  /** It repeats another call that has not answered. */
  readonly hedged: boolean;
  /** W3C trace context of the caller, passed on. */
  readonly traceparent?: string;
}

/**
 * Why a job has no answer: its own error; the deadline; its answer alone is larger than the platform lets through; or there was no room beside the answers of
 * other jobs, so that it should be asked for again.
 */
export type FunctionFailure = 'job' | 'timeout' | 'too_large' | 'no_room';

/** What a job took. */
export interface FunctionJobCost {
  /** From the object storage. */
  readonly bytesRead: number;
  /** Requests to the object storage. */
  readonly gets: number;
  readonly durationMs: number;
}

/** What became of one job. */
export type FunctionOutcome =
  | { readonly kind: 'answered'; readonly answer: WireAnswer; readonly cost: FunctionJobCost }
  | { readonly kind: 'failed'; readonly failure: FunctionFailure; readonly code: ErrorCode; readonly message: string };

/** The answer to a call: one outcome per job, in the order of the jobs. */
export interface FunctionAnswer {
  /** Version of the function. */
  readonly engine: string;
  /** 0 where the platform does not say. */
  readonly memoryMb: number;
  /** From the arrival of the call to the end of its last job. */
  readonly elapsedMs: number;
  /** The first call of this process. */
  readonly coldStart: boolean;
  readonly outcomes: readonly FunctionOutcome[];
}

/** Codes after which another attempt anywhere would end the same. */
const finalCodes: ReadonlySet<ErrorCode> = new Set(['bad_request', 'unauthenticated', 'unprocessable', 'unimplemented', 'corrupt_block']);

/** Whether a job that failed with that code may succeed elsewhere: in a function with more memory or other settings, or in the querier. */
export function mayHelpElsewhere(code: ErrorCode): boolean {
  return !finalCodes.has(code);
}

import type { WireAnswer, WireJob } from '#engine/api/job-wire.ts';
import type { ErrorCode } from '#engine/base/errors.ts';

/**
 * Why a call or one of its jobs has no answer, for those who decide what comes next. `job_error`: the function ran the job and it failed, through the job's fault
 * (`refused`: certainly) or the function's, which shows only when it is run elsewhere.
 */
export type FailureReason =
  | 'transport'
  | 'timeout'
  | 'server_error'
  | 'throttled'
  | 'bad_answer'
  | 'version'
  | 'too_large'
  | 'refused'
  | 'job_error';

/** A job that has no answer. */
export interface JobFailed {
  readonly kind: 'failed';
  readonly reason: FailureReason;
  readonly code: ErrorCode;
  readonly message: string;
  /** Another attempt may help. */
  readonly retryable: boolean;
  /** How long the other side asked to be left alone (`Retry-After`). */
  readonly retryAfterMs?: number;
}

/** What became of one job of a call. */
export type JobOutcome = { readonly kind: 'answered'; readonly answer: WireAnswer; readonly cost: JobCost } | JobFailed;

/** What a function says that a job took. */
export interface JobCost {
  readonly bytesRead: number;
  /** Requests to the object storage. */
  readonly gets: number;
  readonly durationMs: number;
}

/** What a call took. */
export interface CallCost {
  /** Requests to the platform: more than 1 where limits of payloads made several of the call. 0 where none was sent. */
  readonly requests: number;
  /** Time that the platform bills, of all requests together, as far as it or the function says; undefined where neither does. */
  readonly billedMs: number | undefined;
  readonly memoryMb: number | undefined;
  readonly coldStart: boolean;
}

/** A call of one endpoint with one or more jobs of one query. */
export interface Call {
  readonly jobs: readonly WireJob[];
  /**
   * Milliseconds since the epoch, on the caller's clock, after which nobody waits any more. Transports send it together with the milliseconds that remain
   * when they send: the function counts those from the arrival, so that clocks that differ end no call early.
   */
  readonly deadlineMs: number;
  /** This call repeats another one that has not answered. */
  readonly hedged: boolean;
  /** W3C trace context, passed on to the function. */
  readonly traceparent?: string;
}

/** One outcome per job, in the order of the call's jobs. */
export interface CallResult {
  readonly outcomes: readonly JobOutcome[];
  readonly cost: CallCost;
}

/**
 * Calls one endpoint once: no retry, no hedge; only limits of payloads make several requests of it. Whatever goes wrong with the call is the outcome of all its
 * jobs; it rejects only with what the signal says.
 */
export type Invoke = (call: Call, signal: AbortSignal) => Promise<CallResult>;

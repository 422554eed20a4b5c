import type { FailureReason, JobFailed, JobOutcome } from '../external/invoke.ts';
import { defaultRetryAfterMs } from './endpoint-health.ts';

/** What a job does next when a call has no answer for it. */
export type NextStep =
  /** Send it at once, rather to another endpoint; with others of its call only where `alone` is false. */
  | { readonly kind: 'resend'; readonly alone: boolean }
  /** Send it at once, but not to this endpoint before that time has passed. */
  | { readonly kind: 'elsewhere'; readonly notHereForMs: number }
  /** Another call of the job runs: its answer counts. */
  | { readonly kind: 'wait' }
  /** No function will answer: this process may. */
  | { readonly kind: 'giveUp' }
  /** The job itself is at fault: the error is the answer. */
  | { readonly kind: 'reject' };

/** How the job stands. */
export interface JobProgress {
  /** Calls that have failed, this one included. */
  readonly failures: number;
  /** Calls of the job that run. */
  readonly running: number;
  /** Jobs that the failed call carried. */
  readonly jobsInCall: number;
}

/** Failed calls after which a job is given up. Throttled ones count too. */
const mostFailures = 4;
/** Errors of the job itself after which it is given up: two functions seldom err alike. */
const mostJobErrors = 2;

/** Decides what a failed job does next. Pure. */
export function stepAfterFailure(failed: JobFailed, { failures, running, jobsInCall }: JobProgress): NextStep {
  if (failed.reason === 'refused' || (!failed.retryable && failed.reason !== 'too_large')) return { kind: 'reject' };
  // What is final was too large whatever came with it.
  if (failed.reason === 'too_large') return jobsInCall > 1 && failed.retryable ? { kind: 'resend', alone: true } : { kind: 'giveUp' };
  if (running > 0) return { kind: 'wait' };
  if (failures >= (failed.reason === 'job_error' ? mostJobErrors : mostFailures)) return { kind: 'giveUp' };
  if (failed.reason === 'throttled') return { kind: 'elsewhere', notHereForMs: failed.retryAfterMs ?? defaultRetryAfterMs };
  return { kind: 'resend', alone: false };
}

/** An answer by status is a failure where the status says so: 429 and 5xx say nothing of the job (spec serverless §5). */
export function failureOfOutcome(outcome: JobOutcome): JobFailed | undefined {
  if (outcome.kind === 'failed') return outcome;
  const { status, body } = outcome.answer;
  if (status < 500 && status !== 429) return undefined;
  const message = `external endpoint returned ${status}, ${Buffer.from(body.subarray(0, 2048)).toString('utf8').trimEnd()}`;
  if (status === 429) return { kind: 'failed', reason: 'throttled', code: 'too_many_requests', message, retryable: true };
  return { kind: 'failed', reason: 'server_error', code: 'internal', message, retryable: status !== 501 };
}

/** What a whole call says of its endpoint: the reason when no job was answered for what may be a fault of the endpoint, undefined otherwise. */
export function faultOfEndpoint(outcomes: readonly JobOutcome[]): FailureReason | undefined {
  let fault: FailureReason | undefined;
  for (const outcome of outcomes) {
    const failed = failureOfOutcome(outcome);
    if (failed === undefined || !failed.retryable || failed.reason === 'refused' || failed.reason === 'too_large') return undefined;
    fault ??= failed.reason;
  }
  return fault;
}

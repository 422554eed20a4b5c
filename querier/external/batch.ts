import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { decodeAnswer } from '#engine/api/function-answer-body.ts';
import { type FunctionAnswer, type FunctionOutcome, mayHelpElsewhere } from '#engine/api/function-call.ts';
import { encodeCall } from '#engine/api/function-call-body.ts';
import type { WireJob } from '#engine/api/job-wire.ts';
import { toAppError } from '#engine/base/errors.ts';
import { engineVersion } from '#engine/base/version.ts';
import type { Call, CallCost, CallResult, JobFailed, JobOutcome } from './invoke.ts';
import { failure } from './status-failure.ts';

/** Shorter calls gain nothing. */
const leastGzipBytes = 1400;

/** The bytes of a call with these jobs of it, sent now. */
export async function encodeBatch(
  call: Call,
  jobs: readonly WireJob[],
  nowMs: number,
): Promise<{ readonly body: Uint8Array; readonly gzip: boolean }> {
  const { deadlineMs, hedged, traceparent } = call;
  const body = encodeCall({ engine: engineVersion, jobs, sentMs: nowMs, deadlineMs, hedged, ...(traceparent && { traceparent }) });
  if (body.length < leastGzipBytes) return { body, gzip: false };
  return { body: await promisify(gzip)(body, { level: constants.Z_BEST_SPEED }), gzip: true };
}

function jobOutcome(outcome: FunctionOutcome): JobOutcome {
  if (outcome.kind === 'answered') return outcome;
  const { failure: kind, code, message } = outcome;
  switch (kind) {
    case 'timeout':
      return failure('timeout', code, message, true);
    case 'too_large':
    case 'no_room':
      return failure('too_large', code, message, kind === 'no_room');
    case 'job':
      // Final errors are the job's own, wherever it runs; others may be the function's: its memory, its rights, its bucket.
      return mayHelpElsewhere(code) ? failure('job_error', code, message, true) : failure('refused', code, message, false);
  }
}

/** A whole answer: the outcomes, and what the function says that the call took. */
export function batchResult({ outcomes, elapsedMs, memoryMb, coldStart }: FunctionAnswer, billedMs = Math.ceil(elapsedMs)): CallResult {
  const cost: CallCost = { requests: 1, billedMs, memoryMb: memoryMb === 0 ? undefined : memoryMb, coldStart };
  return { outcomes: outcomes.map(jobOutcome), cost };
}

/** Reads the body of an answer; a body that is none is a failure of all jobs. */
export function readBatch(body: Uint8Array, jobCount: number): FunctionAnswer | JobFailed {
  try {
    return decodeAnswer(body, jobCount);
  } catch (thrown) {
    return failure('bad_answer', 'internal', `external endpoint failed to unmarshal body: ${toAppError(thrown).message}`, true);
  }
}

/** A request that brought no answer: the same failure for each of its jobs. */
export function allFailed(jobs: readonly WireJob[], failed: JobFailed): CallResult {
  return { outcomes: jobs.map(() => failed), cost: { requests: 1, billedMs: undefined, memoryMb: undefined, coldStart: false } };
}

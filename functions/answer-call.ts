import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { callLimits, type FunctionCall, type FunctionFailure, type FunctionOutcome } from '#engine/api/function-call.ts';
import { decodeCall } from '#engine/api/function-call-body.ts';
import { wireStatuses } from '#engine/api/status.ts';
import type { Clock } from '#engine/base/clock.ts';
import { AppError, throwIfAborted, toAppError } from '#engine/base/errors.ts';
import { mapParallel } from '#engine/base/parallel.ts';
import { engineVersion } from '#engine/base/version.ts';
import type { JobEnvironment } from '#engine/jobs/environment.ts';
import { runWireJob } from '#engine/jobs/run-wire-job.ts';
import { answerDeadline } from './answer-deadline.ts';
import type { FunctionRequest, FunctionResponse } from './exchange.ts';
import { fitAnswer } from './fit-answer.ts';
import { measureJob } from './measured-job.ts';

/** What {@link answerCall} needs. */
export interface CallOptions {
  readonly loadEnvironment: () => Promise<JobEnvironment>;
  readonly jobsAtOnce: number;
  readonly memoryMb: number;
  readonly coldStart: boolean;
  readonly clock: Clock;
  readonly onError: (error: AppError, traceparent?: string) => void;
}

/** Answers are kept until all jobs have ended: as many bytes, before compression, as often as the platform lets through. */
const keptAnswers = 8;

/** Runs the jobs of a call. A job's error is its outcome; rejects where the call cannot be read or there is no store: `bad_request`, `config`, … */
export async function answerCall(request: FunctionRequest, options: CallOptions, signal: AbortSignal): Promise<FunctionResponse> {
  const { clock } = options;
  const startedMs = clock.monotonicMs();
  const call = decodeCall(await readCall(request));
  const deadlineMs = answerDeadline(call, clock.nowMs());
  const environment = await options.loadEnvironment();
  const run = { call, environment, options, deadlineMs, signal, maxKeptBytes: keptAnswers * request.maxBodyBytes };
  const outcomes = await runJobs(run);
  throwIfAborted(request.signal);
  const { memoryMb, coldStart } = options;
  const rest = { engine: engineVersion, memoryMb, coldStart, elapsedMs: clock.monotonicMs() - startedMs };
  return fitAnswer({ ...rest, outcomes }, request.maxBodyBytes, request.headers['accept-encoding'] ?? '');
}

async function readCall(request: FunctionRequest): Promise<Uint8Array> {
  const body = await request.body();
  if (request.headers['content-encoding'] !== 'gzip') return body;
  try {
    // Nothing of node:zlib is touched before it is needed: loading it takes a tenth of the function's own start.
    return await promisify(gunzip)(body, { maxOutputLength: callLimits.maxBytes });
  } catch (thrown) {
    throw new AppError('bad_request', `the call cannot be decompressed: ${(thrown as Error).message}`, { cause: thrown });
  }
}

interface CallRun {
  readonly call: FunctionCall;
  readonly environment: JobEnvironment;
  readonly options: CallOptions;
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
  readonly maxKeptBytes: number;
}

function failed(failure: FunctionFailure, error: AppError): FunctionOutcome {
  return { kind: 'failed', failure, code: error.code, message: error.message };
}

/** Runs what there is time and room for. Nothing new starts after the deadline, or when nobody waits any more. */
async function runJobs({ call, environment, options, deadlineMs, signal, maxKeptBytes }: CallRun): Promise<readonly FunctionOutcome[]> {
  const { clock, jobsAtOnce, onError } = options;
  const late = new AppError('deadline_exceeded', 'context deadline exceeded');
  const timer = AbortSignal.timeout(Math.max(1, Math.min(callLimits.maxTimeoutMs, Math.floor(deadlineMs - clock.nowMs()))));
  const inTime = AbortSignal.any([signal, timer]);
  let keptBytes = 0;
  return mapParallel(call.jobs, jobsAtOnce, async (job) => {
    // Timers and disconnects are noticed between jobs also where a job never waits.
    await new Promise((resolve) => setImmediate(resolve));
    if (clock.nowMs() >= deadlineMs || inTime.aborted) return failed('timeout', late);
    if (keptBytes > maxKeptBytes) return failed('no_room', new AppError('too_large', 'the answers before it fill the call'));
    const measured = measureJob(environment, clock, deadlineMs);
    try {
      const answer = await runWireJob(measured.environment, job, inTime);
      keptBytes += answer.body.length;
      return { kind: 'answered', answer, cost: measured.cost() };
    } catch (thrown) {
      const error = toAppError(thrown);
      if (inTime.aborted || error.code === 'deadline_exceeded') return failed('timeout', late);
      if (wireStatuses[error.code].http >= 500) onError(error, call.traceparent);
      return failed('job', error);
    }
  });
}

import { systemClock } from '#engine/base/clock.ts';
import { toAppError } from '#engine/base/errors.ts';
import { jobTimeoutMs, memoryConfig } from './config.ts';
import { createFunctionEnvironment } from './environment.ts';
import { createHandler, errorResponse } from './handler.ts';
import {
  type AlbResult,
  albResult,
  type DirectResult,
  directResult,
  type HttpApiResult,
  httpApiResult,
  isDirectEvent,
  isHttpApiEvent,
  type LambdaEvent,
  readAlbEvent,
  readDirectEvent,
  readHttpApiEvent,
} from './lambda-events.ts';

/** The part of Lambda's context that is used. */
export interface LambdaContext {
  readonly getRemainingTimeInMillis: () => number;
}

/** Kept back from the platform's deadline, so that the answer to a job that took too long still goes out. */
const answerMs = 250;

const handle = createHandler({
  createEnvironment: () =>
    createFunctionEnvironment({ env: process.env, clock: systemClock, random: Math.random, memoryLimitBytes: undefined }),
  // Lambda's own limit counts; it is at most 15 minutes.
  jobTimeoutMs: process.env.RUBATO_JOB_TIMEOUT ? jobTimeoutMs(process.env) : 15 * 60 * 1000,
  jobsAtOnce: memoryConfig(process.env, undefined).maxConcurrentJobs,
  memoryMb: Number(process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE ?? 0),
  clock: systemClock,
  onError: ({ message, cause }, traceparent) => console.error(message, cause, traceparent ?? ''),
});

/**
 * The Lambda entry point, behind an Application Load Balancer, a function URL or an HTTP API, or invoked directly by a querier of ours. Never rejects: errors are
 * answers (spec serverless §3.4).
 */
export async function handler(event: LambdaEvent, context: LambdaContext): Promise<AlbResult | HttpApiResult | DirectResult> {
  const signal = deadlineSignal(context.getRemainingTimeInMillis() - answerMs);
  if (isDirectEvent(event)) return directResult(await handle({ ...readDirectEvent(event), signal }));
  if (isHttpApiEvent(event)) return httpApiResult(await handle({ ...readHttpApiEvent(event), signal }));
  try {
    return albResult(await handle({ ...readAlbEvent(event), signal }));
  } catch (thrown) {
    return albResult(errorResponse(toAppError(thrown)));
  }
}

function deadlineSignal(remainingMs: number): AbortSignal {
  if (remainingMs > 0) return AbortSignal.timeout(Math.floor(remainingMs));
  return AbortSignal.abort(new DOMException('the deadline of the function has passed', 'TimeoutError'));
}

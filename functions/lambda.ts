import { systemClock } from '#engine/base/clock.ts';
import { toAppError } from '#engine/base/errors.ts';
import { jobTimeoutMs } from './config.ts';
import { createFunctionEnvironment } from './environment.ts';
import { createHandler, errorResponse } from './handler.ts';
import {
  type AlbEvent,
  type AlbResult,
  albResult,
  type HttpApiEvent,
  type HttpApiResult,
  httpApiResult,
  isHttpApiEvent,
  readAlbEvent,
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
  onError: ({ message, cause }) => console.error(message, cause),
});

/**
 * The Lambda entry point, behind an Application Load Balancer, a function URL or an HTTP API. Never rejects: errors are answers
 * (spec serverless §3.4).
 */
export async function handler(event: AlbEvent | HttpApiEvent, context: LambdaContext): Promise<AlbResult | HttpApiResult> {
  const signal = deadlineSignal(context.getRemainingTimeInMillis() - answerMs);
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

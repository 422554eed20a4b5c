import { callTypes } from '#engine/api/function-call.ts';
import { wireStatuses } from '#engine/api/status.ts';
import type { Clock } from '#engine/base/clock.ts';
import { type AppError, toAppError } from '#engine/base/errors.ts';
import type { JobEnvironment } from '#engine/jobs/environment.ts';
import { answerCall } from './answer-call.ts';
import { answerVersion } from './answer-version.ts';
import { type FunctionHandler, type FunctionRequest, type FunctionResponse, textHeaders } from './exchange.ts';
import { answerSearch } from './serverless-search.ts';

/** What {@link createHandler} needs. */
export interface HandlerOptions {
  /** Called once, with the first request that gets so far; its result or error is kept for the life of the process. */
  readonly createEnvironment: () => Promise<JobEnvironment>;
  /** Longest time for one request of tempo-serverless, and for one call. */
  readonly jobTimeoutMs: number;
  /** Jobs of one call that run side by side. */
  readonly jobsAtOnce: number;
  /** 0 where the platform does not say. */
  readonly memoryMb: number;
  readonly clock: Clock;
  /** Told of errors that are not the caller's doing. */
  readonly onError: (error: AppError, traceparent?: string) => void;
}

/**
 * Creates the handler of a function. By the content type of a request: a call with jobs of a querier of ours or a question for the version
 * (docs/function-protocol.md); everything else is one search of a real querier (spec serverless §3).
 */
export function createHandler(options: HandlerOptions): FunctionHandler {
  const { createEnvironment, jobTimeoutMs, onError } = options;
  let environment: Promise<JobEnvironment> | undefined;
  const loadEnvironment = () => (environment ??= createEnvironment());
  let calls = 0;
  return async (request) => {
    const coldStart = calls++ === 0;
    try {
      const signal = AbortSignal.any([request.signal, AbortSignal.timeout(jobTimeoutMs)]);
      return await route(request, { ...options, loadEnvironment, coldStart }, signal);
    } catch (thrown) {
      const error = toAppError(thrown);
      if (wireStatuses[error.code].http >= 500 && !request.signal.aborted) onError(error);
      return errorResponse(error);
    }
  };
}

function route(
  request: FunctionRequest,
  options: HandlerOptions & { readonly loadEnvironment: () => Promise<JobEnvironment>; readonly coldStart: boolean },
  signal: AbortSignal,
): Promise<FunctionResponse> {
  const type = request.headers['content-type'];
  if (type === callTypes.call) return answerCall(request, options, signal);
  if (type === callTypes.version) return answerVersion(request, options, signal);
  return answerSearch(request, options.loadEnvironment, signal);
}

/** An error as an answer: its code's status, its message as plain text. */
export function errorResponse(error: AppError): FunctionResponse {
  return { status: wireStatuses[error.code].http, headers: textHeaders, body: Buffer.from(error.message) };
}

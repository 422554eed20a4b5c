import { callTypes } from '#engine/api/function-call.ts';
import { decodeVersion, encodeVersionRequest, type VersionProbe } from '#engine/api/function-version.ts';
import type { Clock } from '#engine/base/clock.ts';
import { AppError, throwIfAborted, toAppError } from '#engine/base/errors.ts';
import type { CarryBatch } from './batch-invoke.ts';
import type { Endpoint } from './endpoints.ts';
import type { Greeting } from './greeting.ts';
import type { HttpAnswer, HttpRequest, HttpSend } from './http-send.ts';
import { failure, failureOfStatus, shownBody } from './status-failure.ts';

/** Adds what proves to the endpoint who calls. Rejects where no proof can be had. */
export type Authorize = (endpoint: Endpoint, request: HttpRequest, signal: AbortSignal) => Promise<HttpRequest>;

/** What the carriers over HTTP need. */
export interface HttpBatchOptions {
  readonly endpoint: Endpoint;
  readonly send: HttpSend;
  readonly clock: Clock;
}

/** A client whose requests prove who calls. Texts of failures as Tempo's (spec serverless §5). */
export function authorizedSend(send: HttpSend, authorize: Authorize): HttpSend {
  return async (endpoint, request, signal) => {
    let proven: HttpRequest;
    try {
      proven = await authorize(endpoint, request, signal);
    } catch (thrown) {
      throwIfAborted(signal);
      const { code, message } = toAppError(thrown);
      throw new AppError(code, `external endpoint failed to set auth header: ${message}`, { cause: thrown });
    }
    return send(endpoint, proven, signal);
  };
}

function postOf({ path }: Endpoint, type: string, body: Uint8Array, gzip: boolean): HttpRequest {
  const headers = { 'Content-Type': type, 'User-Agent': 'rubato', ...(gzip && { 'Content-Encoding': 'gzip' }) };
  return { method: 'POST', target: path, headers, body };
}

/** Carries calls in POST requests: to a container, a function URL or through a load balancer. */
export function createHttpCarry({ endpoint, send, clock }: HttpBatchOptions): CarryBatch {
  return async ({ body, gzip }, signal) => {
    const answer = await send(endpoint, postOf(endpoint, callTypes.call, body, gzip), signal);
    if (answer.status === 200 && answer.headers['content-type'] === callTypes.answer) return { kind: 'body', body: answer.body };
    if (looksLikeTempo(answer)) {
      return failure('version', 'unimplemented', `external endpoint returned ${answer.status}, ${shownBody(answer.body)}`, true);
    }
    if (answer.status === 200)
      return failure('bad_answer', 'internal', `external endpoint failed to unmarshal body: ${shownBody(answer.body)}`, true);
    return failureOfStatus(answer.status, answer.headers['retry-after'], answer.body, clock.nowMs());
  };
}

/** A function of Tempo's takes whatever comes for a search, and misses its parameters. */
function looksLikeTempo({ status, body }: HttpAnswer): boolean {
  return status === 400 && shownBody(body).startsWith('serverless [parsing search request]');
}

/** Statuses that a front or a broken function answers; others are a function's that does not know the question. */
const ofFronts = new Set([401, 403, 404, 408, 413, 429]);

/** Asks an endpoint what it is. Rejects when there is no answer. */
export function createHttpGreeting({
  endpoint,
  send,
  clock,
}: HttpBatchOptions): (probe: VersionProbe | undefined, signal: AbortSignal) => Promise<Greeting> {
  return async (probe, signal) => {
    const answer = await send(endpoint, postOf(endpoint, callTypes.version, encodeVersionRequest(probe), false), signal);
    const { status, headers, body } = answer;
    const version = status === 200 ? decodeVersion(body) : undefined;
    if (version !== undefined) return { kind: 'version', version };
    if (status < 500 && !ofFronts.has(status)) return { kind: 'tempo' };
    return { kind: 'failed', failed: failureOfStatus(status, headers['retry-after'], body, clock.nowMs()) };
  };
}

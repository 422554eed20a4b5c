import type { OutgoingHttpHeaders } from 'node:http';
import { wireStatuses } from '#engine/api/status.ts';
import type { Clock } from '#engine/base/clock.ts';
import { AppError, toAppError } from '#engine/base/errors.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { type Tracer, traced } from '../telemetry/tracing.ts';
import { compressAnswer } from './compress.ts';
import { errorAnswer, type ServerAnswer, type ServerRequest } from './exchange.ts';
import type { AnyRequest, AnyResponse } from './listen.ts';
import type { FoundRoute, Router } from './router.ts';

/** What {@link createRequestListener} needs. */
export interface ServeOptions {
  readonly router: Router;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Absent where nobody traces. */
  readonly tracer?: Tracer | undefined;
  /** A client that takes nothing of a large answer for that long is cut; 0 is never. */
  readonly writeTimeoutMs: number;
}

/** Requests have no body that anybody reads; a longer one is refused before it is sent. */
const maxBodyBytes = 1 << 20;

/** Aborts when the connection or stream ends before there is an answer to write. */
function clientSignal(response: AnyResponse): AbortSignal {
  const controller = new AbortController();
  response.on('close', () => {
    if (!response.writableEnded) controller.abort(new AppError('cancelled', 'context canceled'));
  });
  return controller.signal;
}

/** Requests that ask for data have a span, a child of the caller's. */
function answerOf(
  found: FoundRoute,
  request: ServerRequest,
  { logger, tracer }: Pick<ServeOptions, 'logger' | 'tracer'>,
): Promise<ServerAnswer> {
  if (tracer === undefined || !/(^|_)api_/.test(found.name)) return handled(found, request, logger);
  const { method, headers } = request;
  const tenant = String(headers['x-scope-orgid'] ?? '');
  const attributes = { 'http.request.method': method, 'url.path': request.path, 'url.query': request.query, tenant };
  const start = { name: `${method} ${found.name}`, kind: 'server', parent: headers.traceparent as string | undefined, attributes } as const;
  return traced(tracer, start, async (span) => {
    const answer = await handled(found, request, logger);
    span?.setAttributes({ 'http.response.status_code': answer.status });
    return answer;
  });
}

async function handled(found: FoundRoute, request: ServerRequest, logger: Logger): Promise<ServerAnswer> {
  try {
    if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) throw new AppError('too_large', 'http: request body too large');
    const answer = await found.handler(request);
    return await compressAnswer(answer, request.headers['accept-encoding'] as string | undefined);
  } catch (thrown) {
    const error = toAppError(thrown);
    if (error.code === 'internal') logger.error('request failed', { path: request.path, err: error.message, stack: error.stack });
    return errorAnswer(wireStatuses[error.code].http, error.message);
  }
}

/** Answers that may not fit into the socket's buffer, so that a client can leave them unread. */
const largeBodyBytes = 64 * 1024;

function write(request: AnyRequest, response: AnyResponse, answer: ServerAnswer, writeTimeoutMs: number): void {
  const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body;
  const headers: OutgoingHttpHeaders = { ...answer.headers, 'Content-Length': body.length };
  // Both responses have this method; their types disagree only about the status message.
  (response as { writeHead(status: number, headers: OutgoingHttpHeaders): unknown }).writeHead(answer.status, headers);
  if (body.length > largeBodyBytes && writeTimeoutMs > 0) response.setTimeout(writeTimeoutMs, () => response.destroy());
  if (request.method === 'HEAD') response.end();
  else response.end(body);
}

/** Resolves when the client can take more, or is gone; one that takes nothing for that time is cut (0: never). */
async function drained(response: AnyResponse, clock: Clock, timeoutMs: number): Promise<void> {
  const waited = new AbortController();
  if (timeoutMs > 0) {
    void clock.sleep(timeoutMs, waited.signal).then(
      () => response.destroy(),
      () => {},
    );
  }
  await new Promise<void>((resolve) => {
    const done = () => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
  waited.abort();
}

/** Writes events as they come, no faster than the client takes them. */
async function writeEvents(
  response: AnyResponse,
  answer: ServerAnswer,
  events: AsyncIterable<string>,
  options: ServeOptions,
): Promise<void> {
  // Both responses have these methods; their types disagree only about arguments that are not used here.
  const writable = response as { writeHead(status: number, headers: OutgoingHttpHeaders): unknown; write(chunk: string): boolean };
  writable.writeHead(answer.status, answer.headers);
  for await (const text of events) {
    if (response.destroyed) break;
    if (!writable.write(text)) await drained(response, options.clock, options.writeTimeoutMs);
  }
  response.end();
}

/**
 * Answers requests that did not come over HTTP, such as jobs of the worker protocol; they are measured as those of their route (spec metrics §1). The answer is never
 * compressed, and nothing is thrown.
 */
export function createRequestAnswerer(options: Omit<ServeOptions, 'writeTimeoutMs'>): (request: ServerRequest) => Promise<ServerAnswer> {
  const { router, clock, metrics } = options;
  return async (request) => {
    const startedMs = clock.monotonicMs();
    const found = router(request.path);
    const inflight = { method: request.method, route: found.name };
    metrics.inflightRequests.inc(inflight);
    const answer = await answerOf(found, request, options);
    metrics.inflightRequests.dec(inflight);
    metrics.requestBytes.observe(inflight, 0);
    metrics.responseBytes.observe(inflight, Buffer.byteLength(answer.body));
    const labels = { ...inflight, status_code: String(answer.status), ws: 'false' };
    metrics.requestDuration.observe(labels, (clock.monotonicMs() - startedMs) / 1000);
    return answer;
  };
}

/** The listener of the port: routes, measures, compresses and writes. It never throws; what a handler throws becomes an error answer. */
export function createRequestListener(options: ServeOptions): (request: AnyRequest, response: AnyResponse) => void {
  const { router, clock, metrics, logger } = options;
  const serve = async (request: AnyRequest, response: AnyResponse): Promise<void> => {
    const startedMs = clock.monotonicMs();
    const target = request.url ?? '/';
    const mark = target.indexOf('?');
    const path = mark < 0 ? target : target.slice(0, mark);
    const method = request.method ?? 'GET';
    const found = router(path);
    const inflight = { method, route: found.name };
    metrics.inflightRequests.inc(inflight);
    const answer = await answerOf(
      found,
      { method, path, query: mark < 0 ? '' : target.slice(mark + 1), target, headers: request.headers, signal: clientSignal(response) },
      options,
    );
    const { events } = answer;
    metrics.requestBytes.observe(inflight, Number(request.headers['content-length'] ?? 0) || 0);
    if (events === undefined) metrics.responseBytes.observe(inflight, Buffer.byteLength(answer.body));
    if (events !== undefined && method !== 'HEAD') await writeEvents(response, answer, events, options);
    metrics.inflightRequests.dec(inflight);
    metrics.requestDuration.observe(
      { method, route: found.name, status_code: String(answer.status), ws: 'false' },
      (clock.monotonicMs() - startedMs) / 1000,
    );
    if (events === undefined && !response.writableEnded && !response.destroyed) write(request, response, answer, options.writeTimeoutMs);
  };
  return (request, response) => {
    response.on('error', (error: Error) => logger.debug('response failed', { err: error.message }));
    serve(request, response).catch((thrown) => {
      logger.error('request failed', { err: toAppError(thrown).message });
      response.destroy();
    });
  };
}

import { constants } from 'node:http2';
import type { DescMessage, DescMethodServerStreaming, MessageShape } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import { WireType } from '@bufbuild/protobuf/wire';
import { Code, ConnectError, type ConnectRouter, createConnectRouter, type HandlerContext } from '@connectrpc/connect';
import { compressionGzip, universalRequestFromNodeRequest, universalResponseToNodeResponse } from '@connectrpc/connect-node';
import { varint } from '#engine/api/protobuf-wire.ts';
import { grpcCodes, wireStatuses } from '#engine/api/status.ts';
import type { StreamedAnswer } from '#engine/api/stream-packets.ts';
import type { Clock } from '#engine/base/clock.ts';
import { printGoDuration } from '#engine/base/duration.ts';
import { AppError, toAppError } from '#engine/base/errors.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { inSpan, type Span, type Tracer } from '../telemetry/tracing.ts';
import type { AnyRequest, AnyResponse } from './listen.ts';

/** A call as handlers see it. */
export interface GrpcCall<Request> {
  readonly message: Request;
  /** Metadata `x-scope-orgid`. */
  readonly tenant: string | undefined;
  /** Aborted with `cancelled` when the client goes away, with `deadline_exceeded` after `grpc-timeout`. */
  readonly signal: AbortSignal;
  /** Metadata that follows the last answer. */
  readonly setTrailer: (name: string, value: string) => void;
}

/** A server-streaming method: yields encoded answers, each a message of its own. Throws AppError. */
export interface GrpcMethod<Input extends DescMessage, Output extends DescMessage> {
  readonly method: DescMethodServerStreaming<Input, Output>;
  readonly serve: (call: GrpcCall<MessageShape<Input>>) => AsyncIterable<StreamedAnswer>;
}

/** Adds a method to a server. */
export type AddGrpcMethod = <Input extends DescMessage, Output extends DescMessage>(method: GrpcMethod<Input, Output>) => void;

/** What {@link createGrpcListener} needs. */
export interface GrpcOptions {
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, 'requestDuration' | 'inflightRequests' | 'requestBytes' | 'responseBytes'>;
  readonly logger: Logger;
  /** Absent where nobody traces. */
  readonly tracer?: Tracer | undefined;
  /** A client that takes nothing of a message for that long is cut; 0 is never. */
  readonly writeTimeoutMs: number;
}

/** Largest request, as Tempo's `grpc_server_max_recv_msg_size`. */
const maxRequestBytes = 16 << 20;
/** Answers go out uncompressed, as Tempo's do: clients are near, and compression would cost more than the search. */
const neverCompress = 0xffffffff;

/** True for requests that belong to gRPC and not to the router (spec http-api §1). */
export function isGrpc({ httpVersionMajor, headers }: AnyRequest): boolean {
  return httpVersionMajor >= 2 && (headers['content-type'] ?? '').includes('application/grpc');
}

/** An answer as a message of that type: protobuf-es takes its bytes for unknown fields and writes them as they are. */
function rawMessage<Output extends DescMessage>(type: Output, { items, metrics, partialMessage }: StreamedAnswer): MessageShape<Output> {
  const field = (no: number, content: Uint8Array) => {
    const data = Buffer.concat([Uint8Array.from(varint(content.length)), content]);
    return { no, wireType: WireType.LengthDelimited, data };
  };
  const fields = [...items.map((item) => field(1, item)), field(2, metrics)];
  if (partialMessage !== undefined) {
    fields.push({ no: 3, wireType: WireType.Varint, data: Buffer.of(1) }, field(4, Buffer.from(partialMessage)));
  }
  return Object.assign(create(type), { $unknown: fields });
}

function isDeadline(signal: AbortSignal): boolean {
  return signal.reason instanceof ConnectError && signal.reason.code === Code.DeadlineExceeded;
}

/** Connect's signal with our reasons. */
function callSignal(signal: AbortSignal): AbortSignal {
  const controller = new AbortController();
  const onAbort = () => {
    const late = isDeadline(signal);
    controller.abort(late ? new AppError('deadline_exceeded', 'context deadline exceeded') : new AppError('cancelled', 'context canceled'));
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  return controller.signal;
}

/** What a client is told. Only a deadline of its own is DEADLINE_EXCEEDED; a server's time limit is INTERNAL, as all 5xx are (spec http-api §9.1). */
function statusOf(error: AppError, signal: AbortSignal): ConnectError {
  return new ConnectError(error.message, isDeadline(signal) ? Code.DeadlineExceeded : (wireStatuses[error.code].grpc as Code));
}

/** The same values; the generator runs for that span whoever asks it for the next one. */
function withinSpan<Value>(span: Span | undefined, begin: () => AsyncIterable<Value>): AsyncIterable<Value> {
  if (span === undefined) return begin();
  const iterator = inSpan(span, () => begin()[Symbol.asyncIterator]());
  const end = async () => (await iterator.return?.()) ?? { done: true as const, value: undefined };
  return { [Symbol.asyncIterator]: () => ({ next: () => inSpan(span, () => iterator.next()), return: () => inSpan(span, end) }) };
}

/** The name of a code as Go's gRPC writes it. */
function codeName(code: Code): string {
  return code === Code.Canceled ? 'Canceled' : Code[code];
}

function addMethod<Input extends DescMessage, Output extends DescMessage>(
  router: ConnectRouter,
  { clock, metrics, logger, tracer }: GrpcOptions,
  { method, serve }: GrpcMethod<Input, Output>,
): void {
  const route = `/${method.parent.typeName}/${method.name}`;
  const implementation = async function* (message: MessageShape<Input>, { signal, requestHeader, responseTrailer }: HandlerContext) {
    const startedMs = clock.monotonicMs();
    metrics.inflightRequests.inc({ method: 'gRPC', route });
    const span = tracer?.start({ name: route, kind: 'server', parent: requestHeader.get('traceparent') ?? undefined });
    let status_code = 'cancel'; // unless it ends otherwise than by the client's leaving
    try {
      const setTrailer = (name: string, value: string) => responseTrailer.set(name, value);
      const call = { message, tenant: requestHeader.get('x-scope-orgid') ?? undefined, signal: callSignal(signal), setTrailer };
      for await (const answer of withinSpan(span, () => serve(call))) yield rawMessage(method.output, answer);
      status_code = 'success';
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code !== 'cancelled') status_code = 'error';
      const status = statusOf(error, signal);
      const duration = printGoDuration(BigInt(Math.round((clock.monotonicMs() - startedMs) * 1e6)));
      const err = `rpc error: code = ${codeName(status.code)} desc = ${error.message}`;
      logger.warn('', { method: route, duration, msg: 'gRPC', err });
      throw status;
    } finally {
      span?.end(status_code === 'success' ? undefined : status_code);
      metrics.inflightRequests.dec({ method: 'gRPC', route });
      metrics.requestDuration.observe({ method: 'gRPC', route, status_code, ws: 'false' }, (clock.monotonicMs() - startedMs) / 1000);
    }
  };
  // The types of what a method yields cannot be followed through a type parameter.
  router.rpc(method as never, implementation as never);
}

/**
 * Percent-encodes what the gRPC specification asks for: all but printable ASCII, and `%`. Connect encodes more, which grpc-js and other clients that decode with
 * `decodeURI` would show.
 */
function encodeMessage(message: string): string {
  return message.toWellFormed().replace(/[^ -~]+|%/g, encodeURIComponent);
}

/** When the bytes have ended, the trailers that were written meanwhile get their message as {@link encodeMessage} has it. */
async function* withPlainMessage(body: AsyncIterable<Uint8Array>, trailer: Headers): AsyncGenerator<Uint8Array, void, void> {
  yield* body;
  const message = trailer.get('grpc-message');
  if (message !== null) trailer.set('grpc-message', encodeMessage(decodeURIComponent(message)));
}

/** The same bytes; calls `cut` when the reader takes longer than that for one piece. */
async function* readWithin(
  body: AsyncIterable<Uint8Array>,
  clock: Clock,
  timeoutMs: number,
  cut: () => void,
): AsyncGenerator<Uint8Array, void, void> {
  for await (const bytes of body) {
    const taken = new AbortController();
    if (timeoutMs > 0) void clock.sleep(timeoutMs, taken.signal).then(cut, () => {});
    try {
      yield bytes;
    } finally {
      taken.abort();
    }
  }
}

/** The same bytes; tells at the end how many there were. */
async function* counting(body: AsyncIterable<Uint8Array>, tell: (bytes: number) => void): AsyncGenerator<Uint8Array, void, void> {
  let total = 0;
  try {
    for await (const bytes of body) {
      total += bytes.length;
      yield bytes;
    }
  } finally {
    tell(total);
  }
}

/** Ends a stream that its client does not read. Destroying it would wait for what is still to be sent. */
function cut(response: AnyResponse): void {
  if ('stream' in response) response.stream.close(constants.NGHTTP2_CANCEL);
  else response.destroy();
}

/** Answers a call that no service has, as grpc-go does. */
function refuseUnknown(response: AnyResponse, path: string, services: ReadonlySet<string>): void {
  const [, service = '', method = ''] = path.split('/');
  const message = services.has(service) ? `unknown method ${method} for service ${service}` : `unknown service ${service}`;
  const headers = { 'content-type': 'application/grpc' };
  // Both responses have this method; their types disagree only about the status message.
  (response as { writeHead(status: number, headers: Record<string, string>): unknown }).writeHead(200, headers);
  response.addTrailers({ 'grpc-status': String(grpcCodes.unimplemented), 'grpc-message': encodeMessage(message) });
  response.end();
}

/** Serves the methods that `define` adds, on requests of Node's HTTP/2 server. It never throws. */
export function createGrpcListener(
  options: GrpcOptions,
  define: (add: AddGrpcMethod) => void,
): (request: AnyRequest, response: AnyResponse) => void {
  const router = createConnectRouter({
    grpc: true,
    grpcWeb: false,
    connect: false,
    acceptCompression: [compressionGzip],
    compressMinBytes: neverCompress,
    readMaxBytes: maxRequestBytes,
  });
  define((method) => addMethod(router, options, method));
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  const services = new Set(router.handlers.map(({ service }) => service.typeName));
  const serve = async (request: AnyRequest, response: AnyResponse): Promise<void> => {
    const path = request.url?.split('?')[0] ?? '';
    const handler = handlers.get(path);
    if (handler === undefined) {
      refuseUnknown(response, path, services);
      return;
    }
    const labels = { method: 'gRPC', route: path };
    const asked = universalRequestFromNodeRequest(request, response, undefined, undefined);
    const counted = counting(asked.body as AsyncIterable<Uint8Array>, (bytes) => options.metrics.requestBytes.observe(labels, bytes));
    const answer = await handler({ ...asked, body: counted });
    const { body, trailer } = answer;
    if (body === undefined || trailer === undefined) return universalResponseToNodeResponse(answer, response);
    const sent = counting(withPlainMessage(body, trailer), (bytes) => options.metrics.responseBytes.observe(labels, bytes));
    const pieces = readWithin(sent, options.clock, options.writeTimeoutMs, () => cut(response));
    await universalResponseToNodeResponse({ ...answer, body: pieces }, response);
  };
  return (request, response) => {
    response.on('error', (error: Error) => options.logger.debug('response failed', { err: error.message }));
    serve(request, response).catch((thrown) => {
      options.logger.debug('gRPC stream ended early', { err: toAppError(thrown).message });
      response.destroy();
    });
  };
}

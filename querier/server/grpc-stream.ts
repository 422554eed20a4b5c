import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { constants } from 'node:http2';
import { grpcCodes } from '#engine/api/status.ts';
import { type AppError, toAppError } from '#engine/base/errors.ts';
import { acceptedEncodings, createMessageReader, frameMessage, messageEncoding } from '../worker-protocol/grpc-messages.ts';

/** The server's side of a gRPC call whose messages are bytes. */
export interface ServerCall {
  /** Does nothing once the call has ended. */
  readonly send: (message: Uint8Array) => void;
  /** Ends the call with a gRPC status; later ends count for nothing. */
  readonly end: (code: number, message: string) => void;
}

/** What a call's handler is told. After `onClose` nothing follows. */
export interface CallHandler {
  readonly onMessage: (message: Uint8Array) => void;
  /** The client sends no more. */
  readonly onEnd: () => void;
  /** The call is over, whoever ended it. */
  readonly onClose: () => void;
}

/** What a call may be. */
export interface CallOptions {
  readonly maxMessageBytes: number;
  readonly onError: (error: AppError) => void;
}

const codes: Partial<Record<AppError['code'], number>> = {
  too_large: grpcCodes.resourceExhausted,
  unimplemented: grpcCodes.unimplemented,
};

/** Percent-encodes what the gRPC specification asks for: all but printable ASCII, and `%`. */
export function encodeStatusMessage(message: string): string {
  return message.toWellFormed().replace(/[^ -~]+|%/g, encodeURIComponent);
}

function trailers(code: number, message: string): Record<string, string> {
  return { 'grpc-status': String(code), ...(message === '' ? {} : { 'grpc-message': encodeStatusMessage(message) }) };
}

const responseHeaders = { ':status': 200, 'content-type': 'application/grpc', 'grpc-accept-encoding': acceptedEncodings };

/** Ends a call before it has begun. */
export function refuseCall(stream: ServerHttp2Stream, code: number, message: string): void {
  stream.on('error', () => {});
  stream.respond({ ...responseHeaders, ...trailers(code, message) }, { endStream: true });
  stream.on('data', () => stream.close(constants.NGHTTP2_NO_ERROR));
}

/**
 * Serves one call on a stream of Node's HTTP/2 server, framing by hand: Connect has no place for a call that is ended from outside, while it waits for a message
 * (docs/decisions.md). Messages go out uncompressed and may come in as snappy or gzip. Nothing is thrown.
 */
export function serveCall(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  options: CallOptions,
  start: (call: ServerCall) => CallHandler,
): void {
  const encoding = messageEncoding(headers['grpc-encoding'] as string | undefined);
  if (encoding === undefined) {
    refuseCall(
      stream,
      grpcCodes.unimplemented,
      `grpc: Decompressor is not installed for grpc-encoding "${String(headers['grpc-encoding'])}"`,
    );
    return;
  }
  const reader = createMessageReader(encoding, options.maxMessageBytes);
  let status: Record<string, string> | undefined;
  stream.on('wantTrailers', () => stream.sendTrailers(status ?? trailers(0, '')));
  stream.respond(responseHeaders, { waitForTrailers: true });
  const end = (code: number, message: string): void => {
    if (status !== undefined) return;
    status = trailers(code, message);
    // A reset would overtake the trailers: the client, which has its status now, closes its side.
    if (!stream.destroyed) stream.end();
  };
  const send = (message: Uint8Array): void => {
    if (status === undefined && !stream.destroyed) stream.write(frameMessage(message, 'identity'));
  };
  const handler = start({ send, end });
  const onData = (chunk: Buffer): void => {
    if (status !== undefined) {
      stream.close(constants.NGHTTP2_NO_ERROR); // it goes on in spite of its status
      return;
    }
    try {
      for (const message of reader.push(chunk)) handler.onMessage(message);
    } catch (thrown) {
      const error = toAppError(thrown);
      options.onError(error);
      end(codes[error.code] ?? grpcCodes.internal, error.message);
    }
  };
  stream.on('data', onData);
  stream.on('end', () => handler.onEnd());
  stream.on('error', () => {}); // followed by close
  stream.on('close', () => handler.onClose());
}

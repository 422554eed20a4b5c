import { type ClientHttp2Session, constants, type IncomingHttpHeaders } from 'node:http2';
import { AppError, toAppError } from '#engine/base/errors.ts';
import {
  acceptedEncodings,
  createMessageReader,
  frameMessage,
  type MessageEncoding,
  messageEncoding,
} from '../worker-protocol/grpc-messages.ts';

/** How a call ended: a gRPC status, or why there is none. */
export interface CallEnd {
  /** Undefined: the connection broke. */
  readonly code: number | undefined;
  readonly message: string;
}

/** The client's side of a gRPC call whose messages are bytes. */
export interface ClientCall {
  readonly send: (message: Uint8Array) => void;
  /** Sends no more; the server may. */
  readonly finish: () => void;
  readonly cancel: () => void;
}

/** What a call is opened with. */
export interface ClientCallOptions {
  readonly path: string;
  /** Metadata. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Of what is sent. */
  readonly encoding: MessageEncoding;
  readonly maxMessageBytes: number;
  /** Messages as they arrive. */
  readonly onMessage: (message: Uint8Array) => void;
  /** The call is over. Called once. */
  readonly onEnd: (end: CallEnd) => void;
}

function statusOf(headers: IncomingHttpHeaders): CallEnd | undefined {
  const code = headers['grpc-status'];
  if (code === undefined) return undefined;
  const text = String(headers['grpc-message'] ?? '');
  try {
    return { code: Number(code), message: decodeURIComponent(text) };
  } catch {
    return { code: Number(code), message: text };
  }
}

/** Opens a call on a connection, which must be open. Errors are told to `onEnd`; nothing is thrown. */
export function openCall(session: ClientHttp2Session, options: ClientCallOptions): ClientCall {
  const { path, encoding, maxMessageBytes, onMessage } = options;
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
    'user-agent': 'rubato',
    'grpc-accept-encoding': acceptedEncodings,
    ...(encoding === 'identity' ? {} : { 'grpc-encoding': encoding }),
    ...options.headers,
  });
  let end: CallEnd | undefined;
  let reader = createMessageReader('identity', maxMessageBytes);
  const fail = (error: AppError): void => {
    end ??= { code: undefined, message: error.message };
    stream.close(constants.NGHTTP2_CANCEL);
  };
  stream.on('response', (headers) => {
    end ??= statusOf(headers);
    const theirs = messageEncoding(headers['grpc-encoding'] as string | undefined);
    if (headers[':status'] !== 200) fail(new AppError('unavailable', `HTTP status ${String(headers[':status'])}`));
    else if (theirs === undefined) fail(new AppError('unimplemented', `unknown grpc-encoding ${String(headers['grpc-encoding'])}`));
    else reader = createMessageReader(theirs, maxMessageBytes);
  });
  stream.on('trailers', (headers) => {
    end ??= statusOf(headers);
  });
  stream.on('data', (chunk: Buffer) => {
    if (end !== undefined) return;
    try {
      for (const message of reader.push(chunk)) onMessage(message);
    } catch (thrown) {
      fail(toAppError(thrown));
    }
  });
  // Whoever has got a status sends no more.
  stream.on('end', () => stream.close(constants.NGHTTP2_NO_ERROR));
  stream.on('error', (error: Error) => {
    end ??= { code: undefined, message: error.message };
  });
  stream.on('close', () => options.onEnd(end ?? { code: undefined, message: 'the connection is gone' }));
  return {
    send: (message) => {
      if (!stream.destroyed && !stream.closed) stream.write(frameMessage(message, encoding));
    },
    finish: () => {
      if (!stream.destroyed && !stream.closed) stream.end();
    },
    cancel: () => stream.close(constants.NGHTTP2_CANCEL),
  };
}

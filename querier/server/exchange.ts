import type { IncomingHttpHeaders } from 'node:http';

/** One request as handlers see it, HTTP/1.1 or HTTP/2. */
export interface ServerRequest {
  readonly method: string;
  /** As sent, percent escapes kept, without prefix and query string. */
  readonly path: string;
  /** Query string without `?`; '' where there is none. */
  readonly query: string;
  /** The request target as sent. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  /** Aborted when the client goes away before it has its answer. */
  readonly signal: AbortSignal;
}

/** What a handler answers. */
export interface ServerAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string;
  /** What follows the body piece by piece; the answer has no length then. */
  readonly events?: AsyncIterable<string>;
  /** Whether the body may be compressed; then `Vary: Accept-Encoding` is sent in any case (spec http-api §2). */
  readonly compressible: boolean;
}

/** Answers one request. Throws AppError for errors of the second flavour: text with a line end and `nosniff` (spec http-api §2). */
export type Handler = (request: ServerRequest) => Promise<ServerAnswer> | ServerAnswer;

/** A text that the content type is told of. */
export function textAnswer(status: number, body: string): ServerAnswer {
  return { status, headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body, compressible: false };
}

/** An error as auth and transport raise it: the message, a line end and `nosniff` (spec http-api §2, flavour 2). */
export function errorAnswer(status: number, message: string): ServerAnswer {
  return {
    status,
    headers: { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' },
    body: `${message}\n`,
    compressible: false,
  };
}

/** A JSON document. */
export function jsonAnswer(value: unknown): ServerAnswer {
  return { status: 200, headers: { 'Content-Type': 'application/json' }, body: `${JSON.stringify(value)}\n`, compressible: false };
}

import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { AppError, toAppError } from '#engine/base/errors.ts';
import type { Endpoint } from './endpoints.ts';

/** A request to an endpoint. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** Path and query string. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** An answer with any status. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Decompressed. */
  readonly body: Buffer;
}

/** Sends one request. Rejects with `unavailable` when no whole answer comes, with what the signal says when it is aborted. Texts as Tempo's (spec serverless §5). */
export type HttpSend = (endpoint: Endpoint, request: HttpRequest, signal: AbortSignal) => Promise<HttpAnswer>;

/** Limits of {@link createHttpSend}. */
export interface HttpSendOptions {
  /** Longest body, compressed or not. */
  readonly maxBodyBytes: number;
  /** Told when the headers of an answer are there, or when none came: seconds are what Tempo's histogram counts (spec serverless §5). */
  readonly onRoundTrip: (endpoint: Endpoint, durationMs: number) => void;
  readonly monotonicMs: () => number;
}

/** Connections kept per endpoint: as many as jobs of one query may be out. */
const maxIdleConnections = 1000;

interface Agents {
  /** false: a connection of its own. */
  readonly http: HttpAgent | false;
  readonly https: HttpsAgent | false;
}

function open(endpoint: Endpoint, options: RequestOptions, body: Uint8Array | undefined, agents: Agents): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = endpoint;
    const all = { ...options, host: hostname, ...(port === undefined ? {} : { port }) };
    const request = endpoint.secure ? httpsRequest({ ...all, agent: agents.https }) : httpRequest({ ...all, agent: agents.http });
    request.on('error', (error: NodeJS.ErrnoException) => {
      // The other side may close an idle connection at the moment that it is used again: that request never arrived.
      const stale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE') && !options.signal?.aborted;
      if (stale) open(endpoint, options, body, { http: false, https: false }).then(resolve, reject);
      else reject(error);
    });
    request.on('response', resolve);
    request.end(body);
  });
}

async function readBody(response: IncomingMessage, maxBodyBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBodyBytes) throw new AppError('too_large', `the answer is larger than ${maxBodyBytes} bytes`);
    chunks.push(chunk);
  }
  if (!response.complete) throw new AppError('unavailable', 'unexpected EOF');
  const body = Buffer.concat(chunks);
  return response.headers['content-encoding'] === 'gzip' ? promisify(gunzip)(body, { maxOutputLength: maxBodyBytes }) : body;
}

/** A client that keeps connections open. */
export function createHttpSend({ maxBodyBytes, onRoundTrip, monotonicMs }: HttpSendOptions): HttpSend {
  const agents: Agents = {
    http: new HttpAgent({ keepAlive: true, maxFreeSockets: maxIdleConnections }),
    https: new HttpsAgent({ keepAlive: true, maxFreeSockets: maxIdleConnections }),
  };
  return async (endpoint, { method, target, headers, body }, signal) => {
    const startedMs = monotonicMs();
    const failed = (what: string, thrown: unknown) => {
      const error = signal.aborted ? toAppError(signal.reason) : new AppError('unavailable', toAppError(thrown).message, { cause: thrown });
      return new AppError(error.code, `external endpoint failed to ${what}${error.message}`, { cause: thrown });
    };
    const length = body === undefined ? {} : { 'Content-Length': `${body.length}` };
    const options = { method, path: target, headers: { ...headers, ...length, 'Accept-Encoding': 'gzip' }, signal };
    let response: IncomingMessage;
    try {
      response = await open(endpoint, options, body, agents);
    } catch (thrown) {
      throw failed(`call http: ${endpoint.url}, `, thrown);
    } finally {
      onRoundTrip(endpoint, monotonicMs() - startedMs);
    }
    try {
      return { status: response.statusCode ?? 0, headers: response.headers, body: await readBody(response, maxBodyBytes) };
    } catch (thrown) {
      throw failed('read body: ', thrown);
    }
  };
}

import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { AppError, toAppError } from '#engine/base/errors.ts';
import type { Endpoint } from './endpoints.ts';

/** An answer with any status. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: Buffer;
}

/** Sends one GET. Rejects with `unavailable` when no whole answer comes, with what the signal says when it is aborted. */
export type HttpGet = (
  endpoint: Endpoint,
  query: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
) => Promise<HttpAnswer>;

/** Limits of {@link createHttpGet}. */
export interface HttpGetOptions {
  /** Longest body, compressed or not. */
  readonly maxBodyBytes: number;
  /** Told when the headers of an answer are there, or when none came: seconds are what Tempo's histogram counts (spec serverless §5). */
  readonly onRoundTrip: (endpoint: Endpoint, durationMs: number) => void;
  readonly monotonicMs: () => number;
}

/** Connections kept per endpoint: as many as jobs of one query may be out. */
const maxIdleConnections = 1000;

const gunzipAsync = promisify(gunzip);

function open(endpoint: Endpoint, options: RequestOptions, agents: Agents): Promise<{ readonly response: IncomingMessage }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = endpoint;
    const all = { ...options, method: 'GET', host: hostname, ...(port === undefined ? {} : { port }) };
    const request = endpoint.secure ? httpsRequest({ ...all, agent: agents.https }) : httpRequest({ ...all, agent: agents.http });
    request.on('error', (error: NodeJS.ErrnoException) => {
      // The other side may close an idle connection at the moment that it is used again: that request never arrived.
      const stale = request.reusedSocket && error.code === 'ECONNRESET' && !options.signal?.aborted;
      if (stale) open(endpoint, options, { http: false, https: false }).then(resolve, reject);
      else reject(error);
    });
    request.on('response', (response) => resolve({ response }));
    request.end();
  });
}

interface Agents {
  /** false: a connection of its own. */
  readonly http: HttpAgent | false;
  readonly https: HttpsAgent | false;
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
  return response.headers['content-encoding'] === 'gzip' ? gunzipAsync(body, { maxOutputLength: maxBodyBytes }) : body;
}

/** A client that keeps connections open. Texts as Tempo's (spec serverless §5). */
export function createHttpGet({ maxBodyBytes, onRoundTrip, monotonicMs }: HttpGetOptions): HttpGet {
  const agents: Agents = {
    http: new HttpAgent({ keepAlive: true, maxFreeSockets: maxIdleConnections }),
    https: new HttpsAgent({ keepAlive: true, maxFreeSockets: maxIdleConnections }),
  };
  return async (endpoint, query, headers, signal) => {
    const startedMs = monotonicMs();
    const failed = (what: string, thrown: unknown) => {
      const error = signal.aborted ? toAppError(signal.reason) : new AppError('unavailable', toAppError(thrown).message, { cause: thrown });
      return new AppError(error.code, `external endpoint failed to ${what}${error.message}`, { cause: thrown });
    };
    const options = { path: `${endpoint.path}?${query}`, headers: { ...headers, 'Accept-Encoding': 'gzip' }, signal };
    let response: IncomingMessage;
    try {
      ({ response } = await open(endpoint, options, agents));
    } catch (thrown) {
      throw failed(`call http: ${endpoint.url}, `, thrown);
    } finally {
      onRoundTrip(endpoint, monotonicMs() - startedMs);
    }
    try {
      return { status: response.statusCode ?? 0, body: await readBody(response, maxBodyBytes) };
    } catch (thrown) {
      throw failed('read body: ', thrown);
    }
  };
}

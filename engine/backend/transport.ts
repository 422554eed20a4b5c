import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { AppError, throwIfAborted, toAppError } from '#engine/base/errors.ts';
import { allocateBytes, type ByteRange, checkRangeAnswer, checkReadSize, shortObject } from './range.ts';
import { type S3TlsOptions, tlsAgentOptions } from './s3-options.ts';
import { transportFailure } from './transport-failure.ts';

/** A raw answer. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Uint8Array;
}

/** A request on the wire. */
export interface RawRequest {
  readonly hostname: string;
  /** GET without it. */
  readonly method?: 'PUT' | 'DELETE';
  /** Path with query, encoded. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** For messages. */
  readonly object: string;
  /** A successful answer's body must have exactly that length; undefined takes what comes. */
  readonly expected?: ByteRange;
}

/** Sends one request over kept-alive connections. Rejects with `unavailable` when the connection fails or falls silent. */
export type Transport = (request: RawRequest, signal?: AbortSignal) => Promise<RawAnswer>;

/** Longest error text that is read. */
const maxErrorBytes = 64 * 1024;
/** Tries on kept-alive connections that turn out to be closed. */
const maxResends = 3;

/** What {@link createTransport} needs. */
export interface TransportOptions {
  readonly protocol: 'http:' | 'https:';
  /** undefined: the protocol's own. */
  readonly port: number | undefined;
  /** The store's name, for messages. */
  readonly store: 'S3' | 'GCS' | 'Azure';
  readonly tls?: S3TlsOptions | undefined;
  /** Longest silence: no connection, no answer, no further bytes. 10 s without it. */
  readonly idleTimeoutMs?: number | undefined;
  /** Connections kept open; 128 without it. */
  readonly maxConnections?: number | undefined;
}

/** How requests to one address are made. */
interface Client {
  readonly request: (options: RequestOptions) => ClientRequest;
  readonly agent: HttpAgent;
}

/** Creates a transport for one address. Its connections are set up with the first request: functions load Node's http, or https, when they use it. */
export function createTransport(options: TransportOptions): Transport {
  const { protocol, port, store, tls, idleTimeoutMs = 10_000, maxConnections = 128 } = options;
  const agentOptions = { keepAlive: true, maxSockets: maxConnections, maxFreeSockets: maxConnections };
  const createClient = (): Client =>
    protocol === 'http:'
      ? { request: httpRequest, agent: new HttpAgent(agentOptions) }
      : { request: httpsRequest, agent: new HttpsAgent({ ...agentOptions, ...tlsAgentOptions(tls) }) };
  let client: Client | undefined;

  return async (raw, signal) => {
    throwIfAborted(signal);
    const { request, agent } = (client ??= createClient());
    const outgoingOptions: RequestOptions = {
      agent,
      ...(raw.method !== undefined && { method: raw.method }),
      hostname: raw.hostname.replace(/^\[|\]$/g, ''),
      ...(port !== undefined && { port }),
      path: raw.target,
      headers: raw.headers,
      timeout: idleTimeoutMs,
      ...(signal === undefined ? {} : { signal }),
    };
    for (let resent = 0; ; resent++) {
      const outgoing = request(outgoingOptions);
      try {
        return await exchange(raw, outgoing, idleTimeoutMs);
      } catch (thrown) {
        if (signal?.aborted) throw toAppError(signal.reason);
        if (thrown instanceof AppError) throw thrown;
        // The store closes idle connections, and a frozen function does not notice: no sign of trouble, so no waiting.
        if (outgoing.reusedSocket && isReset(thrown) && resent < maxResends) continue;
        throw transportFailure(`${raw.object}: ${store} does not answer (${(thrown as Error).message})`, thrown);
      }
    }
  };
}

function isReset(thrown: unknown): boolean {
  const { code } = thrown as NodeJS.ErrnoException;
  return code === 'ECONNRESET' || code === 'EPIPE';
}

function exchange(raw: RawRequest, outgoing: ClientRequest, idleTimeoutMs: number): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    outgoing.on('timeout', () => outgoing.destroy(new Error(`silent for ${idleTimeoutMs} ms`)));
    outgoing.on('error', reject);
    outgoing.on('response', (response) => receive(raw, response, resolve, reject));
    outgoing.end(raw.body);
  });
}

function receive(raw: RawRequest, response: IncomingMessage, resolve: (answer: RawAnswer) => void, reject: (cause: unknown) => void): void {
  // Whatever goes wrong in here ends the answer and rejects; an error thrown in a stream's event would end the process.
  const guard = (work: () => void): void => {
    try {
      work();
    } catch (thrown) {
      response.destroy();
      reject(thrown);
    }
  };
  const status = response.statusCode ?? 0;
  response.on('error', reject);
  response.on('close', () => {
    if (!response.complete) reject(new Error('the answer was cut'));
  });
  guard(() => {
    const collector = status >= 200 && status < 300 ? collectBody(raw, response) : collectErrorText();
    response.on('data', (chunk: Buffer) => guard(() => collector.add(chunk)));
    response.on('end', () => guard(() => resolve({ status, headers: response.headers, body: collector.finish() })));
  });
}

interface Collector {
  readonly add: (chunk: Buffer) => void;
  readonly finish: () => Uint8Array;
}

/** Straight into one buffer of the announced length. Throws at once when the announced length is not the expected one. */
function collectBody(raw: RawRequest, response: IncomingMessage): Collector {
  const announced = response.headers['content-length'];
  if (announced === undefined && raw.expected === undefined) return collectChunks(raw.object);
  const expectedLength = raw.expected === undefined ? undefined : raw.expected.end - raw.expected.start;
  const length = announced === undefined ? expectedLength! : Number(announced);
  checkReadSize(raw.object, length);
  if (raw.expected !== undefined) checkRangeAnswer(raw.object, raw.expected, { length, contentRange: response.headers['content-range'] });
  const target = allocateBytes(length);
  let filled = 0;
  return {
    add: (chunk) => {
      if (filled + chunk.length > length) throw new AppError('unavailable', `${raw.object}: the store sent more bytes than it announced`);
      target.set(chunk, filled);
      filled += chunk.length;
    },
    finish: () => {
      if (raw.expected !== undefined && filled < length) throw shortObject(raw.object, raw.expected, filled);
      return target.subarray(0, filled);
    },
  };
}

function collectChunks(object: string): Collector {
  const chunks: Buffer[] = [];
  let size = 0;
  return {
    add: (chunk) => {
      size += chunk.length;
      checkReadSize(object, size);
      chunks.push(chunk);
    },
    finish: () => new Uint8Array(Buffer.concat(chunks)),
  };
}

function collectErrorText(): Collector {
  const chunks: Buffer[] = [];
  let size = 0;
  return {
    add: (chunk) => {
      if (size < maxErrorBytes) chunks.push(chunk);
      size += chunk.length;
    },
    finish: () => Buffer.concat(chunks),
  };
}

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type Http2ServerRequest, type Http2ServerResponse, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { Clock } from '#engine/base/clock.ts';
import { AppError } from '#engine/base/errors.ts';
import { createAcceptor, type PortTls } from './tls.ts';

/** A request of either protocol, by Node's compatible interfaces. */
export type AnyRequest = IncomingMessage | Http2ServerRequest;
/** A response of either protocol. */
export type AnyResponse = ServerResponse | Http2ServerResponse;

/** Addresses, limits and times of the port (spec config §3). Times of 0 are none. */
export interface ListenOptions {
  readonly address: string;
  /** 0: any free port. */
  readonly port: number;
  /** 0: unlimited. */
  readonly connectionLimit: number;
  readonly readTimeoutMs: number;
  readonly readHeaderTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** Absent: both protocols in clear text. */
  readonly tls?: PortTls | undefined;
}

/** An open port. */
export interface Listener {
  readonly address: string;
  readonly port: number;
  readonly connections: () => number;
  /** Takes no new connections, lets requests end, and after that time cuts what is left. */
  readonly close: (graceMs: number) => Promise<void>;
}

/** What an HTTP/2 client that knows its server sends first (RFC 9113 §3.4). */
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** Streams that one HTTP/2 connection may have at once, as Go's gRPC server has it. */
export const maxConcurrentStreams = 100;

/** Go's limit of a request line and headers; queries may be long. */
const maxHeaderBytes = 1 << 20;

/** Connections that have said nothing when a port closes may have a request under way; after this they are idle ones. */
const silentGraceMs = 500;

/** How often a closing port looks for connections that have become idle. */
const closeStepMs = 20;

/**
 * Reads as much as is needed to tell the protocols apart, gives the bytes back, and hands the socket over. A client that sends nothing is cut after `timeoutMs`.
 */
function sniff(socket: Socket, timeoutMs: number, decide: (isHttp2: boolean) => void): void {
  let seen: Buffer = Buffer.alloc(0);
  const onTimeout = () => socket.destroy();
  const onError = () => socket.destroy();
  const onData = (chunk: Buffer) => {
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const compared = Math.min(seen.length, preface.length);
    const matches = seen.compare(preface, 0, compared, 0, compared) === 0;
    if (matches && compared < preface.length) return;
    socket.off('data', onData);
    socket.off('timeout', onTimeout);
    socket.off('error', onError);
    socket.setTimeout(0);
    socket.pause();
    socket.unshift(seen);
    decide(matches);
  };
  if (timeoutMs > 0) socket.setTimeout(timeoutMs, onTimeout);
  socket.on('error', onError);
  socket.on('data', onData);
}

function createPlainServer(options: ListenOptions, onRequest: (request: AnyRequest, response: AnyResponse) => void): Server {
  const server = createServer(
    {
      maxHeaderSize: maxHeaderBytes,
      requestTimeout: options.readTimeoutMs,
      headersTimeout: options.readHeaderTimeoutMs || options.readTimeoutMs,
      keepAliveTimeout: options.idleTimeoutMs,
      connectionsCheckingInterval: 1000,
      noDelay: true,
    },
    onRequest,
  );
  if (options.connectionLimit > 0) server.maxConnections = options.connectionLimit;
  return server;
}

/**
 * Opens one port for HTTP/1.1 and HTTP/2 with prior knowledge (h2c). Rejects with AppError `config` when the port cannot be had.
 */
export async function listen(
  options: ListenOptions,
  clock: Clock,
  onRequest: (request: AnyRequest, response: AnyResponse) => void,
): Promise<Listener> {
  const http1 = createPlainServer(options, onRequest);
  const http2 = createHttp2Server({ settings: { maxHeaderListSize: maxHeaderBytes, maxConcurrentStreams } }, onRequest);
  const sockets = new Set<Socket>();
  /** Connections that have said nothing yet. */
  const silent = new Set<Socket>();
  const sessions = new Set<ServerHttp2Session>();
  http2.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    if (options.idleTimeoutMs > 0) session.setTimeout(options.idleTimeoutMs, () => session.close());
  });
  // The HTTP/1.1 server owns the port, so that its timeouts and its closing of idle connections work; its own listener gets what is not HTTP/2.
  const acceptHttp1 = http1.listeners('connection')[0] as (socket: Socket) => void;
  http1.removeAllListeners('connection');
  const accept = createAcceptor(options.tls, (socket) => {
    silent.add(socket);
    socket.on('close', () => silent.delete(socket));
    sniff(socket, options.readHeaderTimeoutMs || options.readTimeoutMs, (isHttp2) => {
      silent.delete(socket);
      if (isHttp2) http2.emit('connection', socket);
      else {
        acceptHttp1.call(http1, socket);
        socket.resume(); // delivers what was given back before anything new is read
      }
    });
  });
  http1.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    accept(socket);
  });
  await new Promise<void>((resolve, reject) => {
    http1.once('error', (error) => reject(new AppError('config', `cannot listen on ${options.address}:${options.port}: ${error.message}`)));
    http1.listen(options.port, options.address === '' ? undefined : options.address, resolve);
  });
  const { address, port } = http1.address() as AddressInfo;
  const close = async (graceMs: number): Promise<void> => {
    const closed = new Promise<void>((resolve) => http1.close(() => resolve()));
    for (const session of sessions) session.close();
    let open = true;
    void closed.then(() => {
      open = false;
    });
    // A connection that was busy becomes idle when its answer is written, and would then stay for the idle timeout.
    for (let waitedMs = 0; open && waitedMs < graceMs; waitedMs += closeStepMs) {
      http1.closeIdleConnections();
      if (waitedMs >= silentGraceMs) for (const socket of silent) socket.destroy();
      await clock.sleep(Math.min(closeStepMs, graceMs));
    }
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return { address, port, connections: () => sockets.size, close };
}

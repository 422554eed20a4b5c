import { createServer, type Http2ServerRequest, type Http2ServerResponse, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { Clock } from '#engine/base/clock.ts';
import { AppError } from '#engine/base/errors.ts';
import { keepAlive } from '../worker-protocol/keep-alive.ts';
import type { Listener } from './listen.ts';
import { createAcceptor, type PortTls } from './tls.ts';

/** Address and limits of the gRPC port (spec config §3). */
export interface GrpcPortOptions {
  readonly address: string;
  /** 0: any free port. */
  readonly port: number;
  /** 0: unlimited. */
  readonly connectionLimit: number;
  /** `grpc_server_max_concurrent_streams` of one connection. */
  readonly maxConcurrentStreams: number;
  /** Absent: clear text. */
  readonly tls?: PortTls | undefined;
}

/** Bytes that may be under way: HTTP/2's own 64 KiB would make large answers wait for every round trip. */
const streamWindowBytes = 4 << 20;
const connectionWindowBytes = 16 << 20;
const closeStepMs = 20;

/** Opens a port that speaks HTTP/2 with prior knowledge only. Rejects with `config` when it cannot. */
export async function listenGrpc(
  options: GrpcPortOptions,
  clock: Clock,
  onRequest: (request: Http2ServerRequest, response: Http2ServerResponse) => void,
): Promise<Listener> {
  const { maxConcurrentStreams } = options;
  const server = createServer({ settings: { maxConcurrentStreams, initialWindowSize: streamWindowBytes } }, onRequest);
  const sessions = new Set<ServerHttp2Session>();
  const sockets = new Set<Socket>();
  const acceptHttp2 = server.listeners('connection')[0] as (socket: Socket) => void;
  server.removeAllListeners('connection');
  const accept = createAcceptor(options.tls, (socket) => acceptHttp2.call(server, socket));
  server.on('connection', (socket: Socket) => {
    if (options.connectionLimit > 0 && sockets.size >= options.connectionLimit) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('close', () => sockets.delete(socket));
    accept(socket);
  });
  server.on('session', (session) => {
    sessions.add(session);
    session.setLocalWindowSize(connectionWindowBytes);
    keepAlive(session, clock);
    session.on('error', () => {}); // its streams are told
    session.on('close', () => sessions.delete(session));
  });
  server.on('sessionError', () => {});
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      reject(new AppError('config', `cannot listen on ${options.address}:${options.port}: ${error.message}`));
    });
    server.listen(options.port, options.address === '' ? undefined : options.address, resolve);
  });
  const { address, port } = server.address() as AddressInfo;
  const close = async (graceMs: number): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const session of sessions) session.close();
    for (let waitedMs = 0; sockets.size > 0 && waitedMs < graceMs; waitedMs += closeStepMs)
      await clock.sleep(Math.min(closeStepMs, graceMs));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return { address, port, connections: () => sockets.size, close };
}

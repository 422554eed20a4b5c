import { connect, type Socket } from 'node:net';
import { AppError } from '#engine/base/errors.ts';
import type { CacheTls } from './config.ts';
import { createReplyParser, type Reply } from './memcached-reply.ts';

/** One server. */
export interface MemcachedServer {
  readonly host: string;
  readonly port: number;
}

/** A connection that takes one request at a time. */
export interface MemcachedConnection {
  /** Sends a request; resolves with its reply. Rejects, and the connection is of no more use, when the server ends it or the signal does. */
  readonly ask: (request: readonly Uint8Array[], signal: AbortSignal) => Promise<Reply>;
  readonly usable: () => boolean;
  readonly close: () => void;
}

/** Opens a connection; requests may be sent at once. TLS is loaded where it is configured. */
export async function openConnection({ host, port }: MemcachedServer, tls: CacheTls | undefined): Promise<MemcachedConnection> {
  const socket = tls === undefined ? connect({ host, port, noDelay: true }) : await connectTls({ host, port }, tls);
  const state: State = { waiting: undefined, broken: undefined };
  const parse = createReplyParser();
  const fail = (cause: Error): void => {
    state.broken ??= cause;
    state.waiting?.reject(new AppError('unavailable', `memcached ${host}:${port}: ${cause.message}`, { cause }));
    state.waiting = undefined;
    socket.destroy();
  };
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('the server has closed the connection')));
  socket.on('data', (chunk) => {
    try {
      const reply = parse(chunk);
      if (reply === undefined) return;
      if (state.waiting === undefined) throw new Error('the server sent a reply that nobody asked for');
      state.waiting.resolve(reply);
      state.waiting = undefined;
    } catch (thrown) {
      fail(thrown as Error);
    }
  });
  return {
    ask: (request, signal) => ask(socket, state, fail, request, signal),
    usable: () => state.broken === undefined && state.waiting === undefined,
    close: () => fail(new Error('closed')),
  };
}

interface State {
  waiting: { readonly resolve: (reply: Reply) => void; readonly reject: (error: AppError) => void } | undefined;
  broken: Error | undefined;
}

function ask(
  socket: Socket,
  state: State,
  fail: (cause: Error) => void,
  request: readonly Uint8Array[],
  signal: AbortSignal,
): Promise<Reply> {
  return new Promise<Reply>((resolve, reject) => {
    // A reply that comes too late would be taken for the next one's: the connection ends with the request.
    const stop = () => fail(new Error('the request was given up'));
    const settle = () => signal.removeEventListener('abort', stop);
    state.waiting = {
      resolve: (reply) => {
        settle();
        resolve(reply);
      },
      reject: (error) => {
        settle();
        reject(error);
      },
    };
    if (state.broken !== undefined) return fail(state.broken);
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    socket.cork();
    for (const part of request) socket.write(part);
    socket.uncork();
  });
}

async function connectTls({ host, port }: MemcachedServer, tls: CacheTls): Promise<Socket> {
  const { connect: connectSecurely } = await import('node:tls');
  return connectSecurely({
    host,
    port,
    servername: tls.serverName ?? host,
    rejectUnauthorized: !tls.insecureSkipVerify,
    ...(tls.caPem !== undefined && { ca: tls.caPem }),
    ...(tls.certPem !== undefined && { cert: tls.certPem }),
    ...(tls.keyPem !== undefined && { key: tls.keyPem }),
  });
}

import { type ClientHttp2Session, connect } from 'node:http2';
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import type { Clock } from '#engine/base/clock.ts';
import { AppError, throwIfAborted, toAppError } from '#engine/base/errors.ts';
import { keepAlive } from '../worker-protocol/keep-alive.ts';

/** What is checked of a frontend, and shown to it. */
export type ConnectionTls = Pick<TlsOptions, 'ca' | 'cert' | 'key' | 'servername' | 'rejectUnauthorized'>;

/** How connections to one frontend are made. */
export interface ConnectionOptions {
  /** `http://host:port`, or `https://…`. */
  readonly origin: string;
  /** Of `https`. */
  readonly tls?: ConnectionTls | undefined;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** Waits after failed connections: doubled each time, and a part of it up to chance. */
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
  readonly onFailure: (error: AppError) => void;
}

/** Connections to one frontend. */
export interface FrontendConnections {
  /**
   * A connection with room for one more stream, which the caller gives back with {@link FrontendConnections.release}. Waits and tries again until there is one;
   * rejects only with what the signal says.
   */
  readonly acquire: (signal: AbortSignal) => Promise<ClientHttp2Session>;
  readonly release: (session: ClientHttp2Session) => void;
  /** One of the open connections. */
  readonly current: () => ClientHttp2Session | undefined;
  readonly close: () => void;
}

/** What real frontends allow on one connection (spec read-path §9.3); more streams need another. */
const streamsPerConnection = 100;

const streamWindowBytes = 4 << 20;
const connectionWindowBytes = 16 << 20;
const connectTimeoutMs = 5000;

/** Opens one HTTP/2 connection with prior knowledge and keeps it alive. Rejects with `unavailable`. */
export async function openConnection({
  origin,
  tls,
  clock,
}: Pick<ConnectionOptions, 'origin' | 'tls' | 'clock'>): Promise<ClientHttp2Session> {
  const session = connect(origin, { ...tls, settings: { initialWindowSize: streamWindowBytes, enablePush: false } });
  const opened = new AbortController();
  void clock.sleep(connectTimeoutMs, opened.signal).then(
    () => session.destroy(new Error('timeout')),
    () => {},
  );
  try {
    await new Promise<void>((resolve, reject) => {
      session.once('connect', () => resolve());
      session.once('error', reject);
      session.once('close', () => reject(new Error('closed')));
    });
  } catch (thrown) {
    throw new AppError('unavailable', `cannot connect to ${origin}: ${toAppError(thrown).message}`, { cause: thrown });
  } finally {
    opened.abort();
  }
  session.setLocalWindowSize(connectionWindowBytes);
  session.on('error', () => {}); // its streams are told
  keepAlive(session, clock);
  return session;
}

/** Starts without connections. */
export function createFrontendConnections(options: ConnectionOptions): FrontendConnections {
  const { clock } = options;
  const used = new Map<ClientHttp2Session, number>();
  let opening: Promise<void> | undefined;
  let failures = 0;

  const openOne = async (signal: AbortSignal): Promise<void> => {
    try {
      const session = await openConnection(options);
      failures = 0;
      used.set(session, 0);
      session.on('close', () => used.delete(session));
      session.on('goaway', () => used.delete(session));
    } catch (thrown) {
      const error = toAppError(thrown);
      options.onFailure(error);
      const waitMs = Math.min(options.maxBackoffMs, options.minBackoffMs * 2 ** Math.min(failures++, 10));
      await clock.sleep(waitMs * (0.5 + options.random() / 2), signal);
    }
  };

  const limitOf = (session: ClientHttp2Session): number =>
    Math.min(streamsPerConnection, session.remoteSettings.maxConcurrentStreams ?? streamsPerConnection);

  return {
    acquire: async (signal) => {
      for (;;) {
        throwIfAborted(signal);
        for (const [session, count] of used) {
          if (session.closed || session.destroyed || count >= limitOf(session)) continue;
          used.set(session, count + 1);
          return session;
        }
        opening ??= openOne(signal).finally(() => {
          opening = undefined;
        });
        await opening;
      }
    },
    release: (session) => {
      const count = used.get(session);
      if (count !== undefined) used.set(session, Math.max(0, count - 1));
    },
    current: () => [...used.keys()].find((session) => !session.closed && !session.destroyed),
    close: () => {
      for (const session of used.keys()) session.close();
      used.clear();
    },
  };
}

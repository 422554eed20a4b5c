import { Cluster, Redis } from 'iovalkey';
import { AppError } from '#engine/base/errors.ts';
import type { RedisConfig } from './config.ts';
import type { CacheStore } from './store.ts';

/** The part of the client that is used, the same for a server and a cluster. */
type Client = Pick<Redis, 'mgetBuffer' | 'getBuffer' | 'set' | 'disconnect' | 'on'>;

/** Waits between attempts to connect, in milliseconds, at most. */
const maxReconnectMs = 2000;

/** Redis and Valkey. It connects with the first request, and again by itself. */
export function createRedisStore(config: RedisConfig): CacheStore {
  const client = createClient(config);
  // Errors of connections are those of the requests; without a listener the client would write them to the terminal.
  client.on('error', () => undefined);
  const expiry = config.ttlMs > 0 ? (['PX', Math.ceil(config.ttlMs)] as const) : undefined;
  return {
    get: async (keys, signal) => {
      const found = await abortable(
        config.endpoints.length > 1 ? Promise.all(keys.map((key) => client.getBuffer(key))) : client.mgetBuffer(...keys),
        signal,
      );
      return found.map((value) => (value === null ? undefined : new Uint8Array(value.buffer, value.byteOffset, value.length)));
    },
    set: async (key, value, signal) => {
      const buffer = Buffer.from(value.buffer, value.byteOffset, value.length);
      await abortable(expiry === undefined ? client.set(key, buffer) : client.set(key, buffer, ...expiry), signal);
    },
    close: () => client.disconnect(),
  };
}

function createClient(config: RedisConfig): Client {
  const { endpoints, masterName, db, username, password, sentinelUsername, sentinelPassword, timeoutMs, tls } = config;
  const nodes = endpoints.map(hostPort);
  const secure = tls && {
    rejectUnauthorized: !tls.insecureSkipVerify,
    ...(tls.caPem !== undefined && { ca: tls.caPem }),
    ...(tls.certPem !== undefined && { cert: tls.certPem }),
    ...(tls.keyPem !== undefined && { key: tls.keyPem }),
    ...(tls.serverName !== undefined && { servername: tls.serverName }),
  };
  const options = {
    ...(username !== '' && { username }),
    ...(password !== '' && { password }),
    ...(secure && { tls: secure }),
    lazyConnect: true,
    enableAutoPipelining: true,
    connectTimeout: Math.max(timeoutMs, 1000),
    // The end of a connection ends its requests: whoever waited has long gone on without the cache.
    maxRetriesPerRequest: 0,
    retryStrategy: (times: number) => Math.min(50 * 2 ** Math.min(times, 10), maxReconnectMs),
  };
  if (masterName !== '') {
    return new Redis({
      ...options,
      db,
      name: masterName,
      sentinels: nodes,
      ...(sentinelUsername !== '' && { sentinelUsername }),
      ...(sentinelPassword !== '' && { sentinelPassword }),
    });
  }
  if (nodes.length > 1) return new Cluster(nodes, { redisOptions: options, lazyConnect: true }) as unknown as Client;
  return new Redis({ ...options, ...nodes[0]!, db });
}

/** The client cannot take back what it has sent; the answer is thrown away when it comes. */
function abortable<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(new AppError('cancelled', 'the request was given up'));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

function hostPort(endpoint: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(endpoint);
  return { host: match?.[1] ?? match?.[2] ?? endpoint, port: Number(match?.[3] ?? 6379) };
}

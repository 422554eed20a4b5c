import { lookup, resolveSrv } from 'node:dns/promises';
import type { Clock } from '#engine/base/clock.ts';
import { AppError } from '#engine/base/errors.ts';
import { fnv1 } from '#engine/base/hash.ts';
import { createSlots } from '#engine/base/slots.ts';
import type { MemcachedConfig } from './config.ts';
import { type MemcachedConnection, type MemcachedServer, openConnection } from './memcached-connection.ts';
import { type NameLookups, resolveServers } from './memcached-servers.ts';
import type { CacheStore } from './store.ts';

/** What {@link createMemcachedStore} needs. */
export interface MemcachedOptions {
  readonly clock: Clock;
  /** Told how many servers there are, each time names were looked up. */
  readonly onServers: (count: number) => void;
  readonly onLookup: (failed: boolean) => void;
  /** The system's without it. */
  readonly lookups?: NameLookups;
}

/** Requests to one server at once; more wait, and give up with their timeout. */
const maxConnections = 64;
const maxKeyBytes = 250;
/** memcached takes longer times for dates. */
const maxTtlSeconds = 30 * 24 * 3600;

/** memcached over its text protocol. Names of servers are looked up with the first request and every `updateIntervalMs`. */
export function createMemcachedStore(config: MemcachedConfig, options: MemcachedOptions): CacheStore {
  const { clock, onServers, onLookup, lookups = { lookup: (host) => lookup(host, { all: true }), resolveSrv } } = options;
  const pools = new Map<string, Pool>();
  let updatedMs = Number.NEGATIVE_INFINITY;
  let updating: Promise<void> | undefined;
  let closed = false;

  const update = async (): Promise<void> => {
    const servers = await resolveServers(config, lookups, onLookup);
    if (servers === undefined || closed) return; // names that cannot be looked up now: the servers of before are still good
    for (const [name, server] of servers) if (!pools.has(name)) pools.set(name, createPool(config, server));
    for (const [name, pool] of pools) {
      if (servers.has(name)) continue;
      pools.delete(name);
      pool.close();
    }
    onServers(pools.size);
  };
  const refresh = (): Promise<void> => {
    if (clock.monotonicMs() - updatedMs >= config.updateIntervalMs) {
      updatedMs = clock.monotonicMs();
      updating ??= update().finally(() => {
        updating = undefined;
      });
    }
    // Only the first requests wait for it.
    return pools.size === 0 && updating !== undefined ? updating : Promise.resolve();
  };
  const poolOf = (key: string): Pool => {
    const chosen = chooseServer(key, [...pools.keys()]);
    if (chosen === undefined) throw new AppError('unavailable', 'memcached: no server is known');
    return pools.get(chosen)!;
  };
  return {
    get: async (keys, signal) => {
      await refresh();
      const byPool = Map.groupBy(keys.filter(isKey), poolOf);
      const replies = await Promise.all([...byPool].map(([pool, some]) => pool.getMany(some, signal)));
      return keys.map((key) => replies.find((values) => values.has(key))?.get(key));
    },
    set: async (key, value, signal) => {
      await refresh();
      if (isKey(key)) await poolOf(key).set(key, value, signal);
    },
    close: () => {
      closed = true;
      for (const pool of pools.values()) pool.close();
      pools.clear();
    },
  };
}

/** The server that a key belongs to: the one whose name hashes highest with it, so that only a lost server's keys move. */
export function chooseServer(key: string, servers: readonly string[]): string | undefined {
  if (servers.length < 2) return servers[0];
  let best: string | undefined;
  let highest = -1;
  for (const server of servers) {
    const weight = mix(fnv1(Buffer.from(`${server}\n${key}`)));
    if (weight > highest) {
      best = server;
      highest = weight;
    }
  }
  return best;
}

/** FNV's high bits hardly depend on a text's end: spreads them (murmur3's finish). */
function mix(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** Neither longer than memcached takes nor with what would end a line or a key. */
function isKey(key: string): boolean {
  return key.length <= maxKeyBytes && /^[\x21-\x7e]+$/.test(key);
}

interface Pool {
  readonly getMany: (keys: readonly string[], signal: AbortSignal) => Promise<ReadonlyMap<string, Uint8Array>>;
  readonly set: (key: string, value: Uint8Array, signal: AbortSignal) => Promise<void>;
  readonly close: () => void;
}

/** Connections to one server: each serves one request at a time, idle ones are kept. */
function createPool({ maxIdleConnections, ttlMs, tls }: MemcachedConfig, server: MemcachedServer): Pool {
  const idle: MemcachedConnection[] = [];
  const slots = createSlots(maxConnections);
  let closed = false;
  const withConnection = async <Result>(use: (connection: MemcachedConnection) => Promise<Result>): Promise<Result> => {
    let connection: MemcachedConnection | undefined;
    try {
      do connection = idle.pop();
      while (connection !== undefined && !connection.usable());
      connection ??= await openConnection(server, tls);
      return await use(connection);
    } finally {
      if (connection !== undefined) {
        if (!closed && connection.usable() && idle.length < maxIdleConnections) idle.push(connection);
        else connection.close();
      }
    }
  };
  const run = <Result>(signal: AbortSignal, use: (connection: MemcachedConnection) => Promise<Result>) =>
    slots.run(() => withConnection(use), signal);
  const expires = Math.min(maxTtlSeconds, Math.ceil(ttlMs / 1000));
  return {
    getMany: (keys, signal) =>
      run(signal, async (connection) => {
        const reply = await connection.ask([Buffer.from(`get ${keys.join(' ')}\r\n`)], signal);
        if (reply.kind === 'values') return reply.values;
        throw new AppError('unavailable', `memcached ${server.host}:${server.port}: ${reply.line}`);
      }),
    set: (key, value, signal) =>
      run(signal, async (connection) => {
        const head = Buffer.from(`set ${key} 0 ${expires} ${value.length}\r\n`);
        const reply = await connection.ask([head, value, Buffer.from('\r\n')], signal);
        if (reply.kind === 'line' && reply.line === 'STORED') return;
        throw new AppError('unavailable', `memcached ${server.host}:${server.port}: ${reply.kind === 'line' ? reply.line : 'values'}`);
      }),
    close: () => {
      closed = true;
      for (const connection of idle.splice(0)) connection.close();
    },
  };
}

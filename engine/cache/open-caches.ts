import type { Clock } from '#engine/base/clock.ts';
import { type Cache, createCache } from './cache.ts';
import { type CacheConfig, type CachesConfig, cacheName } from './config.ts';
import type { OnCacheEvent } from './events.ts';
import type { CacheRole } from './roles.ts';
import type { CacheStore } from './store.ts';

/** The caches of a process by what they hold. */
export interface Caches {
  readonly of: (role: CacheRole) => Cache | undefined;
  /** Resolves when all writes that wait now have gone out. */
  readonly flush: () => Promise<void>;
  readonly close: () => void;
}

/** What {@link openCaches} needs from the process. */
export interface CachesContext {
  readonly clock: Clock;
  readonly onEvent: OnCacheEvent;
}

/** No cache for anything. */
export const noCaches: Caches = { of: () => undefined, flush: async () => undefined, close: () => undefined };

/** Opens the caches that hold one of the wanted roles, without calling them. Clients are loaded only where they are configured. */
export async function openCaches(
  { caches, background }: CachesConfig,
  wanted: readonly CacheRole[],
  context: CachesContext,
): Promise<Caches> {
  const byRole = new Map<CacheRole, Cache>();
  for (const config of caches) {
    const roles = config.roles.filter((role) => wanted.includes(role));
    if (roles.length === 0) continue;
    const cache = createCache({ config, background, store: await openStore(config, context), ...context });
    for (const role of roles) byRole.set(role, cache);
  }
  return {
    of: (role) => byRole.get(role),
    flush: async () => {
      await Promise.all([...new Set(byRole.values())].map((cache) => cache.flush()));
    },
    close: () => {
      for (const cache of new Set(byRole.values())) cache.close();
    },
  };
}

async function openStore(config: CacheConfig, { clock, onEvent }: CachesContext): Promise<CacheStore> {
  const { store } = config;
  const cache = cacheName(config);
  switch (store.kind) {
    case 'memory': {
      const { createMemoryStore } = await import('./memory-store.ts');
      return createMemoryStore(store, clock);
    }
    case 'memcached': {
      const { createMemcachedStore } = await import('./memcached-store.ts');
      const onServers = (count: number) => onEvent({ kind: 'cacheServers', cache, count });
      return createMemcachedStore(store, { clock, onServers, onLookup: (failed) => onEvent({ kind: 'dnsLookup', failed }) });
    }
    case 'redis': {
      const { createRedisStore } = await import('./redis-store.ts');
      return createRedisStore(store);
    }
  }
}

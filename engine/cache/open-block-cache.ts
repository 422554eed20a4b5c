import type { Clock } from '#engine/base/clock.ts';
import { type BlockCache, type BlockCacheLimits, blockRoles, createBlockCache } from './block-cache.ts';
import type { CachesConfig } from './config.ts';
import type { OnCacheEvent } from './events.ts';
import { openCaches } from './open-caches.ts';

/** Caches of parts of blocks, as every thread that runs jobs opens them. */
export interface BlockCacheConfig {
  readonly caches: CachesConfig;
  readonly limits: BlockCacheLimits;
}

/** What {@link openBlockCache} gives. */
export interface OpenedBlockCache {
  readonly blockCache: BlockCache;
  /** Resolves when all writes that wait now have gone out. */
  readonly flush: () => Promise<void>;
  readonly close: () => void;
}

/** Opens them; undefined where none holds parts of blocks. */
export async function openBlockCache(
  { caches, limits }: BlockCacheConfig,
  clock: Clock,
  onEvent: OnCacheEvent,
): Promise<OpenedBlockCache | undefined> {
  if (!caches.caches.some(({ roles }) => roles.some((role) => (blockRoles as readonly string[]).includes(role)))) return undefined;
  const opened = await openCaches(caches, blockRoles, { clock, onEvent });
  return { blockCache: createBlockCache(opened, limits, clock.nowMs), flush: opened.flush, close: opened.close };
}

/** The same caches for one of several threads: what is kept in the process is divided among them. */
export function shareOfCaches(config: BlockCacheConfig, threads: number): BlockCacheConfig {
  const caches = config.caches.caches.map((cache) => {
    const { store } = cache;
    return store.kind === 'memory' ? { ...cache, store: { ...store, maxBytes: Math.floor(store.maxBytes / threads) } } : cache;
  });
  return { ...config, caches: { ...config.caches, caches } };
}

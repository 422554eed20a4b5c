import type { OnStorageEvent } from '#engine/backend/storage-events.ts';
import type { Clock } from '#engine/base/clock.ts';
import type { BlockCache } from '#engine/cache/block-cache.ts';
import type { Cache } from '#engine/cache/cache.ts';
import { type BlockCacheConfig, openBlockCache } from '#engine/cache/open-block-cache.ts';
import { openCaches } from '#engine/cache/open-caches.ts';
import { blockCacheLimits, cachesConfig } from './config/caches.ts';
import type { ConfigValue } from './config/schema/key.ts';

/** The configured caches of a process. */
export interface ProcessCaches {
  /** For jobs on the thread that answers requests. */
  readonly blockCache: BlockCache | undefined;
  /** For scan threads, which open their own. */
  readonly threadCaches: BlockCacheConfig | undefined;
  /** Of answers of jobs. */
  readonly answers: Cache | undefined;
  readonly onStorageEvent: OnStorageEvent;
  readonly close: () => void;
}

/** Opens the caches that the configuration names, without calling them. Rejects with `config` `invalid cache config: …`. */
export async function openProcessCaches(
  values: ReadonlyMap<string, ConfigValue>,
  clock: Clock,
  onStorageEvent: OnStorageEvent,
): Promise<ProcessCaches> {
  const caches = await cachesConfig(values);
  const config = { caches, limits: blockCacheLimits(values) };
  const blocks = await openBlockCache(config, clock, onStorageEvent);
  const answers = await openCaches(caches, ['frontend-search'], { clock, onEvent: onStorageEvent });
  return {
    blockCache: blocks?.blockCache,
    threadCaches: blocks === undefined ? undefined : config,
    answers: answers.of('frontend-search'),
    onStorageEvent,
    close: () => {
      blocks?.close();
      answers.close();
    },
  };
}

import { availableParallelism } from 'node:os';
import type { BackendConfig, BackendContext } from '#engine/backend/create.ts';
import type { OnStorageEvent } from '#engine/backend/storage-events.ts';
import { type BlockCacheConfig, shareOfCaches } from '#engine/cache/open-block-cache.ts';
import type { JobEnvironment } from '#engine/jobs/environment.ts';
import { createScanThreads } from '#engine/jobs/scan-threads.ts';
import { searchBlock } from '#engine/jobs/search-block.ts';
import type { RunJob } from './job.ts';

/** What {@link createEngineSearch} needs. */
export interface EngineSearchOptions {
  readonly environment: JobEnvironment;
  /** The same store for other threads, which open it themselves. */
  readonly backend: BackendConfig;
  readonly env: BackendContext['env'];
  /** Threads that scan; 0 is one per core, 1 the thread that also answers requests. */
  readonly threads: number;
  readonly maxMemoryBytes: number;
  readonly cacheBytes: number;
  /** For the threads to open; the environment has its own. */
  readonly caches: BlockCacheConfig | undefined;
  /** Told of the threads' requests to the store. */
  readonly onStorageEvent: OnStorageEvent;
}

/** Threads that scan beside the main one, by `querier.scan_threads`: 0 is one per core, 1 none. */
export function scanThreadCount(configured: number): number {
  const total = configured > 0 ? configured : availableParallelism();
  return total > 1 ? total : 0;
}

/** Searches in this process, on every core of the machine. */
export function createEngineSearch(options: EngineSearchOptions): { readonly search: RunJob; readonly close: () => Promise<void> } {
  const { environment, backend, env, maxMemoryBytes, cacheBytes, caches, onStorageEvent } = options;
  const count = scanThreadCount(options.threads);
  const total = Math.max(1, count);
  const threads = createScanThreads({
    count,
    setup: { backend, env, maxMemoryBytes, cacheBytes: Math.floor(cacheBytes / total), caches: caches && shareOfCaches(caches, total) },
    onStorageEvent,
    searchHere: (...job) => searchBlock(environment, ...job),
  });
  return { search: ({ tenant, request, format }, signal) => threads.search(tenant, request, format, signal), close: threads.close };
}

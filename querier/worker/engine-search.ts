import { availableParallelism } from 'node:os';
import type { BackendConfig, BackendContext } from '#engine/backend/create.ts';
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
  /** Threads that scan, this one included; 0 is one per core. */
  readonly threads: number;
  readonly maxMemoryBytes: number;
  readonly cacheBytes: number;
}

/** Searches in this process: here when nothing else runs here, and on other threads beside it. */
export function createEngineSearch(options: EngineSearchOptions): { readonly search: RunJob; readonly close: () => Promise<void> } {
  const { environment, backend, env, maxMemoryBytes, cacheBytes } = options;
  const total = options.threads > 0 ? options.threads : availableParallelism();
  const threads = createScanThreads({
    count: total - 1,
    setup: { backend, env, maxMemoryBytes, cacheBytes: Math.floor(cacheBytes / total) },
    searchHere: (...job) => searchBlock(environment, ...job),
  });
  return { search: ({ tenant, request, format }, signal) => threads.search(tenant, request, format, signal), close: threads.close };
}

import type { Backend } from '#engine/backend/backend.ts';
import { createRangeCache, type RangeCache } from '#engine/backend/cached.ts';
import { createLru, type Lru } from '#engine/base/lru.ts';
import type { BlockCache } from '#engine/cache/block-cache.ts';
import type { PlainDictionary } from '#engine/kernels/kernels.ts';
import type { BloomFilter } from '#engine/vparquet/bloom.ts';
import { createKernelPool, type KernelPool } from './kernel-pool.ts';
import type { OpenBlock } from './open-block.ts';

/** What every job of a process shares. */
export interface JobEnvironment {
  readonly backend: Backend;
  readonly kernels: KernelPool;
  /** Caches beside the process's own, for what is not in these; undefined where none is configured. */
  readonly blockCache: BlockCache | undefined;
  /** Footers, decoded. */
  readonly blocks: Lru<string, OpenBlock>;
  /** Offset indexes and the like, as stored. */
  readonly ranges: RangeCache;
  /** Dictionaries and pages of costly codecs, decompressed, by block, offset and page. */
  readonly plain: Lru<string, PlainDictionary>;
  /** Shards of bloom filters, by object key. */
  readonly blooms: Lru<string, BloomFilter>;
  /** Rows that a search with a small limit reads of a row group first; undefined: as the scan has it. */
  readonly firstWindowRows: number | undefined;
}

/** Limits of a {@link JobEnvironment}. */
export interface JobEnvironmentOptions {
  readonly backend: Backend;
  readonly blockCache?: BlockCache | undefined;
  /** WASM memory that one job may use. */
  readonly maxMemoryBytes: number;
  /** For footers, dictionaries, offset indexes and bloom filters together. */
  readonly cacheBytes: number;
  /** Jobs that may scan at once. */
  readonly maxConcurrentJobs?: number;
  /** Rows that a search with a small limit reads of a row group first; 256 without it. */
  readonly firstWindowRows?: number;
}

/** Jobs that one environment runs at once, unless it is told otherwise. */
export const defaultConcurrentJobs = 4;
const maxIdleBytes = 128 * 1024 * 1024;

/** Creates the environment of a querier or function. */
export function createJobEnvironment(options: JobEnvironmentOptions): JobEnvironment {
  const { backend, blockCache, maxMemoryBytes, cacheBytes, maxConcurrentJobs, firstWindowRows } = options;
  return {
    firstWindowRows,
    backend,
    blockCache,
    kernels: createKernelPool({ maxInstances: maxConcurrentJobs ?? defaultConcurrentJobs, maxBytes: maxMemoryBytes, maxIdleBytes }),
    blocks: createLru({ maxBytes: Math.floor(cacheBytes / 4) }),
    ranges: createRangeCache({ maxBytes: Math.floor(cacheBytes / 8) }),
    plain: createLru({ maxBytes: Math.floor(cacheBytes / 2) }),
    blooms: createLru({ maxBytes: Math.floor(cacheBytes / 8) }),
  };
}

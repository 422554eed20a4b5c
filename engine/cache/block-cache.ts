import type { Caches } from './open-caches.ts';
import type { CacheRole } from './roles.ts';

/** Roles of parts of blocks. */
export const blockRoles = [
  'bloom',
  'parquet-footer',
  'parquet-column-idx',
  'parquet-offset-idx',
  'parquet-page',
] as const satisfies readonly CacheRole[];

/** One of {@link blockRoles}. */
export type BlockRole = (typeof blockRoles)[number];

/** A part of an object, end exclusive. */
export interface CachedRange {
  readonly start: number;
  readonly end: number;
}

/** What decides whether a block's bloom filters are kept. */
export interface BloomAge {
  readonly compactionLevel?: number;
  readonly startSeconds?: number;
}

/** Parts of blocks in the configured caches. Whole objects are ranges from 0; what is given must not be written to. */
export interface BlockCache {
  readonly holds: (role: BlockRole) => boolean;
  /** Whether a range may be kept as a page. */
  readonly fitsPage: (range: CachedRange) => boolean;
  readonly keepsBloom: (block: BloomAge) => boolean;
  /** Ranges of one object, in order; undefined where there is none. Rejects only with what the signal says. */
  readonly getRanges: (
    role: BlockRole,
    key: string,
    ranges: readonly CachedRange[],
    signal?: AbortSignal,
  ) => Promise<readonly (Uint8Array | undefined)[]>;
  readonly setRange: (role: BlockRole, key: string, range: CachedRange, content: Uint8Array) => void;
  readonly getObject: (role: BlockRole, key: string, signal?: AbortSignal) => Promise<Uint8Array | undefined>;
  readonly setObject: (role: BlockRole, key: string, content: Uint8Array) => void;
}

/** Which parts are kept (spec read-path §7.1). */
export interface BlockCacheLimits {
  /** `search.read_buffer_size_bytes`: longer ranges are no pages. */
  readonly maxPageBytes: number;
  /** Bloom filters of blocks above this level are not kept; 0: all are. */
  readonly bloomMaxCompactionLevel: number;
  /** Those of blocks that start longer ago are not kept; 0: all are. */
  readonly bloomMaxAgeMs: number;
}

/** Puts the caches under the keys that Tempo uses: `tenant:block:object`, and for ranges `:offset:length` behind it. */
export function createBlockCache(caches: Caches, limits: BlockCacheLimits, nowMs: () => number): BlockCache {
  const { maxPageBytes, bloomMaxCompactionLevel, bloomMaxAgeMs } = limits;
  return {
    holds: (role) => caches.of(role) !== undefined,
    fitsPage: ({ start, end }) => end - start <= maxPageBytes,
    keepsBloom: ({ compactionLevel = 0, startSeconds = Number.POSITIVE_INFINITY }) =>
      !(bloomMaxCompactionLevel > 0 && compactionLevel > bloomMaxCompactionLevel) &&
      !(bloomMaxAgeMs > 0 && startSeconds * 1000 < nowMs() - bloomMaxAgeMs),
    getRanges: async (role, key, ranges, signal) => {
      const found = await caches.of(role)?.get(
        ranges.map((range) => rangeKey(key, range)),
        signal,
      );
      // Of another length it is nothing that was stored here.
      return ranges.map(({ start, end }, i) => (found?.[i]?.length === end - start ? found[i] : undefined));
    },
    setRange: (role, key, range, content) => caches.of(role)?.set(rangeKey(key, range), content),
    getObject: async (role, key, signal) => (await caches.of(role)?.get([objectKey(key)], signal))?.[0],
    setObject: (role, key, content) => caches.of(role)?.set(objectKey(key), content),
  };
}

/** Of `tenant/block/object`. The bucket's prefix is in no key. */
function objectKey(key: string): string {
  return key.replaceAll('/', ':');
}

function rangeKey(key: string, { start, end }: CachedRange): string {
  return `${objectKey(key)}:${start}:${end - start}`;
}

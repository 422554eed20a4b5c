import { createLru } from '#engine/base/lru.ts';

/** Parts of objects that never change, in memory. Safe to share between all readers of one backend. */
export interface RangeCache {
  /** The bytes, which must not be written to; undefined when they are not held. */
  readonly get: (key: string, start: number, end: number) => Uint8Array | undefined;
  /** Keeps the bytes. A view of a larger buffer is copied, so that the buffer is not kept alive. */
  readonly set: (key: string, start: number, end: number, content: Uint8Array) => void;
  readonly stats: () => RangeCacheStats;
}

/** What a {@link RangeCache} has done since its creation. */
export interface RangeCacheStats {
  readonly hits: number;
  readonly misses: number;
  readonly entries: number;
  readonly sizeBytes: number;
}

/** A Map entry, its key and the typed array around the bytes, roughly: without it many tiny ranges would hold far more than the limit. */
const entryOverheadBytes = 256;

/** Creates an empty {@link RangeCache} of at most that many bytes; for footers, dictionary pages and other small ranges of data.parquet. */
export function createRangeCache({ maxBytes }: { readonly maxBytes: number }): RangeCache {
  const lru = createLru<string, Uint8Array>({ maxBytes });
  let hits = 0;
  let misses = 0;
  return {
    get: (key, start, end) => {
      const found = lru.get(`${start}:${end}:${key}`);
      if (found === undefined) misses++;
      else hits++;
      return found;
    },
    set: (key, start, end, content) => {
      const own = content.byteLength === content.buffer.byteLength ? content : content.slice();
      lru.set(`${start}:${end}:${key}`, own, own.byteLength + entryOverheadBytes);
    },
    stats: () => ({ hits, misses, entries: lru.count(), sizeBytes: lru.sizeBytes() }),
  };
}

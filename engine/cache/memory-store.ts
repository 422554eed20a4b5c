import type { Clock } from '#engine/base/clock.ts';
import { createLru } from '#engine/base/lru.ts';
import type { MemoryConfig } from './config.ts';
import type { CacheStore } from './store.ts';

/** An entry's key, its place in the map and the typed array around the bytes, roughly. */
const entryOverheadBytes = 256;

/** Keeps values in this process. A value must not be written to after it was given or taken; a view of a larger buffer is copied. */
export function createMemoryStore({ maxBytes, ttlMs }: MemoryConfig, clock: Pick<Clock, 'monotonicMs'>): CacheStore {
  const entries = createLru<string, { readonly value: Uint8Array; readonly untilMs: number }>({ maxBytes });
  const find = (key: string): Uint8Array | undefined => {
    const entry = entries.get(key);
    if (entry === undefined || entry.untilMs > clock.monotonicMs()) return entry?.value;
    entries.delete(key);
    return undefined;
  };
  return {
    get: async (keys) => keys.map(find),
    set: async (key, value) => {
      const own = value.byteLength === value.buffer.byteLength ? value : value.slice();
      const untilMs = ttlMs === 0 ? Number.POSITIVE_INFINITY : clock.monotonicMs() + ttlMs;
      entries.set(key, { value: own, untilMs }, own.byteLength + 2 * key.length + entryOverheadBytes);
    },
    close: () => entries.clear(),
  };
}

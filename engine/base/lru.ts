/** A cache that holds a bounded number of bytes and gives up what was used longest ago. */
export interface Lru<Key, Value> {
  /** The value, which counts as just used; undefined when there is none. */
  readonly get: (key: Key) => Value | undefined;
  /** Stores or replaces a value of that size. One larger than the whole cache is not kept, and what had its key is dropped. */
  readonly set: (key: Key, value: Value, sizeBytes: number) => void;
  readonly delete: (key: Key) => boolean;
  readonly clear: () => void;
  /** Entries held. */
  readonly count: () => number;
  /** Sum of the sizes held, never above the limit. */
  readonly sizeBytes: () => number;
}

/** Limit of an {@link Lru}. */
export interface LruOptions<Key, Value> {
  /** Most bytes, as `set` counts them; with sizes of 1 it is a number of entries. */
  readonly maxBytes: number;
  /** Called with each entry that is evicted, replaced, deleted or cleared, so that it can be closed. */
  readonly onRemove?: (key: Key, value: Value) => void;
}

interface Entry<Value> {
  readonly value: Value;
  readonly sizeBytes: number;
}

/** Creates an empty {@link Lru}. A Map keeps the order of use: its first entry is the one to go. */
export function createLru<Key, Value>({ maxBytes, onRemove }: LruOptions<Key, Value>): Lru<Key, Value> {
  if (!(maxBytes >= 0)) throw new RangeError(`maxBytes must be 0 or more. received: ${maxBytes}`);
  const entries = new Map<Key, Entry<Value>>();
  let held = 0;

  const remove = (key: Key): boolean => {
    const entry = entries.get(key);
    if (entry === undefined) return false;
    entries.delete(key);
    held -= entry.sizeBytes;
    onRemove?.(key, entry.value);
    return true;
  };

  return {
    get: (key) => {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      entries.delete(key);
      entries.set(key, entry);
      return entry.value;
    },
    set: (key, value, sizeBytes) => {
      if (!(sizeBytes >= 0)) throw new RangeError(`an entry's size must be 0 or more. received: ${sizeBytes}`);
      remove(key);
      if (sizeBytes > maxBytes) {
        onRemove?.(key, value);
        return;
      }
      entries.set(key, { value, sizeBytes });
      held += sizeBytes;
      while (held > maxBytes) {
        const oldest = entries.keys().next();
        if (oldest.done) break;
        remove(oldest.value);
      }
    },
    delete: remove,
    clear: () => {
      for (const key of [...entries.keys()]) remove(key);
    },
    count: () => entries.size,
    sizeBytes: () => held,
  };
}

import { AppError, throwIfAborted } from '#engine/base/errors.ts';
import { bytes } from '#engine/base/units.ts';
import type { Backend, ListedObject, ObjectWriter } from './backend.ts';
import { checkKey, checkPrefix } from './keys.ts';
import { allocateBytes, checkRange, shortObject } from './range.ts';

/** A backend in memory, for tests and simulations, whose content can be changed. */
export interface MemoryBackend extends Backend {
  readonly writer: ObjectWriter;
  /** Stores a copy of the bytes. `modifiedMs` is 0 when not given. */
  readonly put: (key: string, content: Uint8Array, modifiedMs?: number) => void;
  /** Forgets the object; false when there was none. */
  readonly remove: (key: string) => boolean;
}

interface StoredObject {
  readonly content: Uint8Array;
  readonly modifiedMs: number;
}

/** Creates an empty {@link MemoryBackend}; `nowMs` gives the time of objects that its writer writes. */
export function createMemoryBackend(nowMs: () => number = () => 0): MemoryBackend {
  const objects = new Map<string, StoredObject>();
  const find = (key: string, signal: AbortSignal | undefined): Uint8Array => {
    checkKey(key);
    throwIfAborted(signal);
    const found = objects.get(key);
    if (found === undefined) throw new AppError('not_found', `${key} does not exist`);
    return found.content;
  };
  const keysBelow = (prefix: string): string[] => {
    checkPrefix(prefix);
    return [...objects.keys()].filter((key) => key.startsWith(prefix)).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  };
  async function* yieldObjects(keys: readonly string[], signal: AbortSignal | undefined): AsyncGenerator<ListedObject> {
    throwIfAborted(signal);
    for (const key of keys) {
      throwIfAborted(signal);
      const found = objects.get(key);
      if (found !== undefined) yield { key, sizeBytes: bytes(found.content.length), modifiedMs: found.modifiedMs };
    }
  }
  const put = (key: string, content: Uint8Array, modifiedMs = 0): void => {
    checkKey(key);
    objects.set(key, { content: copy(content), modifiedMs });
  };
  return {
    coalesceGapBytes: 0,
    put,
    writer: {
      write: async (key, content, signal) => {
        checkKey(key);
        throwIfAborted(signal);
        put(key, content, nowMs());
      },
      delete: async (key, signal) => {
        checkKey(key);
        throwIfAborted(signal);
        objects.delete(key);
      },
    },
    remove: (key) => objects.delete(key),
    read: async (key, signal) => copy(find(key, signal)),
    readRange: async (key, start, end, signal) => {
      const length = checkRange(key, start, end);
      const content = find(key, signal);
      if (length > 0 && end > content.length) throw shortObject(key, { start, end }, Math.max(0, content.length - start));
      return copy(content.subarray(start, end));
    },
    listFolders: async (prefix, signal) => {
      throwIfAborted(signal);
      const below = keysBelow(prefix).map((key) => key.slice(prefix.length));
      return [...new Set(below.filter((rest) => rest.includes('/')).map((rest) => rest.slice(0, rest.indexOf('/'))))];
    },
    listObjects: (prefix, signal) => yieldObjects(keysBelow(prefix), signal),
    listObjectsFrom: (prefix, signal) => {
      const start = Buffer.from(prefix);
      return yieldObjects(
        keysBelow('').filter((key) => Buffer.compare(Buffer.from(key), start) > 0),
        signal,
      );
    },
  };
}

function copy(content: Uint8Array): Uint8Array {
  const target = allocateBytes(content.length);
  target.set(content);
  return target;
}

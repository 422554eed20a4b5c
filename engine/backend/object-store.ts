import { throwIfAborted } from '#engine/base/errors.ts';
import type { Backend } from './backend.ts';
import { checkKey, checkPrefix } from './keys.ts';
import { listFolders, listObjects, type PageReader } from './listing.ts';
import { type ByteRange, checkRange } from './range.ts';

/** What a store over HTTP does itself; keys are without the backend's own prefix. */
export interface ObjectStoreRequests {
  /** The backend's own prefix: '' or ending in `/`. */
  readonly prefix: string;
  readonly coalesceGapBytes: number;
  /** The whole object, or exactly a range of it that is not empty. */
  readonly get: (key: string, range: ByteRange | undefined, signal: AbortSignal | undefined) => Promise<Uint8Array>;
  readonly readPage: PageReader;
  /** `readPage` knows `startAfter`: one listing may go on from folder to folder. */
  readonly startsAnywhere: boolean;
}

/** The reading half of a backend over an object store: checks of keys and ranges, and listings page by page. Errors as {@link Backend}'s. */
export function objectStore({ prefix: root, coalesceGapBytes, get, readPage, startsAnywhere }: ObjectStoreRequests): Backend {
  const list = (prefix: string, from: string | undefined, signal: AbortSignal | undefined) => {
    checkPrefix(prefix);
    checkPrefix(from ?? '');
    return listObjects(readPage, root, prefix, signal, from);
  };
  return {
    coalesceGapBytes,
    read: async (key, signal) => {
      checkKey(key);
      return get(key, undefined, signal);
    },
    readRange: async (key, start, end, signal) => {
      checkKey(key);
      if (checkRange(key, start, end) === 0) return new Uint8Array(0);
      return get(key, { start, end }, signal);
    },
    listFolders: async (prefix, signal) => {
      checkPrefix(prefix);
      throwIfAborted(signal);
      return listFolders(readPage, root, prefix, signal);
    },
    listObjects: (prefix, signal) => list(prefix, undefined, signal),
    ...(startsAnywhere && { listObjectsFrom: (prefix: string, signal?: AbortSignal) => list('', prefix, signal) }),
  };
}

import type { Backend } from './backend.ts';

/** One request to the store that is about to be made. */
export type CountedRequest =
  | { readonly kind: 'read'; readonly key: string; readonly start: number; readonly end: number }
  /** A whole object, of unknown size until it is there. */
  | { readonly kind: 'readWhole'; readonly key: string }
  | { readonly kind: 'list'; readonly prefix: string };

/** Tells every request of `backend` to `onRequest` before it is made. Retries of the backend's own are not seen; a listing counts once. */
export function countRequests(backend: Backend, onRequest: (request: CountedRequest) => void): Backend {
  const { readInto } = backend;
  return {
    coalesceGapBytes: backend.coalesceGapBytes,
    read: (key, signal) => {
      onRequest({ kind: 'readWhole', key });
      return backend.read(key, signal);
    },
    readRange: (key, start, end, signal) => {
      onRequest({ kind: 'read', key, start, end });
      return backend.readRange(key, start, end, signal);
    },
    ...(readInto && {
      readInto: (key: string, start: number, target: Uint8Array, signal?: AbortSignal) => {
        onRequest({ kind: 'read', key, start, end: start + target.length });
        return readInto(key, start, target, signal);
      },
    }),
    listFolders: (prefix, signal) => {
      onRequest({ kind: 'list', prefix });
      return backend.listFolders(prefix, signal);
    },
    listObjects: (prefix, signal) => {
      onRequest({ kind: 'list', prefix });
      return backend.listObjects(prefix, signal);
    },
  };
}

import type { Backend, ObjectWriter } from './backend.ts';

/** One request to the store. */
export type CountedRequest =
  | { readonly kind: 'read'; readonly key: string; readonly start: number; readonly end: number }
  | { readonly kind: 'readWhole'; readonly key: string; readonly sizeBytes: number }
  | { readonly kind: 'list'; readonly prefix: string }
  | { readonly kind: 'write'; readonly key: string; readonly sizeBytes: number }
  | { readonly kind: 'delete'; readonly key: string };

/**
 * Tells every request of `backend` to `onRequest`: before it is made, or for a whole object, whose size is not known before, once it is there, or
 * is known not to be. Retries of the
 * backend's own are not seen; a listing counts once.
 */
export function countRequests(backend: Backend, onRequest: (request: CountedRequest) => void): Backend {
  const { readInto, writer, listObjectsFrom } = backend;
  return {
    coalesceGapBytes: backend.coalesceGapBytes,
    read: async (key, signal) => {
      let sizeBytes = 0;
      try {
        const content = await backend.read(key, signal);
        sizeBytes = content.length;
        return content;
      } finally {
        onRequest({ kind: 'readWhole', key, sizeBytes });
      }
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
    ...(listObjectsFrom && {
      listObjectsFrom: (prefix: string, signal?: AbortSignal) => {
        onRequest({ kind: 'list', prefix });
        return listObjectsFrom(prefix, signal);
      },
    }),
    ...(writer && { writer: countWrites(writer, onRequest) }),
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

function countWrites(writer: ObjectWriter, onRequest: (request: CountedRequest) => void): ObjectWriter {
  return {
    write: (key, content, signal) => {
      onRequest({ kind: 'write', key, sizeBytes: content.length });
      return writer.write(key, content, signal);
    },
    delete: (key, signal) => {
      onRequest({ kind: 'delete', key });
      return writer.delete(key, signal);
    },
  };
}

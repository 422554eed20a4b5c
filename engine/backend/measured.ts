import type { Clock } from '#engine/base/clock.ts';
import { type AppError, toAppError } from '#engine/base/errors.ts';
import type { Backend, ListedObject, ObjectWriter } from './backend.ts';

/** One call of a backend, after it ended. */
export interface BackendCall {
  readonly operation: 'read' | 'read_range' | 'list_folders' | 'list_objects' | 'write' | 'delete';
  /** Key or prefix. */
  readonly key: string;
  /** Bytes of object content returned or written; 0 for listings and failures. */
  readonly bytes: number;
  readonly durationMs: number;
  readonly error?: AppError;
}

/** Reports every call of `backend` to `onCall` once it has ended. A listing that its reader leaves early counts as ended. */
export function measureBackend(backend: Backend, clock: Pick<Clock, 'monotonicMs'>, onCall: (call: BackendCall) => void): Backend {
  const measure = async <Result>(
    operation: BackendCall['operation'],
    key: string,
    bytesOf: (result: Result) => number,
    run: () => Promise<Result>,
  ): Promise<Result> => {
    const startedMs = clock.monotonicMs();
    try {
      const result = await run();
      onCall({ operation, key, bytes: bytesOf(result), durationMs: clock.monotonicMs() - startedMs });
      return result;
    } catch (thrown) {
      const error = toAppError(thrown);
      onCall({ operation, key, bytes: 0, durationMs: clock.monotonicMs() - startedMs, error });
      throw error;
    }
  };
  async function* measureListing(prefix: string, list: () => AsyncIterable<ListedObject>): AsyncGenerator<ListedObject> {
    const objects = list()[Symbol.asyncIterator]();
    let error: AppError | undefined;
    // What the reader does with an object before it asks for the next one is not the store's time.
    let durationMs = 0;
    try {
      for (;;) {
        const askedMs = clock.monotonicMs();
        const step = await objects.next().finally(() => {
          durationMs += clock.monotonicMs() - askedMs;
        });
        if (step.done) return;
        yield step.value;
      }
    } catch (thrown) {
      error = toAppError(thrown);
      throw error;
    } finally {
      await objects.return?.();
      onCall({ operation: 'list_objects', key: prefix, bytes: 0, durationMs, ...(error === undefined ? {} : { error }) });
    }
  }
  const sizeOf = (content: Uint8Array): number => content.length;
  const none = (): number => 0;
  const { writer, listObjectsFrom } = backend;
  const measuredWriter: ObjectWriter | undefined = writer && {
    write: (key, content, signal) =>
      measure(
        'write',
        key,
        () => content.length,
        () => writer.write(key, content, signal),
      ),
    delete: (key, signal) => measure('delete', key, none, () => writer.delete(key, signal)),
  };
  return {
    ...(measuredWriter && { writer: measuredWriter }),
    coalesceGapBytes: backend.coalesceGapBytes,
    read: (key, signal) => measure('read', key, sizeOf, () => backend.read(key, signal)),
    readRange: (key, start, end, signal) => measure('read_range', key, sizeOf, () => backend.readRange(key, start, end, signal)),
    listFolders: (prefix, signal) => measure('list_folders', prefix, none, () => backend.listFolders(prefix, signal)),
    listObjects: (prefix, signal) => measureListing(prefix, () => backend.listObjects(prefix, signal)),
    ...(listObjectsFrom && {
      listObjectsFrom: (prefix: string, signal?: AbortSignal) => measureListing(prefix, () => listObjectsFrom(prefix, signal)),
    }),
  };
}

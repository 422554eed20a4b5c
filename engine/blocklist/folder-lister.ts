import type { Backend, ListedObject } from '#engine/backend/backend.ts';

/** Lists one folder after another. */
export interface FolderLister {
  /** All objects below `prefix`, which ends in `/`, in order of their keys; one listing at a time. Errors as a backend's. */
  readonly list: (prefix: string, signal: AbortSignal | undefined) => AsyncIterable<ListedObject>;
  /** Ends the listing that is kept open. */
  readonly close: () => Promise<void>;
}

/** Objects between two wanted folders that are passed over; beyond, a new request is cheaper. */
const maxPassed = 1000;

/**
 * Makes a lister for folders that are mostly wanted in order. Where the backend can, it goes on from one folder to the next within one listing, so that a page holds
 * many small folders; else each folder is a listing of its own.
 */
export function createFolderLister(backend: Backend): FolderLister {
  const { listObjectsFrom } = backend;
  let open: AsyncIterator<ListedObject> | undefined;
  /** The first object that has not been given away; undefined when none has been asked for, or there are no more. */
  let next: ListedObject | undefined;
  let ended = false;

  const close = async (): Promise<void> => {
    const closing = open;
    open = undefined;
    next = undefined;
    ended = false;
    await closing?.return?.();
  };
  const advance = async (from: AsyncIterator<ListedObject>): Promise<void> => {
    const step = await from.next();
    ended = step.done === true;
    next = step.done ? undefined : step.value;
  };
  /** True when the open listing stands at the first object of the folder, or of a later one. */
  const reach = async (prefix: string): Promise<boolean> => {
    if (open === undefined || (next === undefined && !ended)) return false;
    for (let passed = 0; !ended; passed++) {
      if (next === undefined || !isBefore(next.key, prefix)) return true;
      if (passed >= maxPassed) return false;
      await advance(open);
    }
    return true;
  };
  /** The folder listed last: what was given away lies in it or before it, so that only a later folder is still whole. */
  let last = '';
  async function* list(prefix: string, signal: AbortSignal | undefined): AsyncGenerator<ListedObject> {
    if (listObjectsFrom === undefined) {
      yield* backend.listObjects(prefix, signal);
      return;
    }
    try {
      if (!isBefore(last, prefix) || !(await reach(prefix))) {
        await close();
        open = listObjectsFrom(prefix, signal)[Symbol.asyncIterator]();
        await advance(open);
      }
      last = prefix;
      const from = open!;
      while (next?.key.startsWith(prefix)) {
        const current: ListedObject = next;
        await advance(from);
        yield current;
      }
    } catch (thrown) {
      await close();
      throw thrown;
    }
  }
  return { list, close };
}

/** The order of keys in a store is that of their UTF-8 bytes. */
function isBefore(key: string, other: string): boolean {
  return Buffer.compare(Buffer.from(key), Buffer.from(other)) < 0;
}

import { constants, type FileHandle, open, realpath } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '#engine/base/errors.ts';

/** Open files of one folder, shared by reads. */
export interface HandleCache {
  /** Runs `use` with the open file. The file stays open for later reads until it is evicted or idle. */
  readonly withHandle: <Result>(file: string, use: (handle: FileHandle) => Promise<Result>) => Promise<Result>;
  /** The file if it is open already, which counts as a use; undefined otherwise. */
  readonly peek: (file: string) => FileHandle | undefined;
  /** Files kept open now. */
  readonly count: () => number;
  /** Closes all files once their running reads have ended. */
  readonly close: () => void;
}

/** Limits of {@link createHandleCache}. */
export interface HandleCacheOptions {
  /** The folder that files must lie in, its own links resolved. */
  readonly root: string;
  /** Most files kept open. Reads that run may hold more for a moment. */
  readonly maxOpen: number;
  /** A file not read for that long is closed when the next read comes. */
  readonly idleMs: number;
  readonly monotonicMs: () => number;
}

interface SharedHandle {
  readonly opened: Promise<FileHandle>;
  /** The handle once it is open. */
  handle?: FileHandle;
  users: number;
  kept: boolean;
  lastUsedMs: number;
}

/** Creates an empty {@link HandleCache}. For files that never change: a replaced file is served in its old form until it is idle or evicted. */
export function createHandleCache({ root, maxOpen, idleMs, monotonicMs }: HandleCacheOptions): HandleCache {
  // In order of use: what was used longest ago comes first.
  const kept = new Map<string, SharedHandle>();

  const drop = (file: string, shared: SharedHandle): void => {
    kept.delete(file);
    shared.kept = false;
    closeUnused(shared);
  };
  const dropIdle = (nowMs: number): void => {
    for (const [file, shared] of kept) {
      if (nowMs - shared.lastUsedMs < idleMs) return;
      drop(file, shared);
    }
  };
  const dropOldest = (): void => {
    for (const [file, shared] of kept) {
      if (kept.size <= maxOpen) return;
      drop(file, shared);
    }
  };
  const acquire = (file: string): SharedHandle => {
    const nowMs = monotonicMs();
    dropIdle(nowMs);
    const shared = kept.get(file) ?? { opened: openInside(root, file), users: 0, kept: true, lastUsedMs: nowMs };
    shared.users++;
    shared.lastUsedMs = nowMs;
    kept.delete(file);
    kept.set(file, shared);
    dropOldest();
    return shared;
  };
  return {
    count: () => kept.size,
    peek: (file) => {
      const shared = kept.get(file);
      if (shared?.handle === undefined) return undefined;
      shared.lastUsedMs = monotonicMs();
      kept.delete(file);
      kept.set(file, shared);
      return shared.handle;
    },
    withHandle: async (file, use) => {
      const shared = acquire(file);
      try {
        shared.handle = await shared.opened;
        return await use(shared.handle);
      } catch (thrown) {
        // A failed open must not be remembered, and a file whose read failed is better opened anew.
        if (kept.get(file) === shared) drop(file, shared);
        throw thrown;
      } finally {
        shared.users--;
        closeUnused(shared);
      }
    },
    close: () => {
      for (const [file, shared] of kept) drop(file, shared);
    },
  };
}

function closeUnused(shared: SharedHandle): void {
  if (shared.kept || shared.users > 0) return;
  // A failed open was reported to its reader, and failing to close a file that was only read loses nothing.
  shared.opened.then((handle) => handle.close()).catch(() => undefined);
}

/** Opens a regular file for reading. One that a symbolic link leads out of `root` to is refused; a pipe or device does not block. */
export async function openInside(root: string, file: string): Promise<FileHandle> {
  const resolved = await realpath(file);
  if (!isInside(root, resolved)) throw new AppError('internal', `${file} leads out of the storage folder ${root} through a link`);
  const handle = await open(resolved, constants.O_RDONLY | constants.O_NONBLOCK);
  const stats = await handle.stat();
  if (stats.isFile()) return handle;
  await handle.close();
  throw new AppError('not_found', `${file} is not a regular file`);
}

/** True for `root` itself and for what lies below it; both with links resolved. */
export function isInside(root: string, file: string): boolean {
  return file === root || file.startsWith(root.endsWith(path.sep) ? root : root + path.sep);
}

import { type Dirent, readSync } from 'node:fs';
import { type FileHandle, readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { systemClock } from '#engine/base/clock.ts';
import { AppError, throwIfAborted, toAppError } from '#engine/base/errors.ts';
import { bytes } from '#engine/base/units.ts';
import type { Backend, ListedObject } from './backend.ts';
import { checkKey, checkPrefix } from './keys.ts';
import { createHandleCache, isInside, openInside } from './local-handles.ts';
import { createLocalWriter } from './local-writer.ts';
import { allocateBytes, checkRange, checkReadSize, shortObject } from './range.ts';

/** Settings of {@link createLocalBackend}. */
export interface LocalOptions {
  /** The root folder, `storage.trace.local.path`. It need not exist yet: then it is empty. */
  readonly path: string;
  /** Most data files kept open; 128 without it. */
  readonly maxOpenFiles?: number;
  /** A data file not read for that long is closed at the next read; one minute without it. */
  readonly idleMs?: number;
  readonly monotonicMs?: () => number;
}

/** A local backend, which holds open files. */
export interface LocalBackend extends Backend {
  /** Closes the files kept open; the backend stays usable. */
  readonly close: () => void;
  /** Data files kept open now. */
  readonly openFiles: () => number;
}

/**
 * Objects as files below a folder, the way Tempo's local backend lays them out (spec blocks §1).
 * Only data.parquet, which never changes, is kept open between reads; everything else is opened for each read.
 */
export async function createLocalBackend(options: LocalOptions): Promise<LocalBackend> {
  const { maxOpenFiles = 128, idleMs = 60_000, monotonicMs = systemClock.monotonicMs } = options;
  const given = path.resolve(options.path);
  // A folder that appears later is taken as it is spelled.
  const root = await realpath(given).catch(() => given);
  const handles = createHandleCache({ root, maxOpen: maxOpenFiles, idleMs, monotonicMs });

  const withFile = async <Result>(key: string, signal: AbortSignal | undefined, use: (handle: FileHandle) => Promise<Result>) => {
    checkKey(key);
    throwIfAborted(signal);
    const file = path.join(root, ...key.split('/'));
    try {
      const keep = path.basename(file) === 'data.parquet';
      const result = keep ? await handles.withHandle(file, use) : await withOpenFile(root, file, use);
      throwIfAborted(signal);
      return result;
    } catch (thrown) {
      throw toFileError(thrown, key);
    }
  };
  return {
    coalesceGapBytes: 0,
    close: handles.close,
    openFiles: handles.count,
    read: (key, signal) =>
      withFile(key, signal, async (handle) => {
        const { size } = await handle.stat();
        return readExactly(handle, key, 0, checkReadSize(key, size));
      }),
    readRange: async (key, start, end, signal) => {
      checkRange(key, start, end);
      return withFile(key, signal, (handle) => readExactly(handle, key, start, end));
    },
    writer: createLocalWriter(root, toFileError),
    readInto: (key, start, target, signal) => {
      checkRange(key, start, start + target.length);
      checkKey(key);
      throwIfAborted(signal);
      const open = handles.peek(path.join(root, ...key.split('/')));
      if (open !== undefined) return readNow(open, key, start, target);
      return withFile(key, signal, async (handle) => readNow(handle, key, start, target));
    },
    listFolders: async (prefix, signal) => {
      checkPrefix(prefix);
      throwIfAborted(signal);
      const entries = await readFolder(root, prefix);
      return entries.filter((entry) => entry.isFolder).map((entry) => entry.name);
    },
    listObjects: (prefix, signal) => {
      checkPrefix(prefix);
      return walk(root, prefix, signal);
    },
  };
}

async function withOpenFile<Result>(root: string, file: string, use: (handle: FileHandle) => Promise<Result>): Promise<Result> {
  const handle = await openInside(root, file);
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}

async function readExactly(handle: FileHandle, key: string, start: number, end: number): Promise<Uint8Array> {
  const target = allocateBytes(end - start);
  let filled = 0;
  while (filled < target.length) {
    const { bytesRead } = await handle.read(target, filled, target.length - filled, start + filled);
    if (bytesRead === 0) throw shortObject(key, { start, end }, filled);
    filled += bytesRead;
  }
  return target;
}

/**
 * Reads at once, without handing the read to another thread: pages of a local disk are mostly in the system's cache, where the hand-over costs
 * about three times the read.
 */
function readNow(handle: FileHandle, key: string, start: number, target: Uint8Array): undefined {
  let filled = 0;
  while (filled < target.length) {
    const bytesRead = readChunk(handle, key, target.subarray(filled), start + filled);
    if (bytesRead === 0) throw shortObject(key, { start, end: start + target.length }, filled);
    filled += bytesRead;
  }
}

function readChunk(handle: FileHandle, key: string, target: Uint8Array, start: number): number {
  try {
    return readSync(handle.fd, target, 0, target.length, start);
  } catch (thrown) {
    throw toFileError(thrown, key);
  }
}

interface FolderEntry {
  readonly name: string;
  readonly isFolder: boolean;
}

/** The files and folders in a folder in the order of their keys, where a folder's name counts with its `/`; [] for a folder that does not exist. */
async function readFolder(root: string, prefix: string): Promise<FolderEntry[]> {
  const folder = path.join(root, ...prefix.split('/'));
  let found: Dirent[];
  try {
    if (!isInside(root, await realpath(folder))) return [];
    found = await readdir(folder, { withFileTypes: true });
  } catch (thrown) {
    const error = toFileError(thrown, prefix);
    if (error.code === 'not_found') return [];
    throw error;
  }
  const entries: FolderEntry[] = [];
  for (const entry of found) {
    const kind = entry.isSymbolicLink() ? await resolveLink(root, path.join(folder, entry.name)) : entry;
    if (kind?.isDirectory()) entries.push({ name: entry.name, isFolder: true });
    else if (kind?.isFile()) entries.push({ name: entry.name, isFolder: false });
  }
  const sortKey = (entry: FolderEntry): Buffer => Buffer.from(entry.isFolder ? `${entry.name}/` : entry.name);
  return entries.sort((a, b) => Buffer.compare(sortKey(a), sortKey(b)));
}

/** What a link leads to; undefined when it is broken or leads out of the root. */
async function resolveLink(root: string, file: string): Promise<{ isDirectory(): boolean; isFile(): boolean } | undefined> {
  try {
    const resolved = await realpath(file);
    return isInside(root, resolved) ? await stat(resolved) : undefined;
  } catch {
    return undefined;
  }
}

/** Deeper folders than any key of Tempo's has; a link to a folder above itself would go on for ever. */
const maxDepth = 16;

async function* walk(root: string, prefix: string, signal: AbortSignal | undefined, depth = 0): AsyncGenerator<ListedObject> {
  throwIfAborted(signal);
  if (depth > maxDepth) return;
  for (const entry of await readFolder(root, prefix)) {
    throwIfAborted(signal);
    const key = prefix + entry.name;
    if (entry.isFolder) {
      yield* walk(root, `${key}/`, signal, depth + 1);
      continue;
    }
    // Gone since the folder was read: as if it had never been there.
    const found = await stat(path.join(root, key)).catch(() => undefined);
    if (found !== undefined) yield { key, sizeBytes: bytes(found.size), modifiedMs: Math.floor(found.mtimeMs) };
  }
}

function toFileError(thrown: unknown, key: string): AppError {
  if (thrown instanceof AppError) return thrown;
  const code = (thrown as NodeJS.ErrnoException | undefined)?.code;
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'EISDIR':
    case 'ENAMETOOLONG':
    case 'ENXIO':
      return new AppError('not_found', `${key} does not exist`, { cause: thrown });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new AppError('internal', `${key}: the process may not access it; check the permissions of the storage folder`, {
        cause: thrown,
      });
    case 'EMFILE':
    case 'ENFILE':
    case 'EIO':
    case 'ESTALE':
    case 'ETIMEDOUT':
      return new AppError('unavailable', `${key}: the storage folder does not answer (${code})`, { cause: thrown });
    default:
      return toAppError(thrown);
  }
}

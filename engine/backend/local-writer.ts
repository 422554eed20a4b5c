import { randomUUID } from 'node:crypto';
import { mkdir, realpath, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError, throwIfAborted } from '#engine/base/errors.ts';
import type { ObjectWriter } from './backend.ts';
import { checkKey } from './keys.ts';
import { isInside } from './local-handles.ts';
import { checkReadSize } from './range.ts';

/**
 * Writes files below `root`. Several processes may write the same object: each writes a file of its own next to it and renames that, so that the last one wins and
 * nobody sees a part. Folders are made as Tempo makes them (spec blocks §1). `toError` says what an error of the file system means.
 */
export function createLocalWriter(root: string, toError: (thrown: unknown, key: string) => AppError): ObjectWriter {
  const at = (key: string): string => path.join(root, ...key.split('/'));
  return {
    write: async (key, content, signal) => {
      checkKey(key);
      checkReadSize(key, content.length);
      throwIfAborted(signal);
      try {
        await replaceFile(root, at(key), content, signal);
      } catch (thrown) {
        throwIfAborted(signal);
        throw toError(thrown, key);
      }
    },
    delete: async (key, signal) => {
      checkKey(key);
      throwIfAborted(signal);
      try {
        await checkFolder(root, path.dirname(at(key)));
        await rm(at(key));
      } catch (thrown) {
        const error = toError(thrown, key);
        if (error.code !== 'not_found') throw error;
      }
    },
  };
}

async function replaceFile(root: string, file: string, content: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
  const folder = path.dirname(file);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await checkFolder(root, folder);
  // In the same folder, since a rename is atomic only within a file system. Process ids do not tell containers apart, so the name is a random one.
  const partial = path.join(folder, `.${path.basename(file)}.${randomUUID()}.tmp`);
  try {
    await writeFile(partial, content, { flag: 'wx', ...(signal === undefined ? {} : { signal }) });
    await rename(partial, file);
  } catch (thrown) {
    await rm(partial, { force: true });
    throw thrown;
  }
}

/** Refuses a folder that a link leads out of the root to. */
async function checkFolder(root: string, folder: string): Promise<void> {
  const resolved = await realpath(folder);
  const realRoot = await realpath(root);
  if (!isInside(realRoot, resolved)) throw new AppError('internal', `${folder} leads out of the storage folder ${root} through a link`);
}

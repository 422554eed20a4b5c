import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Writes the objects as files below a new temporary folder. */
export async function writeFolder(objects: ReadonlyMap<string, Uint8Array>): Promise<string> {
  const root = await mkdtemp(path.join(tmpdir(), 'rubato-backend-'));
  for (const [key, content] of objects) {
    const file = path.join(root, ...key.split('/'));
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  return root;
}

/** Deletes a folder of {@link writeFolder}. */
export async function removeFolder(root: string): Promise<void> {
  await rm(root, { recursive: true, force: true });
}

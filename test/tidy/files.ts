import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What is not ours or not committed. */
const skippedFolders = new Set(['.git', 'node_modules', 'dist']);

/** A file of the tree. */
export interface TreeFile {
  /** Relative to the root, with `/`. */
  readonly path: string;
  readonly sizeBytes: number;
}

/** All files of the repository, sorted; `engine/kernels/gen` is build output and left out. */
export function listTree(root: string): readonly TreeFile[] {
  const found: TreeFile[] = [];
  const visit = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!skippedFolders.has(entry.name) && path !== 'engine/kernels/gen') visit(path);
      } else if (entry.isFile() && entry.name !== '.git') {
        found.push({ path, sizeBytes: statSync(join(root, path)).size });
      }
    }
  };
  visit('');
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** True for code that a generator writes. */
export function isGenerated(path: string): boolean {
  return path.split('/').includes('gen');
}

/** True for data that tests read. */
export function isFixture(path: string): boolean {
  return path.startsWith('test/fixtures/');
}

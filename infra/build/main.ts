// `npm run build`: what is deployed, into dist/ or the folder that is given.
//
//   functions/cloudrun.mjs, cloudrun-*.mjs   the function as an HTTP server, for containers
//   functions/lambda*.mjs, lambda.zip        the function for Lambda, arm64 and x64
//   npm/                                     the package `rubato`: servers and command line, and both functions
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { buildBundle, bundles, lambdaArchive, root } from './bundles.ts';
import { writePackage } from './package.ts';

/** Most bytes of what a platform fetches before a cold start: the archive for Lambda, the gzipped files of the container's function. */
const maxFunctionBytes = 150 * 1024;

function kibibytes(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}

function folderBytes(folder: string): number {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

/** Says the size, and throws when it is more than a cold start should fetch. */
function checkFunction(what: string, loadedBytes: number, fetchedBytes: number): void {
  console.log(`${what.padEnd(24)} ${kibibytes(loadedBytes).padStart(11)} of code, ${kibibytes(fetchedBytes)} to fetch`);
  if (fetchedBytes > maxFunctionBytes) throw new Error(`${what} is larger than ${kibibytes(maxFunctionBytes)}`);
}

async function main(target: string): Promise<void> {
  const functions = join(target, 'functions');
  for (const path of [functions, join(target, 'npm'), join(target, 'lambda.zip')]) rmSync(path, { recursive: true, force: true });
  mkdirSync(functions, { recursive: true });
  for (const bundle of bundles) await buildBundle(bundle, target);

  const filesOf = (program: string) =>
    readdirSync(functions)
      .filter((name) => name.startsWith(program))
      .map((name) => readFileSync(join(functions, name)));
  const sum = (sizes: readonly number[]) => sizes.reduce((total, size) => total + size, 0);
  const contents = filesOf('cloudrun');
  checkFunction('functions/cloudrun*.mjs', sum(contents.map(({ length }) => length)), sum(contents.map((each) => gzipSync(each).length)));

  const archive = lambdaArchive(functions);
  writeFileSync(join(target, 'lambda.zip'), archive);
  checkFunction('lambda.zip', sum(filesOf('lambda').map(({ length }) => length)), archive.length);

  const npm = join(target, 'npm');
  mkdirSync(join(npm, 'functions'));
  for (const name of readdirSync(functions)) copyFileSync(join(functions, name), join(npm, 'functions', name));
  copyFileSync(join(target, 'lambda.zip'), join(npm, 'lambda.zip'));
  writePackage(root, npm);
  console.log(`${'npm/'.padEnd(24)} ${kibibytes(folderBytes(npm)).padStart(11)} beside its dependencies`);
}

await main(resolve(process.argv[2] ?? join(root, 'dist')));

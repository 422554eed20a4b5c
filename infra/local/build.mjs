// `npm run build`: bundles what is deployed into dist/, with the kernels inside and nothing to install beside it. With a folder as argument, into that.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const root = join(fileURLToPath(import.meta.url), '../../..');
/** What a cold start may have to read and parse. The AWS SDK alone would be twice that. */
const maxFunctionBytes = 320 * 1024;

/** @type {import('esbuild').BuildOptions} */
const shared = {
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
  outExtension: { '.js': '.mjs' },
};

/** CommonJS packages in a bundle of ES modules call `require` for Node's own modules. */
const requireBanner = "import { createRequire } from 'node:module';const require = createRequire(import.meta.url);";

/**
 * The container's function listens before it loads the engine, so its bundle is split there: in one file, imports of Node's modules would all come first.
 * Lambda loads everything before the first call anyway.
 * @type {readonly { folder: string, maxBytes?: number, options: import('esbuild').BuildOptions }[]}
 */
const bundles = [
  {
    folder: 'functions',
    maxBytes: maxFunctionBytes,
    options: {
      entryPoints: ['functions/cloudrun.ts'],
      chunkNames: 'cloudrun-[name]-[hash]',
      minify: true,
      splitting: true,
    },
  },
  { folder: 'functions', maxBytes: maxFunctionBytes, options: { entryPoints: ['functions/lambda.ts'], minify: true } },
  {
    folder: '',
    options: { entryPoints: { querier: 'querier/main.ts', 'thread-main': 'engine/jobs/thread-main.ts' }, banner: { js: requireBanner } },
  },
];

function kibibytes(bytes) {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}

/** Bundles one program and prints the sizes of its files. Throws when they are larger together than they may be. */
async function bundle({ folder, maxBytes, options }, target) {
  const { entryPoints } = options;
  if (!Object.values(entryPoints).every((source) => existsSync(join(root, source)))) return;
  const { metafile } = await build({ ...shared, ...options, outdir: join(target, folder) });
  let total = 0;
  for (const path of Object.keys(metafile.outputs)) {
    const content = readFileSync(resolve(root, path));
    total += content.length;
    console.log(`${path}  ${kibibytes(content.length)}  (${kibibytes(gzipSync(content).length)} gzipped)`);
  }
  if (maxBytes === undefined || total <= maxBytes) return;
  const parts = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs));
  const largest = parts
    .sort(([, a], [, b]) => b.bytesInOutput - a.bytesInOutput)
    .slice(0, 8)
    .map(([path, { bytesInOutput }]) => `${path} ${kibibytes(bytesInOutput)}`);
  throw new Error(`${Object.values(entryPoints).join()} is larger than ${kibibytes(maxBytes)}; the largest parts: ${largest.join(', ')}`);
}

const [target = join(root, 'dist')] = process.argv.slice(2);
if (process.argv.length <= 2) rmSync(target, { recursive: true, force: true });
for (const each of bundles) await bundle(each, target);

/**
 * Compiles `assembly/index.ts` into `gen/kernels-wasm.js`, which carries the module as base64. Does nothing when the result is newer than every
 * source, so callers may always run it. Plain JavaScript, because it runs before anything is built and under any Node >= 20.
 */
import { mkdirSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const sourceDir = join(here, 'assembly');
const outDir = join(here, 'gen');
const outFile = join(outDir, 'kernels-wasm.js');

const compilerOptions = [
  '-O3',
  '--converge',
  '--noAssert',
  '--runtime=stub',
  '--enable=simd',
  '--use=abort=',
  '--initialMemory=1',
  '--maximumMemory=65536',
];

/** Time of the last change in milliseconds; 0 for a file that does not exist. */
function changedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** True when the result is there and newer than all that it is made from. */
function isCurrent() {
  const built = changedAt(outFile);
  if (built === 0) return false;
  const sources = readdirSync(sourceDir)
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(sourceDir, name));
  return [...sources, sourceDir, fileURLToPath(import.meta.url)].every((path) => changedAt(path) < built);
}

/** Compiles and puts the result in place in one step, so that builds that run at the same time do not disturb each other. */
export async function buildKernels() {
  if (isCurrent()) return;
  const { default: asc } = await import('assemblyscript/asc');
  mkdirSync(outDir, { recursive: true });
  const wasmFile = join(outDir, `kernels-${process.pid}.wasm`);
  const { error, stderr } = await asc.main([join(sourceDir, 'index.ts'), '--outFile', wasmFile, ...compilerOptions]);
  if (error) throw new Error(`cannot compile the kernels: ${error.message}\n${stderr.toString()}`);
  const base64 = readFileSync(wasmFile).toString('base64');
  rmSync(wasmFile);
  const partFile = join(outDir, `kernels-${process.pid}.part`);
  writeFileSync(partFile, `export const kernelsWasmBase64 =\n  '${base64}';\n`);
  renameSync(partFile, outFile);
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) await buildKernels();

// The bundled function: it works without anything beside it, and is ready nearly as soon as Node itself.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { loadCases, recordedBlocks } from '../../conformance/cases.ts';
import { compareAnswer } from '../../conformance/compare.ts';
import { send } from '../../conformance/send.ts';

const root = join(import.meta.dirname, '../../..');
const rounds = 12;
const maxRatio = 2;
const recorded = loadCases('serverless').find(({ id }) => id === 'serverless-0001')!;

let folder: string;
let script: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'rubato-bundle-'));
  script = join(folder, 'functions/cloudrun.mjs');
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'infra/local/build.mjs'), folder], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** Milliseconds until Node has run an empty program. */
function emptyStartMs(): number {
  const start = performance.now();
  spawnSync(process.execPath, ['-e', '0']);
  return performance.now() - start;
}

/** Starts the bundle on a free port: its address, and the time until it said so. */
async function startBundle() {
  const start = performance.now();
  const env = { ...process.env, TEMPO_BACKEND: 'local', TEMPO_LOCAL_PATH: recordedBlocks };
  const child = spawn(process.execPath, [script, '--port', '0'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const line = await new Promise<string>((resolve) => child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString())));
  const readyMs = performance.now() - start;
  const port = /^listening on http:\/\/0\.0\.0\.0:(\d+)\n$/.exec(line)?.[1];
  assert.ok(port !== undefined, line);
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const stop = () => {
    child.kill('SIGTERM');
    return ended;
  };
  return { url: `http://127.0.0.1:${port}`, readyMs, stop };
}

test('answers at once and ends with status 0', async () => {
  const bundle = await startBundle();
  const answer = await send(bundle.url, recorded);
  assert.deepEqual(compareAnswer(recorded, answer), []);
  assert.equal(await bundle.stop(), 0);
});

test(`is ready within ${maxRatio} times the start of Node`, async (t) => {
  const empty: number[] = [];
  const ready: number[] = [];
  for (let i = 0; i < rounds; i++) {
    empty.push(emptyStartMs());
    const bundle = await startBundle();
    ready.push(bundle.readyMs);
    await bundle.stop();
  }
  // The fastest of each: what else the machine does comes on top.
  const [emptyMs, readyMs] = [Math.min(...empty), Math.min(...ready)];
  t.diagnostic(`node ${emptyMs.toFixed(1)} ms, function ready ${readyMs.toFixed(1)} ms`);
  assert.ok(readyMs <= maxRatio * emptyMs, `${readyMs.toFixed(1)} ms against ${emptyMs.toFixed(1)} ms`);
});

test('brings no cloud SDK and no module to install', () => {
  const files = readdirSync(join(folder, 'functions'));
  assert.ok(files.includes('cloudrun.mjs') && files.includes('lambda.mjs'), files.join());
  for (const file of files) {
    const code = readFileSync(join(folder, 'functions', file), 'utf8');
    const imports = [...code.matchAll(/\b(?:from|import)\s*\(?\s*"([\w@.:/-]+)"/g)].map(([, module]) => module);
    for (const module of imports) assert.ok(isBuiltin(module) || module.startsWith('./cloudrun-'), `${file} imports ${module}`);
  }
});

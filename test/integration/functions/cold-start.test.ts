// The bundled functions: they work with nothing beside them, are ready nearly as soon as Node itself, and stay small.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import type { Metafile } from 'esbuild';
import { buildBundle, bundles, lambdaArchive } from '../../../infra/build/bundles.ts';
import { firstSearchProgram, functionPrograms, pairedRatio, type StartProgram, startBucket, timeStarts } from '../../bench/start-times.ts';
import { loadCases, recordedBlocks } from '../../conformance/cases.ts';
import { compareAnswer } from '../../conformance/compare.ts';
import { send } from '../../conformance/send.ts';

const rounds = 15;
const maxRatio = 1.6;
/** One is enough where nothing else runs. */
const maxBatches = 3;
const maxBytes = 150 * 1024;
const sdk = /^(@aws-sdk|@smithy|@aws|@google-cloud|google-auth-library|@azure)(\/|$)/;
const recorded = loadCases('serverless').find(({ id }) => id === 'serverless-0001')!;

let folder: string;
let metafiles: ReadonlyMap<string, Metafile>;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rubato-bundle-'));
  const built = bundles.filter((bundle) => bundle.folder === 'functions');
  metafiles = new Map(await Promise.all(built.map(async (bundle) => [bundle.name, await buildBundle(bundle, folder)] as const)));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** Starts the container's function on a free port. */
async function startBundle() {
  const env = { ...process.env, TEMPO_BACKEND: 'local', TEMPO_LOCAL_PATH: recordedBlocks };
  const script = join(folder, 'functions/cloudrun.mjs');
  const child = spawn(process.execPath, [script, '--port', '0'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const line = await new Promise<string>((resolve) => child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString())));
  const port = /^listening on http:\/\/0\.0\.0\.0:(\d+)\n$/.exec(line)?.[1];
  assert.ok(port !== undefined, line);
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const stop = () => {
    child.kill('SIGTERM');
    return ended;
  };
  return { url: `http://127.0.0.1:${port}`, stop };
}

test('answers at once and ends with status 0', async () => {
  const bundle = await startBundle();
  const answer = await send(bundle.url, recorded);
  assert.deepEqual(compareAnswer(recorded, answer), []);
  assert.equal(await bundle.stop(), 0);
});

/** Times the start of Node, by the median of pairs in one batch. */
async function timesNode(programs: readonly StartProgram[]): Promise<ReadonlyMap<string, number>> {
  const [node, ...functions] = await timeStarts(programs, rounds);
  return new Map(functions.map((each) => [each.name, pairedRatio(node!, each)]));
}

test(`is ready within ${maxRatio} times the start of Node`, async (t) => {
  const programs = await functionPrograms(folder);
  for (let batch = 1; ; batch++) {
    const ratios = [...(await timesNode(programs))];
    const said = ratios.map(([name, ratio]) => `${name} ${ratio.toFixed(2)}`).join(', ');
    t.diagnostic(`times the start of Node: ${said}`);
    if (ratios.every(([, ratio]) => ratio <= maxRatio)) return;
    assert.ok(batch < maxBatches, `times the start of Node, again and again: ${said}`);
  }
});

test('a first search over S3 loads nothing of what fetch needs', async () => {
  await functionPrograms(folder);
  const s3 = await startBucket();
  try {
    const { arguments: args, environment } = firstSearchProgram(folder, s3.endpoint);
    const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...environment } });
    const loaded = stdout.split('\n').map((line) => line.split(' ').at(-1));
    assert.ok(loaded.includes('http'), stdout);
    assert.deepEqual(
      loaded.filter((name) => /undici|webstreams|^http2$/.test(name ?? '')),
      [],
    );
  } finally {
    await s3.close();
  }
});

describe('a function has', () => {
  test('at most 150 KiB to fetch', (t) => {
    const read = (name: string) => readFileSync(join(folder, 'functions', name));
    const archive = lambdaArchive(join(folder, 'functions'));
    const container = readdirSync(join(folder, 'functions')).filter((name) => name.startsWith('cloudrun'));
    const sizes = { lambda: archive.length, cloudrun: container.reduce((sum, name) => sum + gzipSync(read(name)).length, 0) };
    t.diagnostic(JSON.stringify(sizes));
    for (const [name, sizeBytes] of Object.entries(sizes)) assert.ok(sizeBytes <= maxBytes, `${name}: ${sizeBytes} bytes`);
  });

  test('no SDK inside, and loads none unless the configuration asks for it', () => {
    for (const [name, { inputs, outputs }] of metafiles) {
      const inside = Object.keys(inputs).filter((path) => sdk.test(/node_modules\/(.*)$/.exec(path)?.[1] ?? ''));
      assert.deepEqual(inside, [], name);
      for (const [path, { imports }] of Object.entries(outputs))
        for (const { path: module, external, kind } of imports) {
          if (external !== true || isBuiltin(module)) continue;
          assert.ok(sdk.test(module) && kind === 'dynamic-import', `${path} needs ${module} (${kind})`);
        }
    }
  });
});

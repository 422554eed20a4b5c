// What `npm run build` makes: the npm package runs from its folder, and the archive for Lambda is the same each time.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { root } from '../../../infra/build/bundles.ts';
import { freePort, startProcess } from '../../../infra/local/processes.ts';
import { localStorage, writeServerConfig } from '../../../infra/local/server.ts';
import { loadCases, recordedBlocks } from '../../conformance/cases.ts';
import { compareAnswer } from '../../conformance/compare.ts';
import { send } from '../../conformance/send.ts';
import { startS3Server } from '../backend/s3-server.ts';

// Inside the repository, so that the package finds its dependencies as if they were installed.
const folder = join(root, `dist/test-${process.pid}`);
const npm = join(folder, 'npm');

before(() => {
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'infra/build/main.ts'), folder], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
});
after(() => rmSync(folder, { recursive: true, force: true }));

interface Manifest {
  readonly version: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
}

test('the package has a program `rubato` that says its version', () => {
  const { version, bin, dependencies } = JSON.parse(readFileSync(join(npm, 'package.json'), 'utf8')) as Manifest;
  const program = join(npm, bin.rubato!);
  assert.match(readFileSync(program, 'utf8'), /^#!\/usr\/bin\/env node\n/);
  const { stderr, stdout, status } = spawnSync(process.execPath, [program, '-version'], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.match(stdout + stderr, new RegExp(`rubato, version ${version.replaceAll('.', '\\.')}`));
  assert.ok(dependencies.yaml !== undefined && dependencies['@google-cloud/run'] === undefined, 'only what the package needs');
});

test('the package serves searches, scan threads included', async (t) => {
  const port = await freePort();
  const options = { storage: localStorage(join(root, 'test/fixtures/blocks')), multitenancy: true };
  const config = writeServerConfig(options, { http: port, grpc: await freePort() });
  const script = join(npm, 'rubato.mjs');
  const server = await startProcess({
    name: 'rubato',
    script,
    arguments: [`-config.file=${config.path}`],
    port,
    readyPath: '/ready',
    readyStatus: 200,
  });
  t.after(async () => {
    await server.stop();
    config.remove();
  });
  const parameters = new URLSearchParams({ q: '{ duration > 1ms }', start: '1768046400', end: '1768050000' });
  const response = await fetch(`${server.url}/api/search?${parameters}`, { headers: { 'X-Scope-OrgID': 'rowgroups' } });
  const body = (await response.json()) as { readonly traces: readonly unknown[] };
  assert.equal(body.traces.length, 20, JSON.stringify(body).slice(0, 500) + server.output());
});

test("the container's function reads blocks from S3", async (t) => {
  const credentials = { accessKey: 'test', secretKey: 'secret' };
  const s3 = await startS3Server({ root: recordedBlocks, bucket: 'tempo', ...credentials });
  t.after(() => s3.close());
  const environment = {
    TEMPO_BACKEND: 's3',
    TEMPO_S3_BUCKET: 'tempo',
    TEMPO_S3_ENDPOINT: s3.endpoint,
    TEMPO_S3_REGION: 'us-east-1',
    TEMPO_S3_INSECURE: 'true',
    TEMPO_S3_FORCEPATHSTYLE: 'true',
    TEMPO_S3_ACCESS_KEY: credentials.accessKey,
    TEMPO_S3_SECRET_KEY: credentials.secretKey,
  };
  const port = await freePort();
  const script = join(folder, 'functions/cloudrun.mjs');
  const started = await startProcess({ name: 'function', script, arguments: ['--port', String(port)], environment, port, readyPath: '/' });
  t.after(() => started.stop());
  const recorded = loadCases('serverless').find(({ id }) => id === 'serverless-0001')!;
  assert.deepEqual(compareAnswer(recorded, await send(started.url, recorded)), []);
});

test('the archive is the same each time', () => {
  const once = readFileSync(join(folder, 'lambda.zip'));
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'infra/build/main.ts'), folder], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.ok(once.equals(readFileSync(join(folder, 'lambda.zip'))));
});

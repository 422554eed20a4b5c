import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { configFile, configText, searchPath, send } from './start.ts';

const main = join(import.meta.dirname, '../../../querier/main.ts');

/** Runs the program; `text` is what it has written so far. */
function start(t: TestContext, ...args: readonly string[]): { readonly child: ChildProcess; readonly text: () => string } {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH } });
  t.after(() => child.kill('SIGKILL'));
  let text = '';
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (data: Buffer) => (text += data.toString()));
  return { child, text: () => text };
}

async function run(t: TestContext, ...args: readonly string[]): Promise<{ readonly status: number; readonly text: string }> {
  const { child, text } = start(t, ...args);
  const [status] = await once(child, 'close');
  return { status: status as number, text: text() };
}

/** Waits until the log names the port. */
async function portOf(running: { readonly child: ChildProcess; readonly text: () => string }): Promise<number> {
  for (;;) {
    const port = /http=127\.0\.0\.1:(\d+)/.exec(running.text())?.[1];
    if (port !== undefined) return Number(port);
    await Promise.race([once(running.child.stderr!, 'data'), once(running.child, 'exit').then(() => assert.fail(running.text()))]);
  }
}

async function ready(port: number): Promise<void> {
  while ((await send(port, '/ready')).status !== 200) await new Promise((resolve) => setTimeout(resolve, 20));
}

test('target all serves searches and stops on SIGTERM', async (t) => {
  const running = start(t, `-config.file=${configFile(t, configText())}`, '-target=all');
  const port = await portOf(running);
  await ready(port);
  const answer = await send(port, searchPath('{ kind = producer }'), { 'X-Scope-OrgID': 'vp4' });
  assert.equal(answer.status, 200);
  assert.match(answer.body.toString(), /"traceID":/);
  assert.equal((await run(t, '-health', `-health.url=http://127.0.0.1:${port}/ready`)).status, 0);
  running.child.kill('SIGTERM');
  assert.deepEqual(await once(running.child, 'exit'), [0, null]);
  assert.match(running.text(), /msg=stopping signal=SIGTERM/);
  assert.match(
    running.text(),
    /msg="search response" tenant=vp4 traceID= query="\{ kind = producer \}" range_seconds=3600 .* status_code=200 error=null/,
  );
});

test('target querier serves jobs only; target query-frontend is not ready without queriers', async (t) => {
  const file = configFile(t, configText());
  const querier = start(t, `-config.file=${file}`, '-target', 'querier');
  const port = await portOf(querier);
  await ready(port);
  const tenant = { 'X-Scope-OrgID': 'vp4' };
  const job =
    `/querier${searchPath('{ kind = producer }')}&blockID=7d000000-4000-4000-8000-00000000000c&pagesToSearch=1&size=111541&startPage=0` +
    '&totalRecords=1&version=vParquet4&footerSize=18420';
  assert.equal((await send(port, job, tenant)).status, 200);
  assert.equal((await send(port, searchPath('{}'), tenant)).status, 404);
  const address = { http_listen_address: '127.0.0.1', http_listen_port: 0, grpc_listen_address: '127.0.0.1', grpc_listen_port: 0 };
  const impatient = configFile(t, configText({ server: { ...address, http_server_write_timeout: '1s' } }));
  const frontend = await portOf(start(t, `-config.file=${impatient}`, '-target=query-frontend'));
  let body = '';
  while (!body.startsWith('Query Frontend')) body = (await send(frontend, '/ready')).body.toString();
  assert.equal(body, 'Query Frontend not ready: not ready: number of queriers connected to query-frontend is 0\n');
  const search = await send(frontend, searchPath('{}'), tenant);
  assert.equal(search.status, 504, 'jobs wait for a querier as long as the query may take');
});

test('a bucket that cannot be read keeps the process up and not ready', async (t) => {
  const s3 = {
    bucket: 'traces',
    endpoint: '127.0.0.1:1',
    insecure: true,
    access_key: 'a',
    secret_key: 's',
    region: 'r',
    retry_max_attempts: 1,
  };
  const text = configText({ storage: { trace: { backend: 's3', s3 } } });
  const running = start(t, `-config.file=${configFile(t, text)}`);
  const port = await portOf(running);
  while (!running.text().includes('failed to poll blocklist')) await once(running.child.stderr!, 'data');
  const answer = await send(port, '/ready');
  assert.deepEqual([answer.status, answer.body.toString()], [503, 'Some services are not Running:\nStarting: 1\n']);
});

test('configuration errors end the process with status 1 and one clear text', async (t) => {
  const file = configFile(t, 'querier:\n  search:\n    prefer_selff: 1\n');
  const unknown = await run(t, `-config.file=${file}`);
  assert.equal(unknown.status, 1);
  assert.equal(
    unknown.text,
    `failed parsing config: failed to parse configFile ${file}: yaml: unmarshal errors:\n` +
      '  line 3: field prefer_selff not found in querier.search, did you mean prefer_self?\n',
  );
  const none = await run(t);
  assert.deepEqual(
    [none.status, none.text],
    [1, 'invalid configuration: unknown backend : storage.trace.backend is local, s3, gcs or azure\n'],
  );
  assert.equal((await run(t, '-nonsense')).text, 'flag provided but not defined: -nonsense\n');
  const closed = await run(t, '-health', '-health.url', 'http://127.0.0.1:1/ready');
  assert.deepEqual([closed.status, closed.text], [1, 'http://127.0.0.1:1/ready: fetch failed\n']);
  const taken = await run(t, `-config.file=${configFile(t, configText({ server: { http_listen_address: '192.0.2.1' } }))}`);
  assert.equal(taken.status, 1);
  assert.match(taken.text, /cannot listen on 192\.0\.2\.1:3200: /);
});

test('-version, -help and -config.verify do not start anything', async (t) => {
  assert.match((await run(t, '-version')).text, /^rubato, version \d/);
  assert.match((await run(t, '--help')).text, /-config\.file/);
  const clean = await run(t, `-config.file=${configFile(t, configText())}`, '-config.verify=true');
  assert.deepEqual([clean.status, clean.text], [0, '']);
  const warned = await run(
    t,
    `-config.file=${configFile(t, configText({ query_frontend: { rf1_after: '2026-01-01T00:00:00Z' } }))}`,
    '-config.verify=true',
  );
  assert.equal(warned.status, 1);
  assert.match(warned.text, /^-- CONFIGURATION WARNINGS --\nquery_frontend\.rf1_after \(line \d+\) was removed and has no effect\n/);
});

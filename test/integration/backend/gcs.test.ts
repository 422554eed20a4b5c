import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Backend } from '#engine/backend/backend.ts';
import { type BackendContext, createBackend } from '#engine/backend/create.ts';
import type { GcsOptions } from '#engine/backend/gcs-options.ts';
import type { ReadHedge } from '#engine/backend/hedged-reads.ts';
import { type Clock, systemClock } from '#engine/base/clock.ts';
import { AppError, type ErrorCode } from '#engine/base/errors.ts';
import { type GcsServer, startGcsServer } from './gcs-server.ts';
import { list, suiteObjects, testBackend, testWriter } from './suite.ts';

const block = 'single-tenant/11111111-0000-4000-8000-000000000001';
const clients = ['sdk', 'metadata'] as const;
const objects = new Map([...suiteObjects, ...[...suiteObjects].map(([key, content]) => [`deep/prefix/${key}`, content] as const)]);

/** The store and the metadata server in one; it accepts the last token that it gave out. */
let server: GcsServer;
let emulator: GcsServer;
/** Tokens that the store has stopped to accept. */
const expired = new Set<string>();
before(async () => {
  const tokens = () => Array.from({ length: server.tokensServed() }, (_, i) => `token-${i + 1}`).filter((token) => !expired.has(token));
  server = await startGcsServer({ bucket: 'traces', objects, tokens });
  emulator = await startGcsServer({ bucket: 'traces', objects: suiteObjects });
  // What Google's library reads itself.
  process.env.GCE_METADATA_HOST = server.host;
  process.env.METADATA_SERVER_DETECTION = 'assume-present';
});
after(async () => {
  await server.close();
  await emulator.close();
});

const sleeps: number[] = [];
const hastyClock: Clock = {
  ...systemClock,
  sleep: async (durationMs) => {
    sleeps.push(durationMs);
  },
};

type Options = Partial<GcsOptions> & { readonly hedge?: ReadHedge };

function open(client: (typeof clients)[number], options: Options = {}, context: Partial<BackendContext> = {}): Promise<Backend> {
  const config = {
    kind: 'gcs',
    client,
    bucket: 'traces',
    prefix: 'deep/prefix',
    endpoint: server.url,
    insecure: false,
    ...options,
  } as const;
  return createBackend(config, { clock: hastyClock, random: () => 0.5, env: { GCE_METADATA_HOST: server.host }, ...context });
}

function code(expected: ErrorCode, message = /./): (thrown: unknown) => boolean {
  return (thrown) => {
    assert.ok(thrown instanceof AppError, `${thrown}`);
    assert.equal(thrown.code, expected, thrown.message);
    assert.match(thrown.message, message);
    return true;
  };
}

for (const client of clients) {
  testBackend(`gcs ${client}`, async () => ({ backend: await open(client) }));
  testBackend(`gcs ${client} against an emulator`, async () => ({
    backend: await open(client, { endpoint: `${emulator.url}/storage/v1/`, insecure: true, prefix: '' }),
  }));
  test(`gcs ${client}: faults that pass are tried again`, () => passingFaults(client));
  test(`gcs ${client}: faults that stay are errors after a bounded number of tries`, () => lastingFaults(client));
  test(`gcs ${client}: refusals are told apart from missing objects`, () => refusals(client));
  test(`gcs ${client}: a running call ends when its signal says so, and so does its connection`, () => abortsRunningCalls(client));
  test(`gcs ${client}: a slow read is sent a second time`, () => hedgesReads(client));
}

async function passingFaults(client: (typeof clients)[number]): Promise<void> {
  const backend = await open(client);
  const expected = Buffer.from(suiteObjects.get(`${block}/data.parquet`)!).subarray(100, 90_000);
  for (const fault of [
    { kind: 'status', status: 503 },
    { kind: 'status', status: 429 },
    { kind: 'reset' },
    { kind: 'truncate' },
  ] as const) {
    server.faults.push({ ...fault, times: 2, listing: false });
    assert.deepEqual(Buffer.from(await backend.readRange(`${block}/data.parquet`, 100, 90_000)), expected, fault.kind);
    assert.equal(server.faults.length, 0, fault.kind);
  }
  server.faults.push({ kind: 'truncate', listing: true });
  assert.equal((await list(backend, '')).length, suiteObjects.size);
}

async function lastingFaults(client: (typeof clients)[number]): Promise<void> {
  const backend = await open(client, { retry: { maxAttempts: 3, initialDelayMs: 100, maxDelayMs: 150 }, idleTimeoutMs: 200 });
  for (const kind of ['status', 'reset', 'truncate', 'hang'] as const) {
    sleeps.splice(0);
    server.faults.push({ kind, times: 100 });
    await assert.rejects(backend.readRange(`${block}/data.parquet`, 0, 1000), code('unavailable'), kind);
    server.faults.splice(0);
    assert.deepEqual(sleeps, [75, 112.5], kind);
  }
}

async function refusals(client: (typeof clients)[number]): Promise<void> {
  const calls: ((backend: Backend) => Promise<unknown>)[] = [(backend) => backend.read('te/x'), (backend) => backend.listFolders('')];
  for (const call of calls) {
    await assert.rejects(open(client, { bucket: 'no-such-bucket' }).then(call), code('config', /bucket does not exist/));
    server.faults.push({ kind: 'status', status: 403 });
    await assert.rejects(open(client).then(call), code('config', /refuses access/));
    await assert.rejects(open(client, { insecure: true }).then(call), code('config', /does not accept the credentials/));
  }
  await assert.rejects(open(client, { bucket: '' }), code('config', /gcs bucket_name/));
  await assert.rejects(open(client, { endpoint: 'localhost:4443' }), code('config', /gcs endpoint/));
}

async function abortsRunningCalls(client: (typeof clients)[number]): Promise<void> {
  const backend = await open(client);
  await backend.read('te/x');
  for (const [reason, expected] of [
    [undefined, 'cancelled'],
    [new DOMException('late', 'TimeoutError'), 'deadline_exceeded'],
  ] as const) {
    for (const call of [
      (signal: AbortSignal) => backend.readRange(`${block}/data.parquet`, 0, 10, signal),
      (signal: AbortSignal) => backend.listFolders('', signal),
    ]) {
      const controller = new AbortController();
      server.requests.splice(0);
      server.faults.push({ kind: 'hang' });
      server.faults.push({ kind: 'hang', listing: true });
      const running = call(controller.signal);
      while (server.faults.length > 1) await new Promise((resolve) => setTimeout(resolve, 5));
      server.faults.splice(0);
      controller.abort(reason);
      await assert.rejects(running, code(expected));
      while (server.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      assert.equal(server.requests[0]!.status, 0, 'the server saw the connection end');
    }
  }
}

async function hedgesReads(client: (typeof clients)[number]): Promise<void> {
  let hedges = 0;
  const backend = await open(client, { hedge: { afterMs: 200, upTo: 2 } }, { clock: systemClock, onHedge: () => hedges++ });
  await backend.read('te/x');
  hedges = 0;
  server.faults.push({ kind: 'hang', listing: false });
  assert.equal((await backend.readRange(`${block}/data.parquet`, 5, 10)).length, 5);
  assert.equal(hedges, 1);
}

test('gcs metadata: one token serves all requests, and a refused one is replaced', async () => {
  const served = server.tokensServed();
  const backend = await open('metadata');
  await Promise.all([1, 2, 3].map(() => backend.read('te/x')));
  assert.equal(server.tokensServed(), served + 1);
  expired.add(`token-${served + 1}`);
  await backend.read('te/x');
  assert.equal(server.tokensServed(), served + 2);
});

test('gcs metadata: without a metadata server the error says so', async () => {
  const backend = await open(
    'metadata',
    { retry: { maxAttempts: 1, initialDelayMs: 0, maxDelayMs: 0 } },
    { env: { GCE_METADATA_HOST: '127.0.0.1:1' } },
  );
  await assert.rejects(backend.read('te/x'), code('unavailable', /metadata server/));
});

testWriter('gcs sdk', async () => {
  const own = await startGcsServer({ bucket: 'traces', objects: new Map() });
  return { backend: await open('sdk', { endpoint: own.url, insecure: true }), close: own.close };
});

test('gcs sdk: writes are tried again, and a refusal is told', async (t) => {
  const own = await startGcsServer({ bucket: 'traces', objects: new Map() });
  t.after(own.close);
  const backend = await open('sdk', { endpoint: own.url, insecure: true });
  own.faults.push({ kind: 'status', status: 503, times: 2, listing: false });
  await backend.writer!.write('a/b', Buffer.from('content'));
  assert.equal(Buffer.from(own.objects.get('deep/prefix/a/b')!).toString(), 'content');
  own.faults.push({ kind: 'status', status: 403, listing: false });
  await assert.rejects(backend.writer!.write('a/b', Buffer.from('other')), code('config', /refuses access/));
});

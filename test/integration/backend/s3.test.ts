import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Backend } from '#engine/backend/backend.ts';
import { type BackendContext, createBackend } from '#engine/backend/create.ts';
import type { ReadHedge } from '#engine/backend/hedged-reads.ts';
import type { S3Options } from '#engine/backend/s3-options.ts';
import { type Clock, systemClock } from '#engine/base/clock.ts';
import { AppError, type ErrorCode } from '#engine/base/errors.ts';
import { removeFolder, writeFolder } from './folder.ts';
import { type S3Server, startS3Server } from './s3-server.ts';
import { list, suiteObjects, testBackend, testWriter } from './suite.ts';

const keys = { accessKey: 'AKIDEXAMPLE', secretKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const block = 'single-tenant/11111111-0000-4000-8000-000000000001';
const clients = ['sdk', 'signed'] as const;

let root = '';
let server: S3Server;
let sessionServer: S3Server;
before(async () => {
  const prefixed = [...suiteObjects].map(([key, content]): [string, Uint8Array] => [`deep/prefix/${key}`, content]);
  root = await writeFolder(new Map([...suiteObjects, ...prefixed]));
  server = await startS3Server({ root, bucket: 'traces', ...keys });
  sessionServer = await startS3Server({ root, bucket: 'traces', ...keys, sessionToken: 'session/token+==' });
});
after(async () => {
  await server.close();
  await sessionServer.close();
  await removeFolder(root);
});

/** Sleeps of the retries, which take no time. */
const sleeps: number[] = [];
const hastyClock: Clock = {
  ...systemClock,
  sleep: async (durationMs) => {
    sleeps.push(durationMs);
  },
};

function open(
  client: (typeof clients)[number],
  to: S3Server,
  options: Partial<S3Options> & { readonly hedge?: ReadHedge } = {},
  context: Partial<BackendContext> = {},
): Promise<Backend> {
  const config = {
    kind: 's3',
    client,
    bucket: 'traces',
    prefix: 'deep/prefix',
    endpoint: to.endpoint,
    insecure: true,
    forcePathStyle: true,
    region: 'eu-west-1',
    ...keys,
    sessionToken: '',
    ...options,
  } as const;
  return createBackend(config, { clock: hastyClock, random: () => 0.5, env: {}, ...context });
}

for (const client of clients) {
  testBackend(`s3 ${client}`, async () => ({ backend: await open(client, server) }));
  testBackend(`s3 ${client} with a session token`, async () => ({
    backend: await open(client, sessionServer, { sessionToken: 'session/token+==' }),
  }));

  test(`s3 ${client}: faults that pass are tried again`, () => passingFaults(client));
  test(`s3 ${client}: faults that stay are errors after a bounded number of tries`, () => lastingFaults(client));
  test(`s3 ${client}: refusals are told apart from missing objects`, () => refusals(client));
  test(`s3 ${client}: a running call ends when its signal says so`, () => abortsRunningCalls(client));
  test(`s3 ${client}: a slow read is sent a second time`, () => hedgesReads(client));
  test(`s3 ${client}: connections are kept`, () => keepsConnections(client));
}

testWriter('s3 sdk', async () => {
  const folder = await writeFolder(new Map());
  const own = await startS3Server({ root: folder, bucket: 'traces', ...keys });
  const close = () => own.close().finally(() => removeFolder(folder));
  return { backend: await open('sdk', own), close };
});

test('s3 sdk: writes are tried again, and a refusal is told', async () => {
  const folder = await writeFolder(new Map());
  const own = await startS3Server({ root: folder, bucket: 'traces', ...keys });
  const backend = await open('sdk', own);
  for (const fault of [{ kind: 'status', status: 503, code: 'SlowDown' }, { kind: 'reset' }] as const) {
    own.faults.push({ ...fault, times: 2 });
    await backend.writer!.write('t/x', Buffer.from(fault.kind));
    assert.equal(Buffer.from(await backend.read('t/x')).toString(), fault.kind);
    own.faults.push({ ...fault, times: 2 });
    await backend.writer!.delete('t/x');
    assert.equal(own.faults.length, 0);
  }
  own.faults.push({ kind: 'status', status: 403, code: 'AccessDenied' });
  await assert.rejects(backend.writer!.write('t/x', new Uint8Array(1)), code('config', /refuses access/));
  await own.close();
  await removeFolder(folder);
});

test('s3 signed: the client of functions cannot write', async () => {
  assert.equal((await open('signed', server)).writer, undefined);
});

async function passingFaults(client: (typeof clients)[number]): Promise<void> {
  const backend = await open(client, server);
  const expected = Buffer.from(suiteObjects.get(`${block}/data.parquet`)!).subarray(100, 90_000);
  for (const fault of [
    { kind: 'status', status: 500 },
    { kind: 'status', status: 503, code: 'SlowDown' },
    { kind: 'status', status: 429, code: 'TooManyRequests' },
    { kind: 'status', status: 400, code: 'RequestTimeout' },
    { kind: 'reset' },
    { kind: 'truncate' },
    { kind: 'slow', delayMs: 20 },
  ] as const) {
    server.faults.push({ ...fault, times: 2 });
    const content = await backend.readRange(`${block}/data.parquet`, 100, 90_000);
    assert.deepEqual(Buffer.from(content), expected, fault.kind);
    // A slow answer is not asked for again, so that one of the two faults is left.
    assert.equal(server.faults.splice(0).length, fault.kind === 'slow' ? 1 : 0, fault.kind);
  }
  server.faults.push({ kind: 'truncate', match: ({ query }) => query.has('list-type') });
  assert.equal((await list(backend, '')).length, suiteObjects.size);
  assert.equal(server.faults.length, 0);
}

async function lastingFaults(client: (typeof clients)[number]): Promise<void> {
  const backend = await open(client, server, { retry: { maxAttempts: 3, initialDelayMs: 100, maxDelayMs: 150 }, idleTimeoutMs: 200 });
  for (const kind of ['status', 'reset', 'truncate', 'hang'] as const) {
    server.clearRequests();
    sleeps.splice(0);
    server.faults.push({ kind, times: 100 });
    await assert.rejects(backend.readRange(`${block}/data.parquet`, 0, 1000), code('unavailable'), kind);
    server.faults.splice(0);
    assert.deepEqual(sleeps, [75, 112.5], kind);
  }
}

async function refusals(client: (typeof clients)[number]): Promise<void> {
  const read = async (options: Partial<S3Options>, to = server) => (await open(client, to, options)).read('te/x');
  const folders = async (options: Partial<S3Options>, to = server) => (await open(client, to, options)).listFolders('');
  for (const call of [read, folders]) {
    await assert.rejects(call({ secretKey: 'wrong' }), code('config', /SignatureDoesNotMatch/));
    await assert.rejects(call({ accessKey: 'unknown' }), code('config', /InvalidAccessKeyId/));
    await assert.rejects(call({ sessionToken: 'wrong' }, sessionServer), code('config', /InvalidToken/));
    await assert.rejects(call({ bucket: 'no-such-bucket' }), code('config', /bucket does not exist/));
    server.faults.push({ kind: 'status', status: 403, code: 'AccessDenied' });
    await assert.rejects(call({}), code('config', /refuses access/));
  }
}

async function abortsRunningCalls(client: (typeof clients)[number]): Promise<void> {
  const backend = await open(client, server);
  for (const [reason, expected] of [
    [undefined, 'cancelled'],
    [new DOMException('late', 'TimeoutError'), 'deadline_exceeded'],
  ] as const) {
    for (const call of [
      (signal: AbortSignal) => backend.readRange(`${block}/data.parquet`, 0, 10, signal),
      (signal: AbortSignal) => backend.listFolders('', signal),
    ]) {
      const controller = new AbortController();
      server.faults.push({ kind: 'hang' });
      const running = call(controller.signal);
      while (server.faults.length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
      controller.abort(reason);
      await assert.rejects(running, code(expected));
    }
  }
}

async function hedgesReads(client: (typeof clients)[number]): Promise<void> {
  let hedges = 0;
  const backend = await open(client, server, { hedge: { afterMs: 200, upTo: 2 } }, { clock: systemClock, onHedge: () => hedges++ });
  const key = `${block}/data.parquet`;
  await backend.readRange(key, 0, 10); // opens a connection, loads what a first request loads
  for (const read of [() => backend.readRange(key, 5, 10), () => backend.read(key)]) {
    hedges = 0;
    server.clearRequests();
    server.faults.push({ kind: 'hang' });
    assert.deepEqual(Buffer.from((await read()).subarray(0, 5)).length, 5);
    assert.equal(hedges, 1);
    // The server sees the end of the connection on which the loser waits.
    while (server.requests().length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual(
      server
        .requests()
        .map(({ status }) => (status === 0 ? 'ended' : 'answered'))
        .sort(),
      ['answered', 'ended'],
    );
  }
  hedges = 0;
  server.faults.push({ kind: 'slow', delayMs: 400, match: ({ query }) => query.has('list-type') });
  await backend.listFolders('');
  assert.equal(hedges, 0, 'listings are not hedged');
  server.faults.splice(0);
}

async function keepsConnections(client: (typeof clients)[number]): Promise<void> {
  const backend = await open(client, server);
  const before = server.connections();
  for (let turn = 0; turn < 10; turn++) await backend.readRange(`${block}/data.parquet`, turn, turn + 100);
  assert.equal(server.connections() - before, 1);
}

test('s3 signed: a connection that the store closed while idle costs no waiting', async () => {
  const own = await startS3Server({ root, bucket: 'traces', ...keys });
  const backend = await open('signed', own);
  await backend.read('te/x');
  sleeps.splice(0);
  own.faults.push({ kind: 'reset' });
  await backend.read('te/x');
  assert.deepEqual(sleeps, []);
  await own.close();
});

test('s3 signed: the bucket tells its region', async () => {
  const backend = await open('signed', server, { region: '' });
  server.faults.push({
    kind: 'status',
    status: 400,
    code: 'AuthorizationHeaderMalformed',
    headers: { 'x-amz-bucket-region': 'eu-north-1' },
  });
  assert.equal(Buffer.from(await backend.read('te/x')).toString(), 'x');
});

function code(expected: ErrorCode, message = /./): (thrown: unknown) => boolean {
  return (thrown) => {
    assert.ok(thrown instanceof AppError, `${thrown}`);
    assert.equal(thrown.code, expected, thrown.message);
    assert.match(thrown.message, message);
    return true;
  };
}

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { AzureOptions } from '#engine/backend/azure-options.ts';
import type { Backend } from '#engine/backend/backend.ts';
import { type BackendContext, createBackend } from '#engine/backend/create.ts';
import type { ReadHedge } from '#engine/backend/hedged-reads.ts';
import { type Clock, systemClock } from '#engine/base/clock.ts';
import { AppError, type ErrorCode } from '#engine/base/errors.ts';
import { type AzureServer, startAzureServer } from './azure-server.ts';
import { list, suiteObjects, testBackend, testWriter } from './suite.ts';

const block = 'single-tenant/11111111-0000-4000-8000-000000000001';
const account = 'devstoreaccount1';
const key = Buffer.from('a key of some account, 32 bytes.').toString('base64');
const objects = new Map([...suiteObjects].map(([name, content]) => [`deep/prefix/${name}`, content] as const));

let server: AzureServer;
before(async () => {
  server = await startAzureServer({ account, container: 'traces', key, objects });
});
after(() => server.close());

const hastyClock: Clock = { ...systemClock, sleep: async () => undefined };

type Options = Partial<AzureOptions> & { readonly hedge?: ReadHedge };

function open(options: Options = {}, context: Partial<BackendContext> = {}, to = server): Promise<Backend> {
  const config = {
    kind: 'azure',
    accountName: account,
    accountKey: key,
    container: 'traces',
    prefix: 'deep/prefix',
    endpointSuffix: to.endpoint,
    useManagedIdentity: false,
    useFederatedToken: false,
    userAssignedId: '',
    ...options,
  } as const;
  return createBackend(config, { clock: hastyClock, random: () => 0.5, env: {}, ...context });
}

function code(expected: ErrorCode, message = /./): (thrown: unknown) => boolean {
  return (thrown) => {
    assert.ok(thrown instanceof AppError, `${thrown}`);
    assert.equal(thrown.code, expected, thrown.message);
    assert.match(thrown.message, message);
    return true;
  };
}

const managed = { accountKey: '', useManagedIdentity: true, userAssignedId: 'my-identity' };
const identity = () => ({ env: { IDENTITY_ENDPOINT: `${server.url}/msi/token`, IDENTITY_HEADER: 'secret' } });

testBackend('azure with a shared key', async () => ({ backend: await open() }));
testBackend('azure with a managed identity', async () => ({ backend: await open(managed, identity()) }));
testWriter('azure', async () => {
  const own = await startAzureServer({ account, container: 'traces', key, objects: new Map() });
  return { backend: await open({}, {}, own), close: own.close };
});

test('azure: account and key come from the environment, too', async () => {
  const env = { AZURE_STORAGE_ACCOUNT: account, AZURE_STORAGE_KEY: key };
  assert.equal(Buffer.from(await (await open({ accountName: '', accountKey: '' }, { env })).read('te/x')).toString(), 'x');
});

test('azure: faults that pass are tried again, those that stay are errors', async () => {
  const backend = await open({ retry: { maxAttempts: 3, initialDelayMs: 1, maxDelayMs: 1 }, idleTimeoutMs: 200 });
  const expected = Buffer.from(suiteObjects.get(`${block}/data.parquet`)!).subarray(100, 90_000);
  for (const fault of [{ kind: 'status', status: 503 }, { kind: 'reset' }, { kind: 'truncate' }] as const) {
    server.faults.push({ ...fault, times: 2 });
    assert.deepEqual(Buffer.from(await backend.readRange(`${block}/data.parquet`, 100, 90_000)), expected, fault.kind);
  }
  server.faults.push({ kind: 'truncate' });
  assert.equal((await list(backend, '')).length, suiteObjects.size);
  for (const kind of ['status', 'reset', 'truncate', 'hang'] as const) {
    server.faults.push({ kind, times: 100 });
    await assert.rejects(backend.readRange(`${block}/data.parquet`, 0, 1000), code('unavailable'), kind);
    server.faults.splice(0);
  }
});

test('azure: refusals are told apart from missing objects', async () => {
  const wrongKey = Buffer.from('wrong').toString('base64');
  const calls: ((backend: Backend) => Promise<unknown>)[] = [(backend) => backend.read('te/x'), (backend) => backend.listFolders('')];
  for (const call of calls) {
    await assert.rejects(open({ accountKey: wrongKey }).then(call), code('config', /refuses access/));
    await assert.rejects(open({ container: 'no-such-container' }).then(call), code('config', /container does not exist/));
  }
  await assert.rejects(open({ accountName: '' }), code('config', /storage_account_name/));
  await assert.rejects(open({ container: '' }), code('config', /container_name/));
  await assert.rejects(open({ accountKey: '' }), code('config', /storage_account_key, use_managed_identity/));
  await assert.rejects(open({ endpointSuffix: 'https://x' }), code('config', /endpoint_suffix/));
});

test('azure: a token serves many requests, and a refused one is replaced', async () => {
  const backend = await open(managed, identity());
  const asked = server.tokenRequests.length;
  await Promise.all([1, 2, 3].map(() => backend.read('te/x')));
  assert.equal(server.tokenRequests.length, asked + 1);
  const { url, headers } = server.tokenRequests.at(-1)!;
  const { searchParams } = new URL(url, 'http://loopback');
  assert.deepEqual(
    [searchParams.get('resource'), searchParams.get('client_id'), headers['x-identity-header']],
    ['https://storage.azure.com/', 'my-identity', 'secret'],
  );
  server.expired.add(`token-${asked + 1}`);
  await backend.read('te/x');
  assert.equal(server.tokenRequests.length, asked + 2);
});

test('azure: a federated token is exchanged', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'rubato-azure-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'token'), 'pod-token\n');
  const env = {
    AZURE_FEDERATED_TOKEN_FILE: join(folder, 'token'),
    AZURE_TENANT_ID: 'tenant',
    AZURE_CLIENT_ID: 'client',
    AZURE_AUTHORITY_HOST: server.url,
  };
  const options = { accountKey: '', useFederatedToken: true };
  assert.equal(Buffer.from(await (await open(options, { env })).read('te/x')).toString(), 'x');
  const { url, body } = server.tokenRequests.at(-1)!;
  const form = new URLSearchParams(body);
  assert.equal(url, '/tenant/oauth2/v2.0/token');
  assert.deepEqual(
    [form.get('client_assertion'), form.get('client_id'), form.get('scope')],
    ['pod-token', 'client', 'https://storage.azure.com/.default'],
  );
  await assert.rejects((await open(options, { env: {} })).read('te/x'), code('config', /AZURE_FEDERATED_TOKEN_FILE/));
});

test('azure: a slow read is sent a second time, and what is not needed ends at its socket', async () => {
  let hedges = 0;
  const backend = await open({ hedge: { afterMs: 200, upTo: 2 } }, { clock: systemClock, onHedge: () => hedges++ });
  await backend.read('te/x');
  hedges = 0;
  const ended = server.ended();
  server.faults.push({ kind: 'hang' });
  assert.equal((await backend.readRange(`${block}/data.parquet`, 5, 10)).length, 5);
  assert.equal(hedges, 1);
  while (server.ended() === ended) await new Promise((resolve) => setTimeout(resolve, 5));
});

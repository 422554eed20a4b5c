import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { decodeJsonIndex, decodeProtobufIndex } from '#engine/blocklist/tenant-index.ts';
import { startS3Server } from '../backend/s3-server.ts';
import { blocksPath, searchPath, startTestApp, type TestApp } from './start.ts';

const tenants = ['stale-index', 'corrupt-index', 'json-index', 'compacted'];

/** A bucket of its own with some tenants whose indexes are not what they should be. */
async function copyBucket(t: TestContext): Promise<string> {
  const bucket = await mkdtemp(path.join(tmpdir(), 'rubato-index-'));
  t.after(() => rm(bucket, { recursive: true, maxRetries: 20, retryDelay: 20 }));
  for (const tenant of tenants) await cp(path.join(blocksPath, tenant), path.join(bucket, tenant), { recursive: true });
  return bucket;
}

const local = (bucket: string, settings: object) => ({ storage: { trace: { backend: 'local', local: { path: bucket }, ...settings } } });

async function metricLines(app: TestApp): Promise<string[]> {
  const { body } = await app.get('/metrics');
  return body.toString().split('\n');
}

async function metric(app: TestApp, name: string): Promise<number | undefined> {
  const line = (await metricLines(app)).find((text) => text.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
}

async function until(check: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 400; turn++) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail('it did not happen within 20 seconds');
}

async function tracesOf(app: TestApp, tenant: string): Promise<readonly unknown[]> {
  const answer = await app.get(searchPath('{ }', '&limit=1000'), { 'x-scope-orgid': tenant });
  assert.equal(answer.status, 200, answer.body.toString());
  return JSON.parse(answer.body.toString())
    .traces.map(({ traceID }: { traceID: string }) => traceID)
    .sort();
}

test('a builder mends all indexes; a reader without fallback then sees every block', async (t) => {
  const bucket = await copyBucket(t);
  const builder = await startTestApp(
    t,
    local(bucket, {
      blocklist_poll: '300ms',
      blocklist_poll_build_tenant_index: 'always',
      // The metas of the first poll come from the stale index where it names them.
      blocklist_poll_tolerate_tenant_failures: 0,
    }),
  );
  const reader = await startTestApp(t, local(bucket, { blocklist_poll: '1h', blocklist_poll_fallback: false }));
  for (const tenant of tenants) {
    assert.equal(await metric(builder, `tempodb_blocklist_tenant_index_builder{tenant="${tenant}"}`), 1);
    assert.equal(await metric(reader, `tempodb_blocklist_tenant_index_builder{tenant="${tenant}"}`), 0);
    assert.equal(await metric(builder, `tempodb_blocklist_tenant_index_age_seconds{tenant="${tenant}"}`), 0);
    const age = await metric(reader, `tempodb_blocklist_tenant_index_age_seconds{tenant="${tenant}"}`);
    assert.ok(age !== undefined && age >= 0 && age < 60, `${tenant}: ${age}`);
    for (const app of [builder, reader]) {
      assert.equal(await metric(app, `tempodb_blocklist_length{tenant="${tenant}"}`), 2);
      assert.equal(await metric(app, `tempodb_blocklist_tenant_index_errors_total{tenant="${tenant}"}`), undefined);
    }
    const index = await decodeProtobufIndex(await readFile(path.join(bucket, tenant, 'index.pb.zst')));
    assert.deepEqual((await decodeJsonIndex(await readFile(path.join(bucket, tenant, 'index.json.gz')))).metas, index.metas);
    const traces = await tracesOf(reader, tenant);
    assert.ok(traces.length > 0);
    assert.deepEqual(await tracesOf(builder, tenant), traces);
    const objects = index.metas.reduce((sum, { totalTraces }) => sum + totalTraces, 0);
    assert.equal(await metric(reader, `tempodb_backend_objects_total{tenant="${tenant}",status="live"}`), objects);
  }
  assert.equal(await metric(reader, 'tempodb_backend_objects_total{tenant="compacted",status="compacted"}'), 66);

  await until(async () => {
    // Again, since a poll that runs may put its index back.
    await rm(path.join(bucket, 'json-index'), { recursive: true, force: true, maxRetries: 20, retryDelay: 20 });
    return !(await metricLines(builder)).some((line) => line.startsWith('tempodb_') && line.includes('json-index'));
  });
  assert.deepEqual(await tracesOf(builder, 'json-index'), []);
});

test('a bucket that may only be read: told and counted, lists are good', async (t) => {
  const bucket = await copyBucket(t);
  const keys = { accessKey: 'key', secretKey: 'secret' };
  const server = await startS3Server({ root: bucket, bucket: 'traces', pageSize: 1000, ...keys });
  t.after(server.close);
  server.faults.push({ kind: 'status', status: 403, code: 'AccessDenied', times: 1000, match: ({ method }) => method === 'PUT' });
  const s3 = {
    bucket: 'traces',
    endpoint: server.endpoint,
    region: 'eu-west-1',
    insecure: true,
    forcepathstyle: true,
    access_key: keys.accessKey,
    secret_key: keys.secretKey,
  };
  const trace = { backend: 's3', s3, blocklist_poll: '1h', blocklist_poll_build_tenant_index: 'always' };
  const app = await startTestApp(t, { storage: { trace } });
  for (const tenant of tenants) {
    assert.equal(await metric(app, `tempodb_blocklist_length{tenant="${tenant}"}`), 2);
    assert.equal(await metric(app, `tempodb_blocklist_tenant_index_errors_total{tenant="${tenant}"}`), 1);
    assert.equal(await metric(app, `tempodb_blocklist_poll_errors_total{tenant="${tenant}"}`), undefined);
  }
  assert.ok((await tracesOf(app, 'stale-index')).length > 0);
});

test('by default nothing is written, also after a fallback', async (t) => {
  const bucket = await copyBucket(t);
  const before = await readFile(path.join(bucket, 'corrupt-index/index.pb.zst'));
  const app = await startTestApp(t, local(bucket, { blocklist_poll: '1h' }));
  assert.equal(await metric(app, 'tempodb_blocklist_length{tenant="corrupt-index"}'), 2);
  assert.equal(await metric(app, 'tempodb_blocklist_tenant_index_errors_total{tenant="corrupt-index"}'), 1);
  assert.deepEqual(await readFile(path.join(bucket, 'corrupt-index/index.pb.zst')), before);
});

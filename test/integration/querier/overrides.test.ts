// Limits of single tenants: the file of `per_tenant_override_config`, read again while the process runs.
import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { searchPath, startTestApp, type TestApp } from './start.ts';

/** A file that is replaced at once, so that nobody reads half of it. */
function overridesFile(t: TestContext, text: string) {
  const folder = mkdtempSync(join(tmpdir(), 'rubato-overrides-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'overrides.yaml');
  const write = (next: string) => {
    writeFileSync(`${path}.next`, next);
    renameSync(`${path}.next`, path);
  };
  write(text);
  return { path, write };
}

function start(t: TestContext, path: string, read: Readonly<Record<string, unknown>> = {}): Promise<TestApp> {
  const overrides = { defaults: { read }, per_tenant_override_config: path, per_tenant_override_period: '100ms' };
  return startTestApp(t, { overrides });
}

/** Waits until `look` gives true; the file is read every 100 ms. */
async function until(look: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 300; i++) {
    if (await look()) return;
    await delay(50);
  }
  assert.fail('the change did not come into force within 15 s');
}

const search = searchPath('{}', '&limit=1');

async function statusOf(app: TestApp, tenant: string): Promise<string> {
  const { status, body } = await app.get(search, { 'X-Scope-OrgID': tenant });
  return status === 200 ? '200' : `${status} ${body}`;
}

async function metric(app: TestApp, name: string): Promise<readonly string[]> {
  const { body } = await app.get('/metrics');
  return String(body)
    .split('\n')
    .filter((line) => line.startsWith(name));
}

test('limits change while the process runs; a bad file leaves them as they were', { timeout: 60_000 }, async (t) => {
  const file = overridesFile(t, 'overrides:\n  a: {read: {max_search_duration: 30m}}\n');
  const app = await start(t, file.path, { max_search_duration: '2h' });
  const tooLong = '400 range specified by start and end exceeds 30m0s. received start=1768046400 end=1768050000';
  assert.equal(await statusOf(app, 'a'), tooLong);
  assert.equal(await statusOf(app, 'b'), '200');
  // A range must be allowed to every tenant of a query.
  assert.equal(await statusOf(app, 'a|b'), tooLong);
  const user = 'tempo_limits_overrides{limit_name="max_bytes_per_trace",user=';
  assert.deepEqual(await metric(app, user), [`${user}"a"} 0`]);
  const reloaded = 'tempo_runtime_config_last_reload_successful{config="overrides"}';
  assert.deepEqual(await metric(app, reloaded), [`${reloaded} 1`]);
  const [hash] = await metric(app, 'tempo_runtime_config_hash{');

  file.write('overrides:\n  a: {read: {max_serch_duration: 1h}}\n');
  await until(async () => (await metric(app, reloaded))[0] === `${reloaded} 0`);
  assert.equal(await statusOf(app, 'a'), tooLong);
  assert.deepEqual(await metric(app, 'tempo_runtime_config_hash{'), [hash]);

  // Flat, with a fallback for everybody else.
  file.write('overrides:\n  a: {max_search_duration: 1d, max_bytes_per_trace: 77}\n  "*": {max_search_duration: 10m}\n');
  await until(async () => (await statusOf(app, 'a')) === '200');
  assert.equal(await statusOf(app, 'b'), tooLong.replace('30m0s', '10m0s'));
  assert.deepEqual((await metric(app, user)).toSorted(), [`${user}"*"} 0`, `${user}"a"} 77`]);
  assert.deepEqual(await metric(app, reloaded), [`${reloaded} 1`]);
  const hashes = await metric(app, 'tempo_runtime_config_hash{');
  assert.equal(hashes.length, 1);
  assert.notEqual(hashes[0], hash);
});

test('a file that cannot be read is fatal at start', async (t) => {
  const { path } = overridesFile(t, 'overrides: {a: {read: {max_search_duration: soon}}}');
  await assert.rejects(start(t, path), {
    code: 'config',
    message: /^failed to load runtime config: load file: failed to parse configFile .*\n {2}line 1: not a valid duration string: "soon" /,
  });
  await assert.rejects(start(t, `${path}.missing`), { code: 'config', message: /^failed to load runtime config: load file: ENOENT/ });
});

test('traces, tag values, hints: limits of each tenant; one in the file has nothing of the defaults', async (t) => {
  const { path } = overridesFile(
    t,
    'overrides: {long: {}, vp3: {}, vp4: {read: {max_blocks_per_tag_values_query: 1}}, rowgroups: {read: {unsafe_query_hints: true}}}',
  );
  const overrides = { defaults: { read: { max_bytes_per_tag_values_query: 30 }, global: { max_bytes_per_trace: 2000 } } };
  const app = await startTestApp(t, { overrides: { ...overrides, per_tenant_override_config: path } });
  const json = async (target: string, tenant: string) => {
    const { status, body } = await app.get(target, { 'X-Scope-OrgID': tenant });
    assert.equal(status, 200, String(body));
    return JSON.parse(String(body));
  };
  const trace = '/api/v2/traces/151aa05200e12d081884783b00c3c5b5';
  assert.equal((await json(trace, 'long')).status, undefined, 'unlimited');
  const range = 'start=1768046400&end=1768050000';
  const names = `/api/v2/search/tag/name/values?${range}`;
  const bytes = async (target: string, tenant: string) =>
    ((await json(target, tenant)).tagValues as { value?: string }[]).reduce((sum, { value = '' }) => sum + Buffer.byteLength(value), 0);
  assert.ok((await bytes(names, 'vp5')) <= 30, 'the default');
  assert.ok((await bytes(names, 'vp4')) > 30, 'unlimited');
  const executed = async () => Number((await metric(app, 'tempo_querier_worker_request_executed_total '))[0]?.split(' ')[1]);
  const jobsFor = async (tenant: string) => {
    const before = await executed();
    await json(names, tenant);
    return (await executed()) - before;
  };
  assert.deepEqual([await jobsFor('vp4'), await jobsFor('vp3')], [1, 2], 'one block of two');
  const rate = (hint: string) => `/api/metrics/query_range?${range}&q=${encodeURIComponent(`{} | rate() with(${hint})`)}`;
  const jobs = async (tenant: string, hint: string) => (await json(rate(hint), tenant)).metrics.totalJobs;
  assert.equal(await jobs('rowgroups', 'exemplars=1'), 2, 'a job for each block');
  assert.equal(await jobs('rowgroups', 'job_size=1'), 25, 'a job for each row group');
  assert.equal(await jobs('rowgroups|vp3', 'job_size=1'), 2, 'the joined id has the defaults, which do not allow it');
});

test('trace ids of a search have all their digits for tenants that want them', async (t) => {
  const { path } = overridesFile(t, 'overrides: {single-tenant: {read: {left_pad_trace_ids: true}}}');
  const lengths = async (app: TestApp) => {
    const { body } = await app.get(searchPath('{}', '&limit=1000'), { 'X-Scope-OrgID': 'single-tenant' });
    const { traces } = JSON.parse(String(body)) as { traces: { traceID: string }[] };
    return new Set(traces.map(({ traceID }) => traceID.length));
  };
  const plain = await lengths(await startTestApp(t));
  assert.ok(plain.size > 1, `only ids of ${[...plain]} digits`);
  assert.deepEqual(await lengths(await start(t, path)), new Set([32]));
});

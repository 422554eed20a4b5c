import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { systemClock } from '#engine/base/clock.ts';
import { startApp } from '../../../querier/app.ts';
import { parseFlags } from '../../../querier/config/flags.ts';
import { loadConfig } from '../../../querier/config/load.ts';
import { silentLogger } from '../../../querier/telemetry/log.ts';
import { configFile, configText, startTestApp } from '../querier/start.ts';
import { startMemcached } from './memcached-server.ts';

// Goal: a process with all caches answers the same, jobs answered from the cache never run, and what the operator sees says so.
// Method: the whole server over HTTP, blocks of the fixtures, a memcached of test code over a socket.

const headers = { 'X-Scope-OrgID': 'vp5' };
// Strictly around the blocks of the tenant.
const range = 'start=1768046000&end=1768053000';
const paths = [
  `/api/search?q=${encodeURIComponent('{ duration > 1ms }')}&limit=1000&${range}`,
  `/api/metrics/query_range?q=${encodeURIComponent('{ } | rate() by (resource.service.name)')}&step=60&${range}`,
  `/api/v2/search/tag/resource.service.name/values?q=${encodeURIComponent('{ status = error }')}&${range}`,
];

function cacheSection(address: string, roles: string) {
  return {
    caches: [{ roles: roles.split(' '), memcached: { addresses: address, timeout: '5s', circuit_breaker_consecutive_failures: 0 } }],
  };
}

async function start(t: TestContext, cache?: object, threads = 1) {
  const { get } = await startTestApp(t, { querier: { scan_threads: threads }, ...(cache !== undefined && { cache }) });
  const answer = async (path: string): Promise<string> => {
    const { status, body } = await get(path, headers);
    assert.equal(status, 200, body.toString());
    return body.toString();
  };
  const sample = async (pattern: RegExp): Promise<number> => {
    const text = (await get('/metrics')).body.toString();
    const lines = text.split('\n').filter((line) => pattern.test(line));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  };
  return { answer, sample };
}

/** Costs are those of this run. */
function comparable(text: string): string {
  return text.replace(/"(inspectedBytes|inspectedTraces|inspectedSpans)":"?\d+"?,?/g, '').replace(/,}/g, '}');
}

test('answers stay the same, and jobs answered from the cache never run', async (t) => {
  const server = await startMemcached();
  t.after(server.close);
  const plain = await start(t);
  const roles = 'bloom parquet-footer parquet-column-idx parquet-offset-idx parquet-page frontend-search';
  const cached = await start(t, cacheSection(server.endpoint, roles), 2);
  for (const path of paths) {
    const expected = comparable(await plain.answer(path));
    const ran = await cached.sample(/^rubato_querier_jobs_total/);
    assert.equal(comparable(await cached.answer(path)), expected, path);
    const ranThen = await cached.sample(/^rubato_querier_jobs_total/);
    const written = () => cached.sample(/^tempo_cache_background_queue_length/);
    while ((await written()) > 0) await systemClock.sleep(5);
    assert.equal(comparable(await cached.answer(path)), expected, path);
    assert.ok(ranThen >= ran, path);
    assert.equal(await cached.sample(/^rubato_querier_jobs_total/), ranThen, `${path}: no job has run`);
  }
  const kinds = [...server.values.keys()].map((key) => key.split(':')[0]);
  for (const kind of ['sj', 'qr', 'stv', 'vp5']) assert.ok(kinds.includes(kind), `${kind} among ${[...new Set(kinds)]}`);
  assert.ok((await cached.sample(/^rubato_cache_keys_total{.*result="hit"/)) >= 3);
  assert.ok((await cached.sample(/^tempo_memcache_request_duration_seconds_count{.*method="Memcache.Get",status_code="200"/)) >= 3);
  assert.equal(await cached.sample(/^tempo_memcache_client_servers/), 1);
});

test('a cache that is not there changes nothing', async (t) => {
  const plain = await start(t);
  const cached = await start(t, cacheSection('127.0.0.1:1', 'bloom parquet-footer parquet-page frontend-search'));
  for (const path of paths) assert.equal(await cached.answer(path), await plain.answer(path), path);
  assert.ok((await cached.sample(/^rubato_cache_keys_total{.*result="error"/)) > 0);
});

test('a role that is none is refused at start, not before', async (t) => {
  const path = configFile(t, configText({ cache: { caches: [{ roles: ['bogus'], redis: { endpoint: 'x' } }] } }));
  const { config } = await loadConfig(parseFlags([`-config.file=${path}`]), () => undefined);
  const starting = startApp({ config, logger: silentLogger, clock: systemClock, random: () => 0.5, env: {} });
  await assert.rejects(starting, { code: 'config', message: 'invalid cache config: role bogus is not a valid role' });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePorts, startFrontend, startQuerier } from '../../../infra/local/separate.ts';
import { localStorage } from '../../../infra/local/server.ts';
import { blocksPath } from '../querier/start.ts';
import { startMemcached } from './memcached-server.ts';

// Goal: a job that the frontend's cache answers needs no querier.
// Method: a frontend and a querier as processes; the querier does not serve jobs any more when the query comes again.

const path = `/api/search?q=${encodeURIComponent('{ duration > 1ms }')}&limit=1000&start=1768046000&end=1768053000`;

test('what the cache has is answered while no querier takes jobs', async (t) => {
  const memcached = await startMemcached();
  t.after(memcached.close);
  const options = { storage: localStorage(blocksPath), multitenancy: true };
  const frontend = await startFrontend('frontend', options, await freePorts(), (config) => {
    const caches = [{ roles: ['frontend-search'], memcached: { addresses: memcached.endpoint, timeout: '5s' } }];
    config.cache = { caches };
  });
  t.after(() => frontend.stop());
  const querier = await startQuerier('querier', options, [frontend.grpcPort], await freePorts());
  let stopped = false;
  t.after(async () => {
    if (!stopped) await querier.stop();
  });
  const ask = async (query: string) => {
    const response = await fetch(frontend.url + query, { headers: { 'X-Scope-OrgID': 'vp5' }, signal: AbortSignal.timeout(60_000) });
    const body = (await response.json()) as { readonly traces: readonly unknown[]; readonly metrics: Readonly<Record<string, unknown>> };
    assert.equal(response.status, 200);
    return body;
  };
  const first = await ask(path);
  assert.ok(first.traces.length > 10);
  const jobs = Number(first.metrics.completedJobs);
  while (memcached.values.size < jobs) await new Promise((resolve) => setTimeout(resolve, 5));
  for (const key of memcached.values.keys()) assert.match(key, /^sj:vp5:\d+:[0-9a-f-]{36}:0:\d+$/);

  await querier.stop();
  stopped = true;
  const again = await ask(path);
  assert.deepEqual(again.traces, first.traces);
  assert.equal(Number(again.metrics.completedJobs), jobs);
  assert.equal(Number(again.metrics.inspectedBytes ?? 0), 0);
});

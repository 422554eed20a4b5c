// A short share of the soak (npm run soak:processes), and queries of several tenants at once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startSeparate } from '../../../infra/local/separate.ts';
import { localStorage } from '../../../infra/local/server.ts';
import { recordedBlocks } from '../../conformance/cases.ts';
import { createRandom } from '../../simulation/random.ts';
import { soak } from '../../soak/soak.ts';

const server = { storage: localStorage(recordedBlocks), multitenancy: true };

test('queriers die and are restarted under load: no answer is wrong, none is lost', async (t) => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  t.diagnostic(`seed ${seed}`);
  const log = (line: string) => t.diagnostic(line);
  const result = await soak({
    server,
    seconds: 8,
    frontends: 1,
    queriers: 3,
    clients: 3,
    disturbEveryMs: 2500,
    random: createRandom(seed),
    log,
  });
  assert.deepEqual([result.wrong, result.failed, result.lostWithFrontend], [[], [], 0]);
  assert.ok(result.kills > 0 && result.queries > 20, JSON.stringify(result));
});

test('a query of two tenants has the answers of both, in a queue of its own', async () => {
  const system = await startSeparate(server, 1);
  try {
    const ask = async (tenant: string, path: string) => {
      const response = await fetch(system.url + path, { headers: { 'X-Scope-OrgID': tenant } });
      assert.equal(response.status, 200);
      return (await response.json()) as { traces: { traceID: string }[]; scopes: { tags: string[] }[] };
    };
    const search = '/api/search?q=%7B%7D&start=1768040000&end=1768055000&limit=5000';
    const ids = async (tenant: string) => (await ask(tenant, search)).traces.map(({ traceID }) => traceID);
    const [one, other] = [await ids('vp4'), await ids('edge')];
    assert.ok(one.length > 0 && other.length > 0);
    assert.deepEqual((await ids('edge|vp4')).sort(), [...new Set([...one, ...other])].sort());
    const tags = '/api/v2/search/tags?start=1768040000&end=1768055000&scope=resource';
    const names = async (tenant: string) => (await ask(tenant, tags)).scopes.flatMap((scope) => scope.tags);
    assert.deepEqual(await names('edge|vp4'), [...new Set([...(await names('vp4')), ...(await names('edge'))])].sort());
    const metrics = await (await fetch(`${system.url}/metrics`)).text();
    assert.match(metrics, /^tempo_query_frontend_batch_weight_count\{user="edge\|vp4"\} \d+$/m);
  } finally {
    await system.stop();
  }
});

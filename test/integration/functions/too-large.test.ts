// Jobs whose answer is larger than a platform lets through: they are cut, never failed, and never run in the querier.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, type TestContext, test } from 'node:test';
import { systemClock } from '#engine/base/clock.ts';
import { heavyStartSeconds, writeHeavyBlocks } from '../../local-lambda/heavy-blocks.ts';
import { buildLambdaZip, caller, type LocalLambda, startLocalLambda } from '../../local-lambda/start.ts';
import { blocksPath } from '../jobs/sample-jobs.ts';
import { startTestApp, type TestApp } from '../querier/start.ts';

/** Three of its row groups fit through a load balancer, of a search one: that has each span twice (`spanSet`, `spanSets`). */
const medium = { tenant: 'medium', blockId: '00000000-0000-4000-8000-00000000000a', rowGroups: 8, blobBytes: 300_000, nameBytes: 250_000 };
/** Two of its row groups fit through Invoke, of a search one. */
const large = {
  tenant: 'large',
  blockId: '00000000-0000-4000-8000-00000000000b',
  rowGroups: 3,
  blobBytes: 2_250_000,
  nameBytes: 2_250_000,
};
/** Neither of its row groups fits through Invoke. */
const odd = { tenant: 'odd', blockId: '00000000-0000-4000-8000-00000000000c', rowGroups: 2, blobBytes: 7_000_000 };

let remove = () => {};
let blocks: string;
let lambda: LocalLambda;
before(async () => {
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: caller.accessKeyId,
    AWS_SECRET_ACCESS_KEY: caller.secretAccessKey,
    AWS_REGION: 'us-east-1',
  });
  const zip = await buildLambdaZip();
  remove = zip.remove;
  blocks = writeHeavyBlocks([medium, large, odd], blocksPath, []);
  lambda = await startLocalLambda(zip.zipPath, blocks);
});
after(async () => {
  await lambda?.stop();
  remove();
  rmSync(blocks, { recursive: true, force: true });
});

interface Settings {
  readonly query_timeout?: string;
  readonly fall_back_to_self?: boolean;
}

/** A server whose jobs, one for each block, all go to the pool; none comes back. Without a pool all run in it. */
function start(t: TestContext, pool?: object, { query_timeout = '30s', ...external }: Settings = {}): Promise<TestApp> {
  return startTestApp(t, {
    query_frontend: {
      query_end_cutoff: '0s',
      max_retries: 1,
      search: { query_backend_after: '0s', max_duration: '0s', default_result_limit: 100, max_result_limit: 0 },
      metrics: { max_duration: '0s', query_backend_after: '0s' },
    },
    overrides: { defaults: { read: { max_bytes_per_tag_values_query: 0 } } },
    querier: {
      search: { prefer_self: pool === undefined ? 100 : 0, query_timeout },
      external: pool === undefined ? {} : { pools: [pool], fall_back_to_self: false, hedging: 'off', ...external },
    },
    storage: { trace: { backend: 'local', local: { path: blocks }, blocklist_poll: '1h' } },
  });
}

const range = `start=${heavyStartSeconds - 100}&end=${heavyStartSeconds + 1000}`;
const search = `/api/search?q=${encodeURIComponent('{ .blob != "" } | select(.blob)')}&${range}&limit=50`;
const metrics = (endpoint: string) =>
  `/api/metrics/${endpoint}?q=${encodeURIComponent('{ } | count_over_time() by (span.blob)')}&${range}&step=100s&exemplars=0`;
const names = `/api/v2/search/tags?${range}`;
const values = `/api/v2/search/tag/span.blob/values?${range}`;

async function ask({ get }: TestApp, tenant: string, path: string): Promise<{ readonly text: string; readonly calls: number }> {
  const { status, headers, body } = await get(path, { 'X-Scope-OrgID': tenant });
  const text = body.toString();
  assert.equal(status, 200, text.slice(0, 300));
  const calls = /calls=(\d+)/.exec(String(headers['x-rubato-cost']));
  // What was read depends on how often footers were.
  return { text: text.replace(/,?"metrics":\{[^}]*\}/, ''), calls: Number(calls?.[1] ?? 0) };
}

/** Compares an answer with that of a server without functions; the calls that were made for it. */
async function callsOf(app: TestApp, alone: TestApp, tenant: string, path: string): Promise<number> {
  const [expected, { text, calls }] = await Promise.all([ask(alone, tenant, path), ask(app, tenant, path)]);
  assert.ok(text === expected.text, `${path} of ${tenant}: another answer than in-process`);
  return calls;
}

async function placesOf({ get }: TestApp): Promise<readonly string[]> {
  const jobs = JSON.parse((await get('/status/jobs')).body.toString()) as readonly { readonly where: string }[];
  return [...new Set(jobs.map(({ where }) => where))];
}

test('6 MB by Invoke and 1 MB through a load balancer: jobs of every kind are answered in parts', async (t) => {
  const alone = await start(t);
  const paths = { search, query_range: metrics('query_range'), query: metrics('query'), names, values };
  // Halves of one half may learn from those of the other, which are further: then two calls less.
  const down = [13, 15];
  const invoke = { name: 'invoke', endpoints: ['lambda:search'], lambda_api: lambda.api.url };
  const alb = { name: 'alb', endpoints: [lambda.loadBalancer.url] };
  const ways = [
    { tenant: large.tenant, pool: invoke, calls: { search: [5], query_range: [5], query: [3], names: [3], values: [3] }, leaves: 3 },
    { tenant: medium.tenant, pool: alb, calls: { search: down, query_range: down, query: [7], names: [3], values: [7] }, leaves: 8 },
  ];
  for (const { tenant, pool, calls, leaves } of ways) {
    const app = await start(t, pool);
    for (const kind of ['search', 'query_range', 'query', 'names', 'values'] as const) {
      const made = await callsOf(app, alone, tenant, paths[kind]);
      assert.ok(calls[kind].includes(made), `${pool.name} ${kind}: ${made} calls`);
    }
    assert.deepEqual(await placesOf(app), ['external']);
    const told = (await app.get('/metrics')).body.toString();
    assert.match(told, /^rubato_querier_jobs_cut_total\{kind="search"\} [1-9]/m);
    assert.doesNotMatch(told, /^rubato_querier_jobs_came_back_total\{.*\} [1-9]/m);
    assert.equal(await callsOf(app, alone, tenant, search), leaves, 'by now it is known what is too large');
  }
});

test('row groups that are too large alone come back one by one or fail, as it is configured', async (t) => {
  const alone = await start(t);
  const pool = { name: 'invoke', endpoints: ['lambda:search'], lambda_api: lambda.api.url };
  const app = await start(t, pool, { fall_back_to_self: true });
  assert.equal(await callsOf(app, alone, odd.tenant, values), 3);
  const told = /^rubato_querier_jobs_came_back_total.*$/m.exec((await app.get('/metrics')).body.toString());
  assert.equal(told?.[0], 'rubato_querier_jobs_came_back_total{kind="tag-values",reason="too_large"} 2');
  const strict = await start(t, pool);
  const { status, body } = await strict.get(values, { 'X-Scope-OrgID': odd.tenant });
  assert.deepEqual([status, /more than the platform lets through/.test(body.toString())], [500, true], body.toString());
});

interface TempoFront {
  readonly url: string;
  /** `startPage+pagesToSearch` of the requests so far. */
  readonly asked: string[];
  readonly left: () => number;
}

/**
 * A function that knows Tempo's protocol only, behind a load balancer: ours, without its calls. Where an answer is too large it says so, or the balancer answers 502 as it does for a
 * function that does not know the limit. Requests for at most `heldPages` row groups get no answer.
 */
async function startTempoFront(t: TestContext, { saysSo = true, heldPages = 0 } = {}): Promise<TempoFront> {
  const asked: string[] = [];
  let left = 0;
  const server = createServer(async (request, response) => {
    if (request.method !== 'GET') return void response.writeHead(400).end('serverless [parsing search request]: start and end required');
    const { searchParams } = new URL(request.url ?? '', 'http://front');
    asked.push(`${searchParams.get('startPage')}+${searchParams.get('pagesToSearch')}`);
    response.on('close', () => {
      if (!response.writableEnded) left++;
    });
    if (Number(searchParams.get('pagesToSearch')) <= heldPages) return;
    const headers = { 'X-Scope-OrgID': String(request.headers['x-scope-orgid']) };
    const answer = await fetch(`${lambda.loadBalancer.url}${request.url}`, { headers });
    const body = Buffer.from(await answer.arrayBuffer());
    if (answer.status === 413 && !saysSo) return void response.writeHead(502, { Server: 'awselb/2.0' }).end('<html></html>');
    response.writeHead(answer.status).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, left: () => left };
}

const singles = ['0+1', '1+1', '2+1', '3+1', '4+1', '5+1', '6+1', '7+1'];

test('searches of Tempo’s protocol are cut, too; where a load balancer does not say why there is no answer, each is tried twice', async (t) => {
  const alone = await start(t);
  for (const saysSo of [true, false]) {
    const front = await startTempoFront(t, { saysSo });
    const app = await start(t, { name: 'tempo', endpoints: [front.url] });
    // As text one row group fits, since a search has each span twice.
    assert.ok((await callsOf(app, alone, medium.tenant, search)) <= (saysSo ? 15 : 7 * 2 + 8));
    const times = (part: string) => front.asked.filter((one) => one === part).length;
    assert.deepEqual(singles.map(times), Array(8).fill(1));
    assert.deepEqual(['0+8', '0+4', '4+4'].map(times), Array(3).fill(saysSo ? 1 : 2));
    assert.deepEqual(await placesOf(app), ['external']);
    front.asked.length = 0;
    assert.equal(await callsOf(app, alone, medium.tenant, search), 8, 'remembered');
    assert.deepEqual(front.asked.sort(), singles);
  }
});

test('a client that leaves and a deadline end the parts that run, and no other starts', async (t) => {
  const front = await startTempoFront(t, { heldPages: 4 });
  const app = await start(t, { name: 'tempo', endpoints: [front.url] });
  const until = async (holds: () => boolean) => {
    for (let waited = 0; !holds() && waited < 20_000; waited += 10) await systemClock.sleep(10);
    assert.ok(holds());
  };
  const leave = new AbortController();
  const headers = { 'X-Scope-OrgID': medium.tenant };
  const leaving = fetch(`http://127.0.0.1:${app.app.port}${search}`, { headers, signal: leave.signal }).catch((error: Error) => error.name);
  await until(() => front.asked.length === 3);
  leave.abort();
  assert.equal(await leaving, 'AbortError');
  await until(() => front.left() === 2);
  const hurried = await start(t, { name: 'tempo', endpoints: [front.url] }, { query_timeout: '3s' });
  const { status, body } = await hurried.get(search, headers);
  assert.deepEqual([status, body.toString().trim()], [504, 'context deadline exceeded']);
  await until(() => front.left() === 4);
  assert.deepEqual(front.asked, ['0+8', '0+4', '4+4', '0+8', '0+4', '4+4']);
});

import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { callTypes } from '#engine/api/function-call.ts';
import { systemClock } from '#engine/base/clock.ts';
import { searchPath, startTestApp } from './start.ts';

const vp4 = { 'X-Scope-OrgID': 'vp4' };
const producers = searchPath('{ kind = producer }');
const found =
  '{"traces":[{"traceID":"abc","rootServiceName":"s","startTimeUnixNano":"1768046500000000000"}],"metrics":{"inspectedBytes":"7"}}';

/** A function endpoint that behaves as told; keeps what it was asked and which requests the caller gave up. */
async function startFunction(t: TestContext, behave: (response: ServerResponse, call: number, request: IncomingMessage) => void) {
  const seen: { readonly url: string; readonly headers: IncomingMessage['headers'] }[] = [];
  let abandoned = 0;
  const server = createServer((request, response) => {
    response.on('close', () => {
      if (!response.writableFinished) abandoned++;
    });
    // What a function of Tempo's says to the question what it is.
    if (request.headers['content-type'] === callTypes.version) {
      response.writeHead(400, { Connection: 'close' }).end('serverless [parsing search request]: start and end required');
      return;
    }
    seen.push({ url: request.url ?? '', headers: request.headers });
    behave(response, seen.length, request);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, seen, abandoned: () => abandoned };
}

/** Sections that send every job out. One block per tenant and one attempt unless said otherwise. */
function spill(endpoints: readonly string[], search: Readonly<Record<string, unknown>> = {}, maxRetries = 1) {
  return {
    query_frontend: { max_retries: maxRetries, query_end_cutoff: '0s', search: { query_backend_after: '0s', max_duration: '0s' } },
    querier: {
      search: { prefer_self: 0, external_endpoints: endpoints, external_hedge_requests_at: '0s', ...search },
      external: { fall_back_to_self: false },
    },
  };
}

const edge = { 'X-Scope-OrgID': 'edge' };
const hang = () => {};

test('a job goes out as tempo-serverless is asked, and its answer counts', async (t) => {
  const fn = await startFunction(t, (response) => response.setHeader('Content-Encoding', 'gzip').end(gzipSync(found)));
  const { get } = await startTestApp(t, spill([`${fn.url}/deep/path?dropped=1`]));
  const answer = await get(producers, vp4);
  assert.equal(answer.status, 200);
  const body = JSON.parse(answer.body.toString());
  assert.equal(body.traces[0].traceID, 'abc');
  assert.equal(body.metrics.inspectedBytes, '14');
  assert.equal(fn.seen.length, 2);
  const newest = fn.seen.find(({ url }) => url.includes('7d000000'))!;
  assert.equal(
    newest.url,
    '/deep/path?start=1768046400&end=1768050000&limit=20&spss=3&q=%7B+kind+%3D+producer+%7D&blockID=7d000000-4000-4000-8000-00000000000c' +
      '&pagesToSearch=1&size=111541&startPage=0&encoding=none&indexPageSize=0&totalRecords=1&version=vParquet4' +
      '&footerSize=18420&maxBytes=5000000',
  );
  assert.equal(newest.headers['x-scope-orgid'], 'vp4');
  const jobs = JSON.parse((await get('/status/jobs')).body.toString()) as { where: string; endpoint: string; matched: number }[];
  assert.deepEqual(
    jobs.map(({ where, endpoint, matched }) => [where, endpoint, matched]),
    [
      ['external', `${fn.url}/deep/path?dropped=1`, 1],
      ['external', `${fn.url}/deep/path?dropped=1`, 1],
    ],
  );
  const protobuf = await get(producers, { ...vp4, Accept: 'application/protobuf' });
  assert.ok(protobuf.body.includes('abc'));
});

test('failures that do not fall back have the texts of a Tempo querier', async (t) => {
  const cases: readonly (readonly [(response: ServerResponse) => void, RegExp])[] = [
    [
      (response) => response.writeHead(500).end('serverless [loading backend]: no\n'),
      /^external endpoint returned 500, serverless \[loading backend\]: no\n$/,
    ],
    [(response) => response.writeHead(400).end('bad'), /^external endpoint returned 400, bad\n$/],
    [
      (response) => response.end('{"tracez":[]}'),
      /^external endpoint failed to unmarshal body: \{"tracez":\[\]\}: .*unknown field "tracez" in tempopb\.SearchResponse\n$/,
    ],
    [(response) => response.end(''), /^external endpoint failed to unmarshal body: : /],
    [(response) => response.end('<html>'), /^external endpoint failed to unmarshal body: <html>: /],
    [(response) => response.destroy(), /^external endpoint failed to call http: http:\/\/127\.0\.0\.1:\d+, socket hang up\n$/],
    [
      (response) => void response.writeHead(200, { 'Content-Length': '10' }).write('abc', () => response.destroy()),
      /^external endpoint failed to read body: /,
    ],
    [(response) => response.setHeader('Content-Encoding', 'gzip').end('abc'), /^external endpoint failed to read body: /],
  ];
  for (const [behave, text] of cases) {
    const fn = await startFunction(t, (response) => behave(response));
    const { get } = await startTestApp(t, spill([fn.url]));
    const answer = await get(producers, edge);
    assert.match(answer.body.toString(), text);
    assert.ok(answer.status >= 500, `${answer.status}`);
    assert.equal(fn.seen.length, 4, 'tried again while the breaker is closed');
  }
  const refused = await startTestApp(t, spill(['http://127.0.0.1:1']));
  assert.match(
    (await refused.get(producers, edge)).body.toString(),
    /^external endpoint failed to call http: .*ECONNREFUSED 127\.0\.0\.1:1\n$/,
  );
});

test('hedges go to the other endpoint, the first answer counts, the loser is cut', async (t) => {
  const slow = await startFunction(t, hang);
  const fast = await startFunction(t, (response) => response.end(found));
  const { get } = await startTestApp(
    t,
    spill([slow.url, fast.url], { external_hedge_requests_at: '30ms', external_hedge_requests_up_to: 2 }),
    {
      random: () => 0,
    },
  );
  assert.equal((await get(producers, edge)).status, 200);
  assert.deepEqual([slow.seen.length, fast.seen.length], [1, 1]);
  await systemClock.sleep(20);
  assert.equal(slow.abandoned(), 1);
  const metrics = (await get('/metrics')).body.toString();
  assert.match(metrics, /^tempo_querier_external_endpoint_hedged_roundtrips_total 1$/m);
  assert.match(metrics, /^rubato_querier_external_endpoint_hedges_won_total 1$/m);
  assert.match(metrics, /^tempo_feature_enabled\{feature="search_external_endpoints"\} 1$/m);
  const [job] = JSON.parse((await get('/status/jobs')).body.toString()) as { endpoint: string; hedges: number }[];
  assert.deepEqual([job!.endpoint, job!.hedges], [fast.url, 1]);
});

test('a failure of any kind starts the next call at once, at another endpoint', async (t) => {
  const broken = await startFunction(t, (response) => response.destroy());
  const fine = await startFunction(t, (response) => response.end(found));
  const hedged = { external_hedge_requests_at: '20s', external_hedge_requests_up_to: 2 };
  const first = await startTestApp(t, spill([broken.url, fine.url], hedged), { random: () => 0 });
  assert.equal((await first.get(producers, edge)).status, 200);
  assert.deepEqual([broken.seen.length, fine.seen.length], [1, 1]);
  const failing = await startFunction(t, (response) => response.writeHead(500).end('no'));
  const second = await startTestApp(t, spill([failing.url, fine.url], hedged), { random: () => 0 });
  assert.equal((await second.get(producers, edge)).status, 200);
  assert.deepEqual([failing.seen.length, fine.seen.length], [1, 2]);
});

test('what no function answers is answered here, and nobody is asked while the breaker is open', async (t) => {
  const failing = await startFunction(t, (response) => response.writeHead(500).end('no'));
  const { querier, query_frontend } = spill([failing.url]);
  const { get } = await startTestApp(t, { query_frontend, querier: { search: querier.search } });
  const alone = await startTestApp(t, { query_frontend });
  const ids = (answer: { readonly body: Buffer }) =>
    (JSON.parse(answer.body.toString()) as { traces: { traceID: string }[] }).traces.map(({ traceID }) => traceID);
  const all = searchPath('{ kind = producer }', '&limit=1000');
  const expected = ids(await alone.get(all, vp4));
  for (let round = 0; round < 4; round++) assert.deepEqual(ids(await get(all, vp4)), expected);
  assert.ok(failing.seen.length <= 9, `${failing.seen.length} calls of an endpoint that is down`);
  const metrics = (await get('/metrics')).body.toString();
  assert.match(metrics, /^rubato_querier_external_endpoint_breaker_open\{endpoint="[^"]+"\} 1$/m);
  assert.match(metrics, /^rubato_querier_jobs_came_back_total\{kind="search",reason="server_error"\} \d/m);
});

test('an endpoint that never answers is given up after query_timeout, or when the client goes', async (t) => {
  const fn = await startFunction(t, hang);
  const { get } = await startTestApp(t, spill([fn.url], { query_timeout: '60ms' }));
  const answer = await get(producers, edge);
  assert.equal(answer.status, 504);
  assert.match(answer.body.toString(), /context deadline exceeded\n$/);
  await systemClock.sleep(20);
  assert.equal(fn.abandoned(), 1);
});

test('the limit cuts calls that are still under way', async (t) => {
  const fn = await startFunction(t, (response, call) => {
    if (call === 1) response.end(found);
  });
  const { get } = await startTestApp(t, spill([fn.url]));
  const answer = await get(searchPath('{ kind = producer }', '&limit=1'), vp4);
  assert.equal(answer.status, 200);
  await systemClock.sleep(20);
  assert.deepEqual([fn.seen.length, fn.abandoned()], [2, 1]);
});

test('prefer_self keeps jobs here while it has room', async (t) => {
  const fn = await startFunction(t, (response) => response.end('{"metrics":{}}'));
  const { querier, query_frontend } = spill([fn.url], { prefer_self: 1 });
  const { get } = await startTestApp(t, { querier, query_frontend });
  assert.equal((await get(producers, vp4)).status, 200);
  const jobs = JSON.parse((await get('/status/jobs')).body.toString()) as { where: string }[];
  assert.deepEqual(jobs.map(({ where }) => where).sort(), ['external', 'self']);
  assert.equal(fn.seen.length, 1);
});

test('an idle connection that the endpoint has closed is no failure', async (t) => {
  const fn = await startFunction(t, (response) => {
    response.end(found);
    response.socket!.setTimeout(15, () => response.socket?.destroy());
  });
  const { get } = await startTestApp(t, spill([fn.url]));
  for (let round = 0; round < 10; round++) {
    assert.equal((await get(producers, edge)).status, 200);
    await systemClock.sleep(14 + (round % 3));
  }
});

/** The function above, as if Lambda ran it. */
function priced(url: string, limits: Readonly<Record<string, unknown>> = {}) {
  const { query_frontend } = spill([]);
  const pools = [{ name: 'arm', endpoints: [url], platform: 'lambda-arm64', memory_mb: 1024 }];
  return { query_frontend, querier: { search: { prefer_self: 0 }, external: { pools } }, overrides: { defaults: { read: limits } } };
}

test('a query says what its calls of functions cost: header and metrics, not the body', async (t) => {
  const fn = await startFunction(t, (response) => response.end(found));
  const { get } = await startTestApp(t, priced(fn.url));
  const answer = await get(producers, vp4);
  assert.equal(answer.status, 200);
  const cost = String(answer.headers['x-rubato-cost']);
  assert.match(cost, /^calls=2; hedges=0; hedge_wins=0; cancelled=0; failed=0; cold_starts=0; billed_ms=[\d.]+; .*; usd=0\.0000\d+$/);
  assert.equal((await get('/api/echo')).headers['x-rubato-cost'], undefined);
  const metrics = (await get('/metrics')).body.toString();
  assert.match(metrics, /^rubato_querier_external_calls_total\{tenant="vp4"\} 2$/m);
  assert.match(metrics, /^rubato_querier_external_cost_dollars_total\{tenant="vp4"\} [\d.e-]+$/m);
  const explained = JSON.parse((await get(producers.replace('/api/search', '/api/explain'), vp4)).body.toString()) as {
    readonly functions: { readonly calls: number; readonly usd: number };
  };
  assert.ok(explained.functions.calls >= 1 && explained.functions.usd > 0);
});

test('caps of tenants end queries with an error that says so', async (t) => {
  const fn = await startFunction(t, (response) => response.end(found));
  const bytes = await startTestApp(t, priced(fn.url, { max_bytes_per_query: 1000 }));
  const refused = await bytes.get(producers, vp4);
  assert.equal(refused.status, 422);
  assert.match(refused.body.toString(), /^the query covers more than .* \(read\.max_bytes_per_query\): narrow the time range/);
  const dollars = await startTestApp(t, priced(fn.url, { max_cost_per_hour: 0.0000001 }));
  assert.equal((await dollars.get(producers, edge)).status, 200);
  const later = await dollars.get(producers, edge);
  assert.equal(later.status, 429);
  assert.match(later.body.toString(), /read\.max_cost_per_hour/);
});

// Jobs over recent data go to live-stores over tempopb.Querier and tempopb.Metrics: two of them here, on nothing but node:http2.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { freePort } from '../../../infra/local/processes.ts';
import { freePorts, type SeparateProcess, startFrontend, startQuerier } from '../../../infra/local/separate.ts';
import { localStorage } from '../../../infra/local/server.ts';
import { recordedBlocks } from '../../conformance/cases.ts';
import { all, fields, grpcFrame, message, messageSplitter, number } from './raw-peer.ts';

interface LiveStore {
  readonly address: string;
  readonly calls: { readonly path: string; readonly tenant: unknown; readonly request: Buffer }[];
  readonly close: () => void;
}

/** Answers each method with the same message; an Error becomes a status. */
async function startLiveStore(answers: Readonly<Record<string, Buffer | Error>>): Promise<LiveStore> {
  const server = http2.createServer();
  const sessions = new Set<http2.ServerHttp2Session>();
  const calls: LiveStore['calls'] = [];
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream, headers) => {
    const path = String(headers[':path']);
    const answer = answers[path] ?? new Error(`unknown method ${path}`);
    const failed = answer instanceof Error;
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () =>
      stream.sendTrailers(failed ? { 'grpc-status': '2', 'grpc-message': answer.message } : { 'grpc-status': '0' }),
    );
    stream.on(
      'data',
      messageSplitter(({ content }) => {
        calls.push({ path, tenant: headers['x-scope-orgid'], request: content });
        if (failed) stream.end();
        else stream.end(grpcFrame(answer));
      }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.close();
    for (const session of sessions) session.destroy();
  };
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, calls, close };
}

const trace = (id: string, startSeconds: bigint) => message([1, id], [2, 'shop'], [4, startSeconds * 1_000_000_000n]);
const text = (value: string) => message([1, value]);

function double(value: number): Buffer {
  const bytes = Buffer.alloc(9, 0x09);
  bytes.writeDoubleLE(value, 1);
  return bytes;
}

function series(service: string, ...samples: readonly (readonly [value: number, timeMs: bigint])[]): Buffer {
  const label = message([1, message([1, 'resource.service.name'], [2, text(service)])]);
  return Buffer.concat([label, ...samples.map(([value, timeMs]) => message([2, Buffer.concat([double(value), message([2, timeMs])])]))]);
}

function oneSpan(spanId: string): Buffer {
  const span = message([1, Buffer.from('0f'.repeat(16), 'hex')], [2, Buffer.from(spanId, 'hex')], [5, spanId]);
  const resourceSpans = message([1, Buffer.alloc(0)], [2, message([1, Buffer.alloc(0)], [2, span])]);
  return message([1, message([1, resourceSpans])], [2, message([1, 5n])]);
}

const querierPath = (method: string) => `/tempopb.Querier/${method}`;

describe('a querier with two live-stores', () => {
  let stores: readonly LiveStore[];
  let frontend: SeparateProcess;
  let querier: SeparateProcess;
  before(async () => {
    stores = await Promise.all([
      startLiveStore({
        [querierPath('SearchRecent')]: message([1, trace('aa', 100n)], [1, trace('bb', 200n)], [2, message([1, 3n])]),
        [querierPath('SearchTagsV2')]: message([1, message([1, 'span'], [2, 'one'], [2, 'both'])], [2, message([1, 7n])]),
        [querierPath('SearchTagValuesV2')]: message([1, message([1, 'string'], [2, 'x'])]),
        [querierPath('FindTraceByID')]: oneSpan('0000000000000001'),
        '/tempopb.Metrics/QueryRange': message([1, series('shop', [0.5, 60_000n], [1, 120_000n])]),
      }),
      startLiveStore({
        [querierPath('SearchRecent')]: message([1, trace('cc', 150n)], [2, message([1, 4n])]),
        [querierPath('SearchTagsV2')]: message([1, message([1, 'resource'], [2, 'two'])], [1, message([1, 'span'], [2, 'both'])]),
        [querierPath('SearchTagValuesV2')]: message([1, message([1, 'string'], [2, 'x'])], [1, message([1, 'int'], [2, '5'])]),
        [querierPath('FindTraceByID')]: oneSpan('0000000000000002'),
        '/tempopb.Metrics/QueryRange': message([1, series('shop', [0.5, 120_000n])], [1, series('cart', [2, 60_000n])]),
      }),
    ]);
    const options = { storage: localStorage(recordedBlocks), multitenancy: true };
    const recent = { addresses: stores.map(({ address }) => address) };
    frontend = await startFrontend('frontend', options, await freePorts(), (config) => {
      const { search } = config.query_frontend as { search: object };
      config.query_frontend = {
        ...config.query_frontend,
        search: { ...search, query_backend_after: '15m' },
        metrics: { query_backend_after: '15m' },
      };
      config.querier = { recent };
    });
    querier = await startQuerier('recent', options, [frontend.grpcPort], await freePorts(), (config) => {
      config.querier = { ...config.querier, recent };
    });
    while ((await fetch(`${frontend.url}/ready`)).status !== 200);
  });
  after(async () => {
    for (const store of stores ?? []) store.close();
    await querier?.stop();
    await frontend?.stop();
  });

  const get = async (path: string) => {
    const response = await fetch(`${querier.url}/querier${path}`, { headers: { 'X-Scope-OrgID': 'vp4' } });
    const body = await response.text();
    return { status: response.status, json: response.status === 200 ? (JSON.parse(body) as Record<string, unknown>) : undefined, body };
  };
  const last = (index: number) => stores[index]!.calls.at(-1)!;

  test('a search without blockID asks all of them and puts the answers together', async () => {
    const { json } = await get('/api/search?q=%7B%20name%20%3D%20%22a%22%20%7D&start=10&end=300&limit=2&spss=1');
    const { traces, metrics } = json as { traces: { traceID: string }[]; metrics: { inspectedTraces: number } };
    assert.deepEqual([traces.map(({ traceID }) => traceID), metrics.inspectedTraces], [['bb', 'cc'], 7]);
    for (const index of [0, 1]) {
      const { path, tenant, request } = last(index);
      assert.deepEqual([path, tenant], ['/tempopb.Querier/SearchRecent', 'vp4']);
      assert.equal(String(all(request, 8)[0]), '{ name = "a" }');
      assert.deepEqual(
        [4, 5, 6, 9].map((field) => number(request, field)),
        [2n, 10n, 300n, 1n],
      );
    }
  });

  test('names and values of tags', async () => {
    const names = (await get('/api/v2/search/tags?start=10&end=300&scope=span&q=%7B%7D')).json as {
      scopes: { name: string; tags: string[] }[];
    };
    assert.deepEqual(names.scopes, [
      { name: 'resource', tags: ['two'] },
      { name: 'span', tags: ['both', 'one'] },
    ]);
    assert.deepEqual([String(all(last(0).request, 1)[0]), number(last(0).request, 3)], ['span', 10n]);
    assert.deepEqual(((await get('/api/search/tags?start=10&end=300')).json as { tagNames: string[] }).tagNames, ['both', 'one', 'two']);
    const values = (await get('/api/v2/search/tag/span.a%2Fb/values?start=10&end=300')).json as { tagValues: unknown };
    assert.deepEqual(values.tagValues, [
      { type: 'string', value: 'x' },
      { type: 'int', value: '5' },
    ]);
    assert.equal(String(all(last(1).request, 1)[0]), 'span.a/b');
  });

  test('a trace lookup with mode ingesters; one with mode blocks stays here', async () => {
    const { json } = await get(`/api/v2/traces/${'0f'.repeat(16)}?mode=ingesters`);
    const { resourceSpans } = json!.trace as { resourceSpans: { scopeSpans: { spans: { name: string }[] }[] }[] };
    assert.deepEqual(resourceSpans.map(({ scopeSpans }) => scopeSpans[0]!.spans[0]!.name).sort(), ['0000000000000001', '0000000000000002']);
    assert.deepEqual(
      fields(last(0).request).map(([field]) => field),
      [1, 5, 6],
    );
    const before = stores[0]!.calls.length;
    assert.equal((await get(`/api/v2/traces/${'0f'.repeat(16)}?mode=blocks`)).status, 200);
    assert.equal(stores[0]!.calls.length, before);
  });

  test('metrics with mode recent add up', async () => {
    const q = encodeURIComponent('{ } | rate() by (resource.service.name)');
    const { json } = await get(`/api/metrics/query_range?q=${q}&start=${0}&end=180000000000&step=1m&mode=recent`);
    const found = (json!.series as { labels: { value: { stringValue: string } }[]; samples: { value?: number }[] }[]).map(
      ({ labels, samples }) => [labels[0]!.value.stringValue, samples.map(({ value = 0 }) => value)],
    );
    assert.deepEqual(Object.fromEntries(found as [string, number[]][]), { shop: [0.5, 1.5, 0], cart: [2, 0, 0] });
    assert.deepEqual([number(last(0).request, 4), String(all(last(0).request, 7)[0])], [60_000_000_000n, 'recent']);
  });

  test('a frontend plans jobs over recent data, which queriers pass on', async () => {
    const now = Math.floor(Date.now() / 1000);
    const range = `start=${now - 600}&end=${now}`;
    const ask = async (path: string) => {
      const response = await fetch(frontend.url + path, { headers: { 'X-Scope-OrgID': 'vp4' } });
      assert.equal(response.status, 200);
      return (await response.json()) as Record<string, unknown>;
    };
    const before = stores[0]!.calls.length;
    const found = (await ask(`/api/search?q=%7B%7D&${range}&limit=10`)) as {
      traces: { traceID: string }[];
      metrics: Record<string, number>;
    };
    assert.deepEqual(
      found.traces.map(({ traceID }) => traceID),
      ['bb', 'cc', 'aa'],
    );
    assert.deepEqual([found.metrics.totalJobs, found.metrics.completedJobs], [3, 3], 'ingester_shards pieces');
    const pieces = stores[0]!.calls.slice(before).map(({ request }) => Number(number(request, 6) - number(request, 5)));
    assert.deepEqual(pieces, [200, 200, 200]);
    const { resourceSpans } = (await ask(`/api/v2/traces/${'0f'.repeat(16)}`)).trace as { resourceSpans: unknown[] };
    assert.equal(resourceSpans.length, 2);
    const names = (await ask(`/api/v2/search/tags?${range}&scope=span`)) as { scopes: unknown };
    assert.deepEqual(names.scopes, [
      { name: 'resource', tags: ['two'] },
      { name: 'span', tags: ['both', 'one'] },
    ]);
    const values = (await ask(`/api/v2/search/tag/span.x/values?${range}`)) as { tagValues: unknown[] };
    assert.equal(values.tagValues.length, 2);
    await ask(`/api/metrics/query_range?q=${encodeURIComponent('{ } | rate()')}&${range}&step=60s`);
    assert.equal(last(0).path, '/tempopb.Metrics/QueryRange');
  });

  test('a store that fails or is gone fails the job: an answer without it would be short', async () => {
    stores[1]!.close();
    const { status, body } = await get('/api/search?q=%7B%7D&start=10&end=300');
    assert.equal(status, 500);
    assert.match(body, /^error querying live-stores in Querier\.SearchRecent: rpc error: code = Unavailable desc = /);
  });
});

test('without live-stores such jobs are answered empty, and counted', async () => {
  const querier = await startQuerier(
    'alone',
    { storage: localStorage(recordedBlocks), multitenancy: true },
    [await freePort()],
    await freePorts(),
  );
  try {
    const answer = await fetch(`${querier.url}/querier/api/search?q=%7B%7D&start=10&end=300`, { headers: { 'X-Scope-OrgID': 'vp4' } });
    assert.deepEqual(await answer.json(), { traces: [], metrics: {} });
    assert.match(await (await fetch(`${querier.url}/metrics`)).text(), /^rubato_querier_recent_jobs_unanswered_total 1$/m);
  } finally {
    await querier.stop();
  }
});

// Traces by id and tags over HTTP: limits, formats, tenants, jobs. What answers hold is checked against recordings in test/conformance.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeTraceProtobuf } from '#engine/api/otlp-protobuf-decode.ts';
import { wireFields } from '#engine/api/protobuf-wire.ts';
import { startTestApp, type TestApp } from './start.ts';

const range = 'start=1768046400&end=1768050000';
const vp4 = { 'X-Scope-OrgID': 'vp4' };
const zoo = 'a0000000000000000000000000000001';
/** Its parts lie in several blocks. */
const split = { id: '151aa05200e12d081884783b00c3c5b5', headers: { 'X-Scope-OrgID': 'long' } };

function limits(read: Readonly<Record<string, number>>, maxBytesPerTrace = 5_000_000) {
  return { overrides: { defaults: { read, global: { max_bytes_per_trace: maxBytesPerTrace } } } };
}

async function json(app: TestApp, path: string, headers: Readonly<Record<string, string>> = vp4) {
  const { status, body } = await app.get(path, headers);
  assert.equal(status, 200, `${path}: ${body.toString()}`);
  return JSON.parse(body.toString());
}

test('a trace beyond max_bytes_per_trace: 422 in v1, a part in v2', async (t) => {
  const app = await startTestApp(t, limits({}, 2000));
  const first = await app.get(`/api/traces/${split.id}`, split.headers);
  assert.deepEqual([first.status, first.body.toString()], [422, 'trace exceeds max size (max bytes: 2000)\n']);
  const part = await json(app, `/api/v2/traces/${split.id}`, split.headers);
  assert.deepEqual([part.status, part.message], ['PARTIAL', 'Trace exceeds maximum size of 2000 bytes, a partial trace is returned']);
  assert.ok(part.trace.resourceSpans.length > 0);
  const { body } = await app.get(`/api/v2/traces/${split.id}`, { ...split.headers, Accept: 'application/protobuf' });
  const fields = [...wireFields(body)].map((field) => [field.number, field.type === 'varint' ? field.value : undefined]);
  assert.deepEqual(fields[2], [3, 1n]);
  const small = await json(app, '/api/v2/traces/abc', { 'X-Scope-OrgID': 'single-tenant' });
  assert.equal(small.status, undefined);
});

test('protobuf for Grafana: trace, resource, scope and status are there, also where nothing was found', async (t) => {
  const app = await startTestApp(t);
  const headers = { ...vp4, Accept: 'application/protobuf' };
  const { body } = await app.get(`/api/v2/traces/${zoo}`, headers);
  const [trace] = wireFields(body);
  assert.ok(trace?.type === 'bytes' && trace.number === 1);
  const spans = decodeTraceProtobuf(trace.bytes).resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
  assert.equal(spans.length, 7);
  assert.deepEqual(await app.get('/api/v2/traces/deadbeef', headers).then((answer) => [...answer.body]), [10, 0, 18, 0]);
  const absent = await app.get('/api/traces/deadbeef', headers);
  assert.deepEqual([absent.status, absent.body.length, absent.headers['content-type']], [404, 0, undefined]);
});

test('several tenants: traces are merged, tags united', async (t) => {
  const app = await startTestApp(t);
  const both = { 'X-Scope-OrgID': 'vp3|vp4' };
  const { trace } = await json(app, `/api/v2/traces/${zoo}`, both);
  const count = trace.resourceSpans.flatMap((one: { scopeSpans: { spans: unknown[] }[] }) =>
    one.scopeSpans.flatMap(({ spans }) => spans),
  ).length;
  assert.equal(count, 7, 'copies are dropped');
  const { scopes } = await json(app, `/api/v2/search/tags?scope=event&${range}`, both);
  assert.deepEqual(scopes, (await json(app, `/api/v2/search/tags?scope=event&${range}`)).scopes);
});

test('tags stop at their limits and still answer 200', async (t) => {
  const app = await startTestApp(t, limits({ max_bytes_per_tag_values_query: 30 }));
  const values = async (more = '') => (await json(app, `/api/v2/search/tag/name/values?${range}${more}`)).tagValues as { value?: string }[];
  const found = await values();
  const size = found.reduce((sum, { value = '' }) => sum + Buffer.byteLength(value), 0);
  assert.ok(found.length > 0 && size <= 30, `${size} bytes`);
  assert.equal((await values('&limit=1')).length, 1);
  const { tagNames } = await json(app, `/api/search/tags?limit=2&scope=span&${range}`);
  assert.equal(tagNames.length, 2);
  const { scopes } = await json(app, `/api/v2/search/tags?limit=1&${range}`);
  const sizes = scopes.map(({ name, tags }: { name: string; tags: string[] }) => [name, tags.length]);
  assert.deepEqual(sizes[0], ['intrinsic', 25], 'intrinsics are not counted');
  assert.ok(sizes.slice(1).every(([, count]: [string, number]) => count === 1));
  const stale = await values('&maxStaleValues=1&q={}');
  assert.ok(stale.length >= 1);
});

test('the number of filter alternatives is limited by configuration', async (t) => {
  const app = await startTestApp(t, limits({ max_condition_groups_per_tag_query: 2 }));
  const q = (names: readonly string[]) => encodeURIComponent(`{ ${names.map((name) => `name = "${name}"`).join(' || ')} }`);
  const ask = (names: readonly string[]) => app.get(`/api/v2/search/tag/kind/values?${range}&q=${q(names)}`, vp4);
  assert.equal((await ask(['a', 'b'])).status, 200);
  const refused = await ask(['a', 'b', 'c']);
  const message = 'maximum condition groups reached (limit: 2). Reduce the number of OR conditions in the query';
  assert.deepEqual([refused.status, refused.body.toString()], [400, message]);
});

test('jobs as a frontend sends them', async (t) => {
  const app = await startTestApp(t);
  const job = `/querier/api/v2/traces/${zoo}?mode=blocks&blockStart=${'0'.repeat(32)}&blockEnd=${'f'.repeat(32)}`;
  assert.equal((await json(app, job)).trace.resourceSpans.length, 1);
  const nowhere = await app.get(`/querier/api/traces/${zoo}?mode=ingesters`, vp4);
  assert.deepEqual([nowhere.status, nowhere.body.toString()], [404, '{"metrics":{}}']);
  assert.equal((await app.get(`/querier/api/traces/${zoo}?mode=external`, vp4)).body.toString(), 'external mode is not enabled\n');
  const block = 'blockID=7d000000-4000-4000-8000-00000000000c&version=vParquet4&size=SIZE&totalRecords=1&startPage=0&pagesToSearch=1';
  const wrong = await app.get(`/querier/api/v2/search/tags?${range}&${block.replace('SIZE', 'x')}&footerSize=0`, vp4);
  assert.equal(wrong.status, 400);
  assert.deepEqual((await json(app, `/querier/api/v2/search/tag/name/values?${range}`)).tagValues, [], 'recent data: there is none');
});

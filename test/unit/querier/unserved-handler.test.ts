import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { systemClock } from '#engine/base/clock.ts';
import { typedConfig } from '../../../querier/config/config.ts';
import { defaultValues } from '../../../querier/config/load.ts';
import type { ConfigValue } from '../../../querier/config/schema/key.ts';
import { readMetricsInstant, readMetricsRange } from '../../../querier/frontend/metrics-request.ts';
import { readTagValues } from '../../../querier/frontend/tags-request.ts';
import { refuseBadRequests } from '../../../querier/frontend/unserved-handler.ts';
import { errorAnswer, type Handler, type ServerRequest } from '../../../querier/server/exchange.ts';
import { createRouter } from '../../../querier/server/router.ts';

interface RecordedRequest {
  readonly id: string;
  readonly path: string;
  readonly status: number;
  readonly error?: string;
}

const recordings = JSON.parse(
  readFileSync(new URL('../../fixtures/api/metrics-and-tags-requests.json', import.meta.url), 'utf8'),
) as readonly RecordedRequest[];

const endpoints = [
  '/api/search/tags',
  '/api/v2/search/tags',
  '/api/search/tag/{tagName}/values',
  '/api/v2/search/tag/{tagName}/values',
  '/api/metrics/query_range',
  '/api/metrics/query',
];

function environment(...values: readonly (readonly [string, ConfigValue])[]) {
  const zero = ['query_frontend.query_end_cutoff', 'query_frontend.search.query_backend_after', 'query_frontend.search.max_duration'];
  const config = typedConfig(new Map([...defaultValues(), ...zero.map((path) => [path, 0] as const), ...values]));
  return { config: config.queryFrontend, limits: config.limits, clock: systemClock };
}

const unserved: Handler = () => errorAnswer(501, 'not here');

async function send(target: string, headers: Readonly<Record<string, string>> = { 'x-scope-orgid': 'a' }) {
  const options = { environment: { ...environment(), limits: () => environment().limits }, multitenancyEnabled: true };
  const router = createRouter(
    endpoints.map((path) => ({ path, handler: refuseBadRequests(options, path, unserved) })),
    '',
  );
  const [path = '', query = ''] = target.split('?');
  return router(path).handler({ path, query, target, headers, method: 'GET', signal: new AbortController().signal } as ServerRequest);
}

test('bad requests get the answers of Tempo 3.0.3, good ones that of the handler behind', async () => {
  const statuses = { 400: 0, 501: 0 };
  for (const { id, path, status, error } of recordings) {
    const answer = await send(path);
    const expected = status === 400 ? { status: 400, body: error } : { status: 501, body: 'not here\n' };
    assert.deepEqual({ status: answer.status, body: answer.body }, expected, `${id} ${decodeURIComponent(path)}`);
    assert.equal(answer.headers['X-Content-Type-Options'], status === 400 ? undefined : 'nosniff');
    statuses[expected.status as 400 | 501]++;
  }
  assert.ok(statuses[400] >= 25 && statuses[501] >= 60, JSON.stringify(statuses));
});

test('tenants are asked for first, and only where a path is checked', async () => {
  await assert.rejects(send('/api/metrics/query?q={', {}), { code: 'unauthenticated', message: 'no org id' });
  assert.equal(
    (await send('/api/search/tags?start=x', { 'x-scope-orgid': 'a/b' })).body,
    "tenant ID 'a/b' contains unsupported character '/'",
  );
  const options = { environment: { ...environment(), limits: () => environment().limits }, multitenancyEnabled: true };
  assert.equal(refuseBadRequests(options, '/api/traces/{traceID}', unserved), unserved);
});

test('metrics queries: syntax, then types, then whether it is one; too long ones are not read', () => {
  const range = (q: string) => () => readMetricsRange(environment(), `start=1000000&end=1003600&q=${encodeURIComponent(q)}`);
  const instant = (q: string) => () => readMetricsInstant(environment(), `start=1000000&end=1003600&q=${encodeURIComponent(q)}`);
  assert.throws(range('{'), { code: 'bad_request', message: 'parse error at line 1, col 2: syntax error: unexpected $end' });
  const prefixed = { code: 'bad_request', message: 'compiling query: parse error at line 1, col 2: syntax error: unexpected $end' };
  assert.throws(instant('{'), prefixed);
  for (const read of [range, instant]) {
    const types = { code: 'bad_request', message: 'compiling query: illegal operation for the given types: status > error' };
    assert.throws(read('{ status > error } | rate()'), types);
    assert.throws(read('{ } | by(name)'), { code: 'bad_request', message: 'not a metrics query' });
    assert.throws(read(`{ name = "${'x'.repeat(131_072)}" } | rate()`), { message: /^TraceQL expression exceeds .* size of 131072 bytes/ });
    assert.equal(read('{ } | rate() by (name)')().query.metrics.function, 'rate');
  }
});

test('limits: of the tenant before those of the process', () => {
  const query = 'q={}|rate()&start=1000000&end=1007200';
  const hour = 3_600_000;
  const read = (...values: readonly (readonly [string, ConfigValue])[]) => readMetricsRange(environment(...values), query);
  const perProcess = ['query_frontend.metrics.max_duration', hour] as const;
  assert.throws(() => read(perProcess), { message: 'metrics query time range exceeds the maximum allowed duration of 1h0m0s' });
  assert.equal(read(perProcess, ['overrides.defaults.read.max_metrics_duration', 2 * hour]).request.stepNanos, 30_000_000_000n);
  assert.throws(() => read(['query_frontend.metrics.max_intervals', 100]), {
    message: 'step of 30s is too small, minimum step for given range is 1m12s',
  });
  const tags = environment(['query_frontend.search.max_duration', hour]);
  assert.throws(() => readTagValues(tags, 1, '/api/search/tag/a/values', 'start=1000000&end=1007200'), {
    message: 'range specified by start and end exceeds 1h0m0s. received start=1000000 end=1007200',
  });
});

test('names of v2 are attributes, those of v1 anything', () => {
  const tag = (version: 1 | 2, name: string) => readTagValues(environment(), version, `/api/search/tag/${name}/values`, '').tag;
  assert.deepEqual(tag(2, 'resource.service.name'), { kind: 'attribute', scope: 'resource', name: 'service.name', parent: false });
  assert.equal(tag(1, 'service.name'), undefined);
  assert.throws(() => tag(2, 'service.name'), {
    code: 'bad_request',
    message:
      'please provide a valid tagName: failed to parse identifier service.name: parse error at line 1, col 2: unknown identifier: service',
  });
});

// /metrics of a running server after traffic of every kind, compared with Tempo's names, labels and buckets.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { SearchRequestSchema, StreamingQuerier } from '#engine/api/gen/streaming_pb.js';
import { localFunctionEnvironment, startFunction } from '../../../infra/local/server.ts';
import { startS3Server } from '../backend/s3-server.ts';
import { boundsOf, type Family, histogramProblems, labelsOf, parseExposition } from './exposition.ts';
import { grpcClient } from './grpc-client.ts';
import { blocksPath, searchPath, startTestApp, type TestApp } from './start.ts';
import { type ExpectedMetric, expectedMetrics } from './telemetry-table.ts';

const tenant = { 'X-Scope-OrgID': 'vp4' };
const range = 'start=1768046400&end=1768050000';
const requests: readonly (readonly [path: string, route: string])[] = [
  [searchPath('{ kind = producer }'), 'api_search'],
  ['/api/traces/a0000000000000000000000000000001', 'api_traces_traceid'],
  ['/api/v2/traces/a0000000000000000000000000000001', 'api_v2_traces_traceid'],
  [`/api/search/tags?${range}`, 'api_search_tags'],
  [`/api/v2/search/tags?${range}`, 'api_v2_search_tags'],
  [`/api/search/tag/service.name/values?${range}`, 'api_search_tag_tagname_values'],
  [`/api/v2/search/tag/name/values?${range}`, 'api_v2_search_tag_tagname_values'],
  [`/api/metrics/query_range?${range}&step=60&q=${encodeURIComponent('{} | rate()')}`, 'api_metrics_query_range'],
  [`/api/metrics/query?${range}&q=${encodeURIComponent('{} | rate()')}`, 'api_metrics_query'],
  ['/api/echo', 'api_echo'],
  ['/api/status/buildinfo', 'api_status_buildinfo'],
  ['/ready', 'ready'],
  ['/metrics', 'metrics'],
  ['/status/config', 'status_endpoint'],
  ['/status/overrides', 'status_overrides'],
  ['/status/overrides/vp4', 'status_overrides_tenant'],
  ['/status/usage-stats', 'status_usage_stats'],
  ['/querier/api/search/tags?scope=intrinsic', 'querier_api_search_tags'],
];

/** Blocks in S3, jobs in a function, limits of one tenant, objectives. */
async function startWithEverything(t: TestContext): Promise<TestApp> {
  const keys = { accessKey: 'key', secretKey: 'secret', region: 'us-east-1' };
  const s3 = await startS3Server({ root: blocksPath, bucket: 'tempo', ...keys });
  t.after(() => s3.close());
  const { url, stop } = await startFunction('function', localFunctionEnvironment(blocksPath));
  t.after(() => stop());
  const folder = mkdtempSync(join(tmpdir(), 'rubato-telemetry-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'overrides.yaml'), 'overrides: {vp4: {global: {max_bytes_per_trace: 1000000}}}');
  const slo = { throughput_bytes_slo: 1 };
  return startTestApp(t, {
    stream_over_http_enabled: true,
    query_frontend: {
      query_end_cutoff: '0s',
      search: { query_backend_after: '0s', max_duration: '0s', metadata_slo: slo, ...slo },
      trace_by_id: slo,
      metrics: { query_backend_after: '0s', ...slo },
    },
    querier: { search: { prefer_self: 0, external_endpoints: [url] } },
    storage: {
      trace: {
        backend: 's3',
        s3: {
          bucket: 'tempo',
          endpoint: s3.endpoint,
          insecure: true,
          forcepathstyle: true,
          access_key: 'key',
          secret_key: 'secret',
          region: 'us-east-1',
        },
        blocklist_poll: '1h',
      },
    },
    overrides: { per_tenant_override_config: join(folder, 'overrides.yaml') },
  });
}

async function traffic(t: TestContext, app: TestApp): Promise<void> {
  for (const [path] of requests) {
    const { status, body } = await app.get(path, tenant);
    assert.equal(status, 200, `${path} ${body}`);
  }
  assert.equal((await app.get('/nothing', tenant)).status, 404);
  assert.equal((await app.get(searchPath('{'), tenant)).status, 400);
  const request = create(SearchRequestSchema, { Query: '{}', start: 1768046400, end: 1768050000 });
  const client = grpcClient(t, app.app.port);
  const { method } = StreamingQuerier;
  assert.equal((await client.call(method.search, request, 'vp4')).error, undefined);
  assert.notEqual((await client.call(method.search, create(SearchRequestSchema, { Query: '{' }), 'vp4')).error, undefined);
}

async function scrape(app: TestApp, accept = ''): Promise<string> {
  const { status, body } = await app.get('/metrics', accept === '' ? {} : { Accept: accept });
  assert.equal(status, 200);
  return String(body);
}

function counted(family: Family | undefined, name: string, labels: Readonly<Record<string, string>>): number {
  const samples = family?.samples.filter(
    (one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels.get(key) === value),
  );
  return (samples ?? []).reduce((sum, { value }) => sum + value, 0);
}

/** Holds what is there against Tempo's tables. `needed`: metrics that the traffic must have shown. */
function assertExpected(
  t: TestContext,
  families: ReadonlyMap<string, Family>,
  needed = (expected: ExpectedMetric) => expected.when === 'always',
) {
  for (const expected of expectedMetrics) {
    const { name, type, labels, buckets } = expected;
    const family = families.get(name);
    if (family === undefined || family.samples.length === 0) {
      if (needed(expected)) assert.fail(`${name} is not there`);
      t.diagnostic(`not seen: ${name}`);
      continue;
    }
    assert.equal(family.type, type, name);
    assert.deepEqual(labelsOf(family), labels, name);
    if (buckets !== undefined) assert.deepEqual(boundsOf(family), buckets, name);
  }
  const known = new Set(expectedMetrics.map(({ name }) => name));
  const others = [...families.keys()].filter((name) => /^tempo(db)?_/.test(name) && !known.has(name));
  assert.deepEqual(others, [], 'a name of Tempo that Tempo does not have');
  for (const family of families.values()) {
    assert.notEqual(family.help, '', family.name);
    if (family.type === 'histogram') assert.deepEqual(histogramProblems(family), []);
  }
}

test('names, types, labels and buckets are those of Tempo; nothing else has its prefixes', { timeout: 110_000 }, async (t) => {
  const app = await startWithEverything(t);
  await traffic(t, app);
  const families = parseExposition(await scrape(app));
  assertExpected(t, families);

  const durations = families.get('tempo_request_duration_seconds');
  const count = 'tempo_request_duration_seconds_count';
  for (const [, route] of requests)
    assert.ok(counted(durations, count, { method: 'GET', route, status_code: '200', ws: 'false' }) >= 1, route);
  assert.ok(counted(durations, count, { route: 'querier_api_search', status_code: '200' }) >= 2, 'jobs within one process, too');
  assert.equal(counted(durations, count, { route: 'other', status_code: '404' }), 1);
  assert.equal(counted(durations, count, { route: 'api_search', status_code: '400' }), 1);
  const search = { method: 'gRPC', route: '/tempopb.StreamingQuerier/Search' };
  assert.deepEqual(
    [counted(durations, count, { ...search, status_code: 'success' }), counted(durations, count, { ...search, status_code: 'error' })],
    [1, 1],
  );
  const received = families.get('tempo_request_message_bytes');
  assert.ok(counted(received, 'tempo_request_message_bytes_sum', search) > 10);
  const queries = (op: string) =>
    counted(families.get('tempo_query_frontend_queries_total'), 'tempo_query_frontend_queries_total', {
      op,
      tenant: 'vp4',
      result: 'completed',
    });
  assert.deepEqual([queries('search'), queries('traces'), queries('metadata'), queries('metrics')], [4, 2, 4, 2]);
  const reads = families.get('tempodb_backend_request_duration_seconds');
  assert.ok(counted(reads, 'tempodb_backend_request_duration_seconds_count', { operation: 'GET', status_code: '200' }) > 0);
  const bytes = counted(families.get('tempo_limits_overrides'), 'tempo_limits_overrides', {
    limit_name: 'max_bytes_per_trace',
    user: 'vp4',
  });
  assert.equal(bytes, 1_000_000);
  const names = new Set(families.get('tempo_limits_defaults')!.samples.map(({ labels }) => labels.get('limit_name')));
  const limits =
    'max_local_traces_per_user max_global_traces_per_user max_bytes_per_trace max_bytes_per_tag_values_query max_blocks_per_tag_values_query ingestion_rate_limit_bytes ingestion_burst_size_bytes block_retention metrics_generator_max_active_series';
  assert.deepEqual(names, new Set(limits.split(' ')));
});

test('a frontend and a querier apart: each has its own, jobs are counted by the routes of queriers', { timeout: 60_000 }, async (t) => {
  const frontend = await startTestApp(t, {
    target: 'query-frontend',
    server: { http_listen_address: '127.0.0.1', http_listen_port: 0, grpc_listen_address: '127.0.0.1', grpc_listen_port: 0 },
  });
  const address = `127.0.0.1:${frontend.app.grpcPort}`;
  const querier = await startTestApp(t, { target: 'querier', querier: { frontend_worker: { frontend_address: address } } });
  for (let i = 0; i < 200 && (await frontend.get('/ready')).status !== 200; i++) await delay(50);
  const { status, body } = await frontend.get(searchPath('{ kind = producer }'), tenant);
  assert.equal(status, 200, String(body));
  const ofFrontend = parseExposition(await scrape(frontend));
  const inFrontend =
    'queries_total queue_length queue_duration_seconds actual_batch_size batch_weight connected_clients retries jobs_per_query';
  const needed = new Set(inFrontend.split(' ').map((name) => `tempo_query_frontend_${name}`));
  assertExpected(t, ofFrontend, ({ name }) => needed.has(name));
  const ofQuerier = parseExposition(await scrape(querier));
  const executed = 'tempo_querier_worker_request_executed_total';
  assertExpected(t, ofQuerier, ({ name }) => name === executed);
  const jobs = counted(ofQuerier.get(executed), executed, {});
  const count = 'tempo_request_duration_seconds_count';
  const route = { method: 'GET', route: 'querier_api_search', status_code: '200', ws: 'false' };
  assert.equal(counted(ofQuerier.get('tempo_request_duration_seconds'), count, route), jobs);
  const tried = counted(ofFrontend.get('tempo_query_frontend_retries'), 'tempo_query_frontend_retries_count', {});
  assert.equal(tried, counted(ofFrontend.get('tempo_query_frontend_jobs_per_query'), 'tempo_query_frontend_jobs_per_query_sum', {}));
});

test('OpenMetrics on request: counters end in _total, the page is marked as whole, the other format stays as it was', async (t) => {
  const app = await startTestApp(t);
  await app.get(searchPath('{'), tenant);
  const accept = 'application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5';
  const text = await scrape(app);
  const open = await scrape(app, accept);
  assert.ok(open.endsWith('\n# EOF\n'));
  assert.match(open, /^# TYPE tempo_query_frontend_queries counter$/m);
  assert.match(open, /^tempo_query_frontend_queries_total\{tenant="vp4",op="search",result="completed"\} 1$/m);
  assert.match(open, /^tempo_request_duration_seconds_bucket\{le="1.0",/m);
  assert.doesNotMatch(open, /\n\n/);
  const { headers } = await app.get('/metrics', { Accept: accept });
  assert.match(headers['content-type']!, /^application\/openmetrics-text; version=1\.0\.0/);
  const again = await scrape(app);
  const names = (page: string) => [...parseExposition(page).keys()];
  assert.deepEqual(names(again), names(text));
});

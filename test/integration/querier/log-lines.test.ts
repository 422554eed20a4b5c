// The lines that a frontend writes about queries: names and keys in the order of Tempo's, for people and pipelines that read them.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import {
  QueryRangeRequestSchema,
  SearchRequestSchema,
  SearchTagValuesRequestSchema,
  StreamingQuerier,
} from '#engine/api/gen/streaming_pb.js';
import { createLogger } from '../../../querier/telemetry/log.ts';
import { grpcClient } from './grpc-client.ts';
import { searchPath, startTestApp } from './start.ts';

interface Line {
  readonly message: string;
  readonly keys: string;
  readonly fields: Readonly<Record<string, string>>;
}

function parseLine(text: string): Line {
  const fields: Record<string, string> = {};
  for (const [, key, plain, quoted] of text.matchAll(/([^\s=]+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))/g)) fields[key!] = plain ?? quoted ?? '';
  const { level, ts, caller, msg = '', ...rest } = fields;
  assert.match(`${level} ${ts} ${caller}`, /^(info|warn|error) \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z [a-z-]+\.ts:\d+$/);
  return { message: msg, keys: Object.keys(rest).join(' '), fields };
}

/** A server whose log is kept. */
async function startLogged(t: TestContext, sections: Readonly<Record<string, unknown>> = {}) {
  const lines: Line[] = [];
  const write = (text: string) => lines.push(parseLine(text.trimEnd()));
  const logger = createLogger({ level: 'info', format: 'logfmt', write, nowMs: Date.now });
  const started = await startTestApp(t, sections, { logger });
  lines.length = 0; // what is said at start
  const tenant = { 'X-Scope-OrgID': 'vp4' };
  return {
    port: started.app.port,
    get: (path: string, headers: Readonly<Record<string, string>> = {}) => started.get(path, { ...tenant, ...headers }),
    /** What was logged since the last call. */
    taken: () => lines.splice(0),
  };
}

const range = 'start=1768046400&end=1768050000';
const search =
  'tenant traceID query range_seconds duration_seconds request_throughput total_requests total_blockBytes total_blocks completed_requests inspected_bytes inspected_traces inspected_spans status_code error';
const rangeResponse =
  'tenant traceID query range_nanos max_series duration_seconds request_throughput total_requests total_blockBytes total_blocks completed_requests inspected_bytes inspected_traces inspected_spans partial_status partial_message num_response_series error';
const tags = 'tenant traceID handler scope range_seconds duration_seconds inspected_bytes request_throughput error';
const values = 'tenant traceID handler tag query range_seconds duration_seconds inspected_bytes request_throughput error';
const stats = 'tenant method traceID url duration response_size status';

/** Path, and messages with their keys in order (Tempo 3.0.3). */
const expected: readonly (readonly [path: string, asked: readonly [string, string], ended: readonly [string, string]])[] = [
  [
    searchPath('{ kind = producer }'),
    ['search request', 'tenant query range_seconds limit spans_per_spanset'],
    ['search response', search],
  ],
  [
    '/api/traces/a0000000000000000000000000000001',
    ['trace id request', 'tenant path'],
    ['trace id response', 'tenant traceID path duration_seconds inspected_bytes request_throughput err'],
  ],
  [
    '/api/v2/traces/a0000000000000000000000000000001',
    ['trace id request', 'tenant path'],
    ['trace id response', 'tenant traceID path inspected_bytes request_throughput duration_seconds err'],
  ],
  [`/api/search/tags?${range}`, ['search tag request', 'tenant handler scope range_seconds'], ['search tag response', tags]],
  [`/api/v2/search/tags?${range}`, ['search tag request', 'tenant handler scope range_seconds'], ['search tag response', tags]],
  [
    `/api/search/tag/service.name/values?${range}`,
    ['search tag values request', 'tenant handler tag query range_seconds'],
    ['search tag values response', values],
  ],
  [
    `/api/v2/search/tag/name/values?${range}`,
    ['search tag values request', 'tenant handler tag query range_seconds'],
    ['search tag values response', values],
  ],
  [
    `/api/metrics/query_range?${range}&step=60&q=${encodeURIComponent('{} | rate()')}`,
    ['query range request', 'tenant query range_nanos mode step'],
    ['query range response', rangeResponse],
  ],
  [
    `/api/metrics/query?${range}&q=${encodeURIComponent('{} | rate()')}`,
    ['query instant request', 'tenant query range_seconds'],
    ['query instant results', rangeResponse.replace('range_nanos max_series', 'range_seconds')],
  ],
];

test('HTTP queries: what was asked, how it ended, what went over the wire', async (t) => {
  const server = await startLogged(t);
  for (const [path, asked, ended] of expected) {
    const { status, body } = await server.get(path);
    assert.equal(status, 200, `${path} ${body}`);
    const lines = server.taken();
    assert.deepEqual(
      lines.map(({ message, keys }) => [message, keys]),
      [asked, ended, ['query stats', stats]],
      path,
    );
    const [, response, sent] = lines.map(({ fields }) => fields);
    assert.equal(response!.error ?? response!.err, 'null');
    assert.match(response!.inspected_bytes!, /^\d+$/, path);
    assert.deepEqual([sent!.status, sent!.method, Number(sent!.response_size)], ['200', 'GET', body.length]);
    assert.match(sent!.duration!, /^[\d.]+(µs|ms|s)$/);
  }
});

test('handlers, the range in force, headers that are asked for', async (t) => {
  const server = await startLogged(t, {
    query_frontend: { log_query_request_headers: 'X-Panel-Id, Absent', query_end_cutoff: '0s', search: { query_backend_after: '0s' } },
  });
  await server.get(`/api/v2/search/tags?scope=span&since=30m`, { 'x-panel-id': '7' });
  const [asked, , sent] = server.taken();
  assert.deepEqual([asked!.fields.handler, asked!.fields.scope, asked!.fields.range_seconds], ['SearchTagsV2', 'span', '1800']);
  assert.match(sent!.fields.url!, /^\/api\/v2\/search\/tags\?scope=span&start=\d{10}&end=\d{10}$/);
  assert.equal(sent!.keys, stats.replace('duration', 'duration header_x_panel_id'));
  assert.equal(sent!.fields.header_x_panel_id, '7');
});

test('requests that cannot be read, and jobs that fail', async (t) => {
  const server = await startLogged(t);
  const bad = await server.get(searchPath('{'));
  assert.equal(bad.status, 400);
  const [parse, sent, ...more] = server.taken();
  assert.deepEqual([parse!.message, parse!.keys, more.length], ['search: parse search request failed', 'err', 0]);
  assert.match(parse!.fields.err!, /^invalid TraceQL query/);
  assert.equal(sent!.keys, 'tenant method traceID url duration status error response_size');
  assert.deepEqual([sent!.fields.status, sent!.fields.response_size], ['500', '0']);
  await server.get(`/api/metrics/query_range?${range}&q=%7B`);
  assert.equal(server.taken()[0]!.message, 'query range: parse search request failed');
});

test('streams log as their HTTP endpoints, and failures as gRPC does', async (t) => {
  const server = await startLogged(t, { stream_over_http_enabled: true });
  const client = grpcClient(t, server.port);
  const { method } = StreamingQuerier;
  const seconds = { start: 1768046400, end: 1768050000 };
  await client.call(method.search, create(SearchRequestSchema, { Query: '{ kind = producer }', ...seconds }), 'vp4');
  assert.deepEqual(
    server.taken().map(({ message, keys }) => [message, keys]),
    [
      ['search request', 'tenant query range_seconds limit spans_per_spanset'],
      ['search response', search],
    ],
  );
  await client.call(method.searchTagValuesV2, create(SearchTagValuesRequestSchema, { tagName: 'name', ...seconds }), 'vp4');
  assert.equal(server.taken()[0]!.fields.handler, 'SearchTagValuesV2Streaming');
  const nanos = { start: 1768046400n * 10n ** 9n, end: 1768050000n * 10n ** 9n };
  await client.call(method.metricsQueryRange, create(QueryRangeRequestSchema, { query: '{} | rate()', ...nanos }), 'vp4');
  assert.equal(server.taken()[1]!.keys, rangeResponse);
  const { error } = await client.call(method.search, create(SearchRequestSchema, { Query: '{', ...seconds }), 'vp4');
  assert.equal(error?.code, 3);
  const failed = server.taken().at(-1)!;
  assert.deepEqual([failed.message, failed.keys], ['gRPC', 'method duration err']);
  assert.equal(failed.fields.method, '/tempopb.StreamingQuerier/Search');
  assert.match(failed.fields.err!, /^rpc error: code = InvalidArgument desc = invalid TraceQL query/);
});

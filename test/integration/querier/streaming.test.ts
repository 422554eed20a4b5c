import assert from 'node:assert/strict';
import { connect as connectHttp2, constants } from 'node:http2';
import { type TestContext, test } from 'node:test';
import { create, fromBinary, toBinary, toJson, toJsonString } from '@bufbuild/protobuf';
import { type ServiceError, status } from '@grpc/grpc-js';
import { KeyValueSchema, SearchResponseSchema } from '#engine/api/gen/search_pb.js';
import {
  PartialStatus,
  QueryInstantRequestSchema,
  QueryRangeRequestSchema,
  type QueryRangeResponse,
  SearchRequestSchema,
  SearchTagsRequestSchema,
  SearchTagValuesRequestSchema,
  StreamingQuerier,
} from '#engine/api/gen/streaming_pb.js';
import { systemClock } from '#engine/base/clock.ts';
import { AppError } from '#engine/base/errors.ts';
import { grpcClient } from './grpc-client.ts';
import { searchPath, startTestApp } from './start.ts';
import { type Found, hastyClock, manyTraces, metric, until } from './stream-parts.ts';

const { search } = StreamingQuerier.method;
const streaming = { stream_over_http_enabled: true };
const range = { start: 1768046400, end: 1768050000 };
const producers = create(SearchRequestSchema, { Query: '{ kind = producer }', Limit: 1000, ...range });

function ids({ traces }: Found): readonly string[] {
  return traces.map(({ traceID }) => traceID);
}

test('a gRPC client and an HTTP/1.1 client on the same port, at the same time, get the same answer', async (t) => {
  const { app, get } = await startTestApp(t, streaming);
  const client = grpcClient(t, app.port);
  const path = searchPath('{ kind = producer }', '&limit=1000');
  const [streamed, plain, again] = await Promise.all([
    client.call(search, producers, 'vp4'),
    get(path, { 'X-Scope-OrgID': 'vp4' }),
    client.call(search, producers, 'vp4'),
  ]);
  assert.equal(streamed.error, undefined);
  assert.ok(streamed.messages.length >= 1);
  const final = toJson(SearchResponseSchema, streamed.messages.at(-1)!) as unknown as Found & { metrics: unknown };
  const whole = JSON.parse(plain.body.toString()) as Found & { metrics: unknown };
  assert.ok(whole.traces.length > 1);
  assert.deepEqual(final.traces, whole.traces);
  assert.deepEqual(Object.keys(final.metrics as object).sort(), Object.keys(whole.metrics as object).sort());
  assert.deepEqual(again.messages.at(-1)!.traces, streamed.messages.at(-1)!.traces);
});

test('parts come while jobs run: each trace once, progress grows, the last message has everything', async (t) => {
  const { app } = await startTestApp(t, streaming, { clock: hastyClock() });
  const request = create(SearchRequestSchema, { Query: '{ }', Limit: 10_000, ...range });
  const { messages, error } = await grpcClient(t, app.port).call(search, request, 'single-tenant');
  assert.equal(error, undefined);
  assert.ok(messages.length > 2, `${messages.length} messages`);
  const partial = messages.slice(0, -1);
  const final = messages.at(-1)!;
  const seen = partial.flatMap(ids);
  assert.ok(seen.length > 0);
  const all = new Set(ids(final));
  assert.ok(seen.every((id) => all.has(id)));
  assert.equal(all.size, final.traces.length);
  const completed = messages.map(({ metrics }) => metrics!.completedJobs);
  assert.deepEqual(
    completed,
    [...completed].sort((a, b) => a - b),
  );
  assert.ok(messages.every(({ metrics }) => metrics!.totalJobs === final.metrics!.totalJobs));
  assert.equal(final.metrics!.completedJobs, final.metrics!.totalJobs);
});

test('messages are split at max_grpc_streaming_packet_size, between traces', async (t) => {
  const sections = {
    ...streaming,
    query_frontend: {
      max_grpc_streaming_packet_size: 4096,
      query_end_cutoff: '0s',
      search: { query_backend_after: '0s', max_duration: '0s' },
    },
  };
  const { app, get } = await startTestApp(t, sections);
  const { messages, sizes } = await grpcClient(t, app.port).call(search, producers, 'vp4');
  assert.ok(messages.length > 1);
  for (const [index, size] of sizes.entries()) assert.ok(size <= 4096 || messages[index]!.traces.length === 1, `${size} bytes`);
  assert.ok(messages.every(({ metrics }) => metrics!.totalJobs > 0));
  const whole = JSON.parse(
    (await get(searchPath('{ kind = producer }', '&limit=1000'), { 'X-Scope-OrgID': 'vp4' })).body.toString(),
  ) as Found;
  // Before the end there may be a part already, where the machine is busy.
  assert.deepEqual(messages.flatMap(ids).slice(-whole.traces.length), ids(whole));
});

test('errors have the code of the specification and the text of HTTP', async (t) => {
  const failing = (query: string, code: 'internal' | 'too_many_requests') => ({ query, code });
  const jobs = [failing('{ name = "broken" }', 'internal'), failing('{ name = "busy" }', 'too_many_requests')];
  const { app } = await startTestApp(t, streaming, {
    searchSelf: async ({ request }) => {
      const job = jobs.find(({ query }) => query === request.query);
      throw new AppError(job?.code ?? 'unavailable', `it is ${job?.code}`);
    },
  });
  const client = grpcClient(t, app.port);
  const ask = async (fields: Readonly<Record<string, unknown>>, tenant?: string) => {
    const { error, messages } = await client.call(search, create(SearchRequestSchema, { ...range, ...fields }), tenant);
    return [error?.code, error?.details, messages.length];
  };
  const parse = 'invalid TraceQL query: parse error at line 1, col 2: syntax error: unexpected $end';
  assert.deepEqual(await ask({ Query: '{' }, 'vp4'), [status.INVALID_ARGUMENT, parse, 0]);
  assert.deepEqual(await ask({ Query: '{}' }), [status.UNKNOWN, 'no org id', 0]);
  assert.deepEqual(await ask({ Query: '{}' }, 'a/b'), [status.INVALID_ARGUMENT, "tenant ID 'a/b' contains unsupported character '/'", 0]);
  assert.deepEqual(await ask({ Query: '{}', Limit: 300_000 }, 'vp4'), [
    status.INVALID_ARGUMENT,
    'limit 300000 exceeds max limit 262144',
    0,
  ]);
  assert.deepEqual(await ask({ Query: '{}', end: 0 }, 'vp4'), [
    status.INVALID_ARGUMENT,
    'error parsing date range: only one of start and end provided: must provide both or neither',
    0,
  ]);
  assert.deepEqual(await ask({ Query: '{ name = "broken" }' }, 'vp4'), [status.INTERNAL, 'it is internal', 0]);
  assert.deepEqual(await ask({ Query: '{ name = "busy" }' }, 'vp4'), [status.RESOURCE_EXHAUSTED, 'it is too_many_requests', 0]);
  const bogus = { ...search, parent: { typeName: 'tempopb.Bogus' } };
  const unknown = await client.call(bogus, producers, 'vp4');
  assert.deepEqual([unknown.error?.code, unknown.error?.details], [status.UNIMPLEMENTED, 'unknown service tempopb.Bogus']);
  const method = { ...search, name: 'Bogus' };
  assert.equal((await client.call(method, producers, 'vp4')).error?.code, status.UNIMPLEMENTED);
});

test('a request without a range, and compressed requests', async (t) => {
  const { app } = await startTestApp(t, { ...streaming, query_frontend: {} });
  const client = grpcClient(t, app.port, { 'grpc.default_compression_algorithm': 2 });
  const { error, messages } = await client.call(search, create(SearchRequestSchema, { Query: '{}', Limit: 1 }), 'vp4');
  assert.equal(error, undefined);
  assert.equal(messages.at(-1)!.traces.length, 0, 'the data is older than the default range');
  assert.ok((await client.call(search, producers, 'vp4')).messages.at(-1)!.traces.length > 1);
});

test('cancelling a stream aborts its jobs, and they are counted', async (t) => {
  let running = 0;
  let aborted = 0;
  const testApp = await startTestApp(t, streaming, {
    searchSelf: (_, signal) =>
      new Promise((_, reject) => {
        running++;
        signal.addEventListener('abort', () => {
          aborted++;
          reject(new AppError('cancelled', 'context canceled'));
        });
      }),
  });
  const stream = grpcClient(t, testApp.app.port).start(search, producers, 'single-tenant');
  const ended = new Promise<ServiceError>((resolve) => stream.on('error', (error: ServiceError) => resolve(error)));
  await until(async () => running > 1);
  stream.cancel();
  assert.equal((await ended).code, status.CANCELLED);
  await until(async () => aborted === running);
  const canceled = 'tempo_query_frontend_queries_total{tenant="single-tenant",op="search",result="canceled"}';
  await until(async () => (await metric(testApp, canceled)) === 1);
  assert.equal(await metric(testApp, 'rubato_querier_jobs_total{where="self",result="canceled"}'), running);
  const route = 'method="gRPC",route="/tempopb.StreamingQuerier/Search",status_code="cancel",ws="false"';
  assert.equal(await metric(testApp, `tempo_request_duration_seconds_count{${route}}`), 1);
});

test("a client's deadline ends the jobs", async (t) => {
  let aborted = 0;
  const { app } = await startTestApp(t, streaming, {
    searchSelf: (_, signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          aborted++;
          reject(new AppError('cancelled', 'context canceled'));
        });
      }),
  });
  const { error } = await grpcClient(t, app.port).call(search, producers, 'vp4', { deadline: Date.now() + 200 });
  assert.equal(error?.code, status.DEADLINE_EXCEEDED);
  await until(async () => aborted > 0);
});

test('without stream_over_http_enabled there is no gRPC', async (t) => {
  const { app } = await startTestApp(t);
  const { error } = await grpcClient(t, app.port).call(search, producers, 'vp4');
  assert.equal(error?.code, status.UNIMPLEMENTED);
});

test('a slow reader of a large answer gets all of it, in messages that fit', async (t) => {
  const count = 60_000;
  const many = manyTraces(count);
  const { app } = await startTestApp(t, streaming, { searchSelf: async () => many });
  const request = create(SearchRequestSchema, { Query: '{}', Limit: 100_000, ...range });
  const found = new Set<string>();
  let messages = 0;
  for await (const bytes of grpcClient(t, app.port).start(search, request, 'vp4')) {
    await systemClock.sleep(20);
    messages++;
    assert.ok(bytes.length <= 2 << 20);
    for (const { traceID } of fromBinary(SearchResponseSchema, bytes as Buffer).traces) found.add(traceID);
  }
  assert.equal(found.size, count);
  assert.ok(messages > 1, 'more than 2 MiB in all');
});

/** A search with more results than the windows of a connection hold, and a client that does not read them. */
async function startUnread(t: TestContext, sections: Readonly<Record<string, unknown>>) {
  const many = manyTraces(60_000);
  const testApp = await startTestApp(t, { ...streaming, ...sections }, { searchSelf: async () => many });
  const message = toBinary(SearchRequestSchema, create(SearchRequestSchema, { Query: '{}', Limit: 60_000, ...range }));
  const session = connectHttp2(`http://127.0.0.1:${testApp.app.port}`);
  t.after(() => session.destroy());
  const headers = { ':method': 'POST', ':path': '/tempopb.StreamingQuerier/Search', 'content-type': 'application/grpc', te: 'trailers' };
  const stream = session.request({ ...headers, 'x-scope-orgid': 'vp4' });
  stream.on('error', () => {});
  const length = Buffer.alloc(5);
  length.writeUInt32BE(message.length, 1);
  stream.end(Buffer.concat([length, message]));
  await new Promise((resolve) => stream.once('response', resolve));
  const inflight = () => metric(testApp, 'tempo_inflight_requests{method="gRPC",route="/tempopb.StreamingQuerier/Search"}');
  await systemClock.sleep(500);
  assert.equal(await inflight(), 1, 'it waits for the client');
  return { stream, inflight };
}

test('a client that cancels while the server waits for it leaves nothing behind', async (t) => {
  const { stream, inflight } = await startUnread(t, {});
  stream.close(constants.NGHTTP2_CANCEL);
  await until(async () => (await inflight()) === 0);
});

test('a client that takes nothing is cut after the write timeout', async (t) => {
  const server = { http_listen_address: '127.0.0.1', http_listen_port: 0, http_server_write_timeout: '1s' };
  const { inflight } = await startUnread(t, { server });
  await until(async () => (await inflight()) === 0);
});

const nanos = { start: 1768046400n * 1_000_000_000n, end: 1768050000n * 1_000_000_000n };

test('parts of range metrics: samples of complete intervals, each once and as in the last message', async (t) => {
  const { app } = await startTestApp(t, streaming, { clock: hastyClock() });
  const client = grpcClient(t, app.port);
  const { metricsQueryRange } = StreamingQuerier.method;
  const ask = (query: string) =>
    client.call(
      metricsQueryRange,
      create(QueryRangeRequestSchema, { query, ...nanos, step: 60_000_000_000n, exemplars: 10 }),
      'single-tenant',
    );
  const { messages, error } = await ask('{ } | rate() by (resource.service.name)');
  assert.equal(error, undefined);
  const points = ({ series }: QueryRangeResponse) =>
    series.flatMap(({ labels, samples }) =>
      samples.map(({ timestampMs, value }) => `${labels.map((label) => toJsonString(KeyValueSchema, label))} ${timestampMs} ${value}`),
    );
  const last = messages.at(-1)!;
  const parts = messages.slice(0, -1).flatMap(points);
  const whole = new Set(points(last));
  assert.ok(parts.length > 0);
  assert.equal(new Set(parts).size, parts.length, 'each once');
  assert.deepEqual(
    parts.filter((point) => !whole.has(point)),
    [],
  );
  assert.ok(last.series.some(({ exemplars }) => exemplars.length > 0));
  assert.deepEqual([last.status, last.message], [PartialStatus.COMPLETE, '']);

  const compared = await ask('{ } | compare({ status = error })');
  assert.ok(compared.messages.length > 1 && compared.messages.at(-1)!.series.length > 0);
  assert.ok(compared.messages.slice(0, -1).every(({ series, metrics }) => series.length === 0 && metrics!.completedJobs > 0));
});

test('instant metrics are whole every time; names and values of tags come once', async (t) => {
  const { app } = await startTestApp(t, streaming, { clock: hastyClock() });
  const client = grpcClient(t, app.port);
  const { metricsQueryInstant, searchTagsV2, searchTagValuesV2 } = StreamingQuerier.method;
  const counted = create(QueryInstantRequestSchema, { query: '{ } | count_over_time()', ...nanos });
  const instant = (await client.call(metricsQueryInstant, counted, 'single-tenant')).messages;
  const values = instant.map(({ series }) => series[0]?.value ?? 0);
  assert.ok(values.length > 2);
  assert.deepEqual(
    values,
    [...values].sort((a, b) => a - b),
  );

  const named = (await client.call(searchTagsV2, create(SearchTagsRequestSchema, range), 'single-tenant')).messages;
  const names = named.map(({ scopes }) => scopes.flatMap(({ name, tags }) => tags.map((tag) => `${name}.${tag}`)));
  const found = (await client.call(searchTagValuesV2, create(SearchTagValuesRequestSchema, { ...range, tagName: 'name' }), 'single-tenant'))
    .messages;
  const texts = found.map(({ tagValues }) => tagValues.map(({ type, value }) => `${type} ${value}`));
  for (const lists of [names, texts]) {
    const parts = lists.slice(0, -1).flat();
    const whole = new Set(lists.at(-1));
    assert.ok(lists.length > 2 && parts.length > 0);
    assert.equal(new Set(parts).size, parts.length, 'each once');
    assert.ok(parts.every((one) => whole.has(one)));
  }
});

test('metrics that are cut say so in the last packet', async (t) => {
  const query_frontend = {
    query_end_cutoff: '0s',
    max_grpc_streaming_packet_size: 100,
    metrics: { max_response_series: 3, query_backend_after: '0s' },
  };
  const { app } = await startTestApp(t, { ...streaming, query_frontend });
  const request = create(QueryInstantRequestSchema, { query: '{ } | rate() by (name)', ...nanos });
  const { messages } = await grpcClient(t, app.port).call(StreamingQuerier.method.metricsQueryInstant, request, 'single-tenant');
  assert.ok(messages.length > 1);
  assert.deepEqual(new Set(messages.slice(0, -1).map(({ status: one }) => one)), new Set([PartialStatus.COMPLETE]));
  assert.equal(messages.at(-1)!.status, PartialStatus.PARTIAL);
  assert.match(messages.at(-1)!.message, /^Response exceeds maximum series limit of 3/);
});

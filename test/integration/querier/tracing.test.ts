// Traces of ourselves: one query through frontend, querier and function, as an OTLP/HTTP collector sees it.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { SearchRequestSchema, StreamingQuerier } from '#engine/api/gen/streaming_pb.js';
import { freePort, type LocalProcess, startProcess } from '../../../infra/local/processes.ts';
import { localFunctionEnvironment, startFunction } from '../../../infra/local/server.ts';
import { createOtelTracer } from '../../../querier/telemetry/otel.ts';
import { tracingEnabled } from '../../../querier/telemetry/tracing.ts';
import { grpcClient } from './grpc-client.ts';
import { blocksPath, configFile, configText, searchPath, startTestApp } from './start.ts';

interface CollectedSpan {
  readonly service: string;
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly startNanos: bigint;
  readonly endNanos: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
}

type Attributes = readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];

function attributesOf(list: Attributes): Readonly<Record<string, unknown>> {
  return Object.fromEntries(list.map(({ key, value }) => [key, Object.values(value)[0]]));
}

/** Collects what is sent to it as OTLP over HTTP with JSON. */
async function startCollector(t: TestContext) {
  const spans: CollectedSpan[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    assert.deepEqual([request.method, request.url, request.headers['content-type']], ['POST', '/v1/traces', 'application/json']);
    for (const { resource, scopeSpans } of JSON.parse(Buffer.concat(chunks).toString()).resourceSpans) {
      const service = String(attributesOf(resource.attributes)['service.name']);
      for (const span of scopeSpans.flatMap((scope: { spans: unknown[] }) => scope.spans)) {
        const { name, kind, traceId, spanId, parentSpanId = '', startTimeUnixNano, endTimeUnixNano, attributes } = span;
        const times = { startNanos: BigInt(startTimeUnixNano), endNanos: BigInt(endTimeUnixNano) };
        spans.push({ service, name, kind, traceId, spanId, parentSpanId, ...times, attributes: attributesOf(attributes) });
      }
    }
    response.setHeader('Content-Type', 'application/json').end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  /** Waits until that many spans of a kind are there. */
  const until = async (fits: (span: CollectedSpan) => boolean, count: number): Promise<readonly CollectedSpan[]> => {
    for (let i = 0; i < 400; i++) {
      const found = spans.filter(fits);
      if (found.length >= count) return found;
      await delay(50);
    }
    assert.fail(`${count} spans expected, these came: ${spans.map(({ service, name }) => `${service} ${name}`).join(', ')}`);
  };
  return { url, until, spans };
}

/** A querier or a frontend as a process, whose spans go to the collector. */
async function startTarget(
  t: TestContext,
  target: string,
  collector: string,
  grpcPort: number,
  sections: Readonly<Record<string, unknown>>,
): Promise<LocalProcess> {
  const port = await freePort();
  const server = { http_listen_address: '127.0.0.1', http_listen_port: port, grpc_listen_address: '127.0.0.1', grpc_listen_port: grpcPort };
  const started = await startProcess({
    name: target,
    script: 'querier/main.ts',
    arguments: [`-config.file=${configFile(t, configText({ target, server, ...sections }))}`],
    environment: { OTEL_EXPORTER_OTLP_ENDPOINT: collector, OTEL_BSP_SCHEDULE_DELAY: '100' },
    port,
    readyPath: '/ready',
    // A frontend is ready when it has a querier, which comes later.
    ...(target === 'query-frontend' ? {} : { readyStatus: 200 }),
  });
  t.after(() => started.stop());
  return started;
}

async function search(url: string, traceparent: string): Promise<void> {
  const headers = { 'X-Scope-OrgID': 'edge', traceparent };
  for (let i = 0; i < 100; i++) {
    if ((await fetch(`${url}/ready`)).status === 200) break;
    await delay(100);
  }
  const response = await fetch(url + searchPath('{}', '&limit=1000'), { headers });
  assert.equal(response.status, 200, await response.text());
}

test('one query is one trace: frontend, querier, call, function; its id is in the log', { timeout: 110_000 }, async (t) => {
  const collector = await startCollector(t);
  const searchFunction = await startFunction('function', localFunctionEnvironment(blocksPath));
  t.after(() => searchFunction.stop());
  const grpcPort = await freePort();
  const frontend = await startTarget(t, 'query-frontend', collector.url, grpcPort, {});
  await startTarget(t, 'querier', collector.url, await freePort(), {
    querier: {
      frontend_worker: { frontend_address: `127.0.0.1:${grpcPort}` },
      search: { prefer_self: 0, external_endpoints: [searchFunction.url] },
    },
  });
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  await search(frontend.url, `00-${traceId}-00f067aa0ba902b7-01`);
  const spans = await collector.until((span) => span.traceId === traceId, 5);
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const pathOf = (span: CollectedSpan): readonly string[] => {
    const parent = byId.get(span.parentSpanId);
    const own = `${span.service} ${span.name}`;
    return parent === undefined ? [span.parentSpanId, own] : [...pathOf(parent), own];
  };
  const functionJobs = spans.filter(({ service }) => service === 'rubato-function');
  assert.ok(functionJobs.length >= 1);
  for (const job of functionJobs) {
    assert.deepEqual(pathOf(job), [
      '00f067aa0ba902b7',
      'rubato-query-frontend GET api_search',
      'rubato-querier GET querier_api_search',
      'rubato-querier search job',
      'rubato-querier call function',
      'rubato-function search job',
    ]);
    const call = byId.get(job.parentSpanId)!;
    assert.ok(job.startNanos >= call.startNanos && job.endNanos <= call.endNanos && job.startNanos < job.endNanos);
    assert.ok(Number(job.attributes['rubato.bytes_read']) > 0);
    assert.equal(call.attributes['server.address'], searchFunction.url);
  }
  const [root] = spans.filter(({ parentSpanId }) => parentSpanId === '00f067aa0ba902b7');
  assert.deepEqual([root!.kind, root!.attributes.tenant, Number(root!.attributes['http.response.status_code'])], [2, 'edge', 200]);
  assert.match(frontend.output(), new RegExp(`msg="search response" tenant=edge traceID=${traceId} `));
});

test('a streamed search is one trace, too', { timeout: 60_000 }, async (t) => {
  const collector = await startCollector(t);
  const server = await startTarget(t, 'all', collector.url, 0, { stream_over_http_enabled: true });
  await search(server.url, '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00');
  const request = create(SearchRequestSchema, { Query: '{}', start: 1768046400, end: 1768050000 });
  const { error } = await grpcClient(t, Number(new URL(server.url).port)).call(StreamingQuerier.method.search, request, 'edge');
  assert.equal(error, undefined);
  const [root] = await collector.until(({ name }) => name === '/tempopb.StreamingQuerier/Search', 1);
  const [, ...jobs] = await collector.until(({ traceId }) => traceId === root!.traceId, 2);
  assert.deepEqual([root!.service, root!.parentSpanId, root!.kind], ['rubato-all', '', 2]);
  for (const { name, parentSpanId } of jobs.filter(({ spanId }) => spanId !== root!.spanId)) {
    assert.deepEqual([name, parentSpanId], ['search job', root!.spanId]);
  }
  // Whoever asked first did not want to be traced.
  assert.deepEqual(
    collector.spans.filter(({ traceId }) => traceId.startsWith('4bf92f35')),
    [],
  );
});

test('samplers that there are not are told', async () => {
  await assert.rejects(createOtelTracer({ OTEL_TRACES_SAMPLER: 'sometimes' }, 'x'), {
    code: 'config',
    message: 'OTEL_TRACES_SAMPLER sometimes is none of always_on, always_off, traceidratio, parentbased_…',
  });
  const half = { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '1.5' };
  await assert.rejects(createOtelTracer(half, 'x'), { code: 'config', message: 'OTEL_TRACES_SAMPLER_ARG 1.5 is no number from 0 to 1' });
});

test('off unless the variables of OpenTelemetry say so', async (t) => {
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' };
  assert.equal(tracingEnabled({}), false);
  assert.equal(tracingEnabled(endpoint), true);
  assert.equal(tracingEnabled({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'x' }), true);
  assert.equal(tracingEnabled({ OTEL_TRACES_EXPORTER: 'otlp' }), true);
  assert.equal(tracingEnabled({ ...endpoint, OTEL_TRACES_EXPORTER: 'none' }), false);
  assert.equal(tracingEnabled({ ...endpoint, OTEL_SDK_DISABLED: 'true' }), false);
  const { get } = await startTestApp(t);
  const answer = await get(searchPath('{}'), {
    'X-Scope-OrgID': 'edge',
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  });
  assert.equal(answer.status, 200);
});

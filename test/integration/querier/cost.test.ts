// What functions cost reaches whoever asked: from a real function through a querier and its worker stream to the frontend's answer and log.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import type { StatusObject } from '@grpc/grpc-js';
import { SearchRequestSchema, StreamingQuerier } from '#engine/api/gen/streaming_pb.js';
import { systemClock } from '#engine/base/clock.ts';
import { localFunctionEnvironment, startFunction } from '../../../infra/local/server.ts';
import { parseCost } from '../../../querier/cost/ledger.ts';
import { createLogger } from '../../../querier/telemetry/log.ts';
import { grpcClient } from './grpc-client.ts';
import { blocksPath, searchPath, startTestApp } from './start.ts';

const headers = { 'X-Scope-OrgID': 'rowgroups' };
const frontendSections = {
  stream_over_http_enabled: true,
  query_frontend: { query_end_cutoff: '0s', search: { query_backend_after: '0s', max_duration: '0s', target_bytes_per_job: 1 } },
};

test('costs of jobs add up over the worker protocol', { timeout: 110_000 }, async (t) => {
  const fn = await startFunction('function', localFunctionEnvironment(blocksPath));
  t.after(() => fn.stop());
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', format: 'logfmt', write: (line) => void lines.push(line), nowMs: () => 0 });
  const frontend = await startTestApp(t, frontendSections, { flags: ['-target=query-frontend'], logger });
  const pools = [{ name: 'arm', endpoints: [fn.url], platform: 'lambda-arm64', memory_mb: 1769 }];
  await startTestApp(
    t,
    {
      ...frontendSections,
      querier: {
        frontend_worker: { frontend_address: `127.0.0.1:${frontend.app.grpcPort}` },
        search: { prefer_self: 0 },
        external: { pools, max_jobs_per_call: 4 },
      },
    },
    { flags: ['-target=querier'] },
  );
  for (let attempt = 0; attempt < 200 && (await frontend.get('/ready')).status !== 200; attempt++) await systemClock.sleep(50);

  const search = await frontend.get(searchPath('{ duration > 1ms }', '&limit=1000'), headers);
  assert.equal(search.status, 200, search.body.toString());
  const { metrics } = JSON.parse(search.body.toString()) as {
    readonly metrics: { readonly totalJobs: number; readonly inspectedBytes: string };
  };
  const cost = parseCost(String(search.headers['x-rubato-cost']));
  assert.ok(cost.calls - cost.hedges >= Math.ceil(metrics.totalJobs / 4), `${cost.calls} calls for ${metrics.totalJobs} jobs`);
  assert.equal(cost.failed, 0);
  assert.ok(cost.billedMs > 0 && cost.dollars > cost.gbSeconds * 0.0000133334 && cost.bytesRead > 0, JSON.stringify(cost));
  const stats = lines.find((line) => line.includes('msg="query stats"'))!;
  assert.match(stats, new RegExp(` external_calls=${cost.calls} .* external_usd=`));

  // Every other kind of query goes out, too, and says so.
  const range = 'start=1768046400&end=1768050000';
  const traceId = /"traceID":"([0-9a-f]+)"/.exec(search.body.toString())![1];
  for (const path of [
    `/api/metrics/query_range?q=${encodeURIComponent('{ } | rate()')}&${range}&step=60s`,
    `/api/v2/search/tags?${range}`,
    `/api/v2/search/tag/resource.service.name/values?${range}`,
    `/api/v2/traces/${traceId}`,
  ]) {
    const answer = await frontend.get(path, headers);
    assert.equal(answer.status, 200, `${path}: ${answer.body}`);
    assert.ok(parseCost(String(answer.headers['x-rubato-cost'])).calls > 0, `${path}: ${answer.headers['x-rubato-cost']}`);
  }

  await checkStreams(t, frontend, lines);
});

/** Streams say at their end what they cost: in the trailers of gRPC, in an event, and in the log. */
async function checkStreams(
  t: TestContext,
  { app, get }: Awaited<ReturnType<typeof startTestApp>>,
  lines: readonly string[],
): Promise<void> {
  const request = create(SearchRequestSchema, { Query: '{ duration > 2ms }', Limit: 1000, start: 1768046400, end: 1768050000 });
  const stream = grpcClient(t, app.port).start(StreamingQuerier.method.search, request, headers['X-Scope-OrgID']);
  stream.on('data', () => {});
  const [status] = (await once(stream, 'status')) as [StatusObject];
  const streamed = parseCost(String(status.metadata.get('x-rubato-cost')[0]));
  assert.ok(streamed.calls > 0 && streamed.dollars > 0, JSON.stringify(status));
  assert.match(
    lines.findLast((line) => line.includes('msg="search response"'))!,
    new RegExp(` external_calls=${streamed.calls} .* external_usd=`),
  );

  const path = searchPath('{ duration > 3ms }', '&limit=1000').replace('/api/search', '/api/search/stream');
  const events = (await get(path, headers)).body.toString();
  const cost = JSON.parse(/^event: cost\ndata: (.*)\n\nevent: final$/m.exec(events)![1]!) as {
    readonly calls: number;
    readonly usd: number;
  };
  assert.ok(cost.calls > 0 && cost.usd > 0, events);
}

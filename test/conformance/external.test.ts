// The same searches where functions run every job, and where the blocks lie in S3: the place must not show in the answer.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { LocalProcess } from '../../infra/local/processes.ts';
import { localFunctionEnvironment, localStorage, startFunction, startServer } from '../../infra/local/server.ts';
import type { S3Server } from '../integration/backend/s3-server.ts';
import { startS3Server } from '../integration/backend/s3-server.ts';
import { recordedBlocks } from './cases.ts';
import { compareLookup } from './compare-lookups.ts';
import { compareMetrics } from './compare-metrics.ts';
import { assertConformance } from './report.ts';
import { lookups, metricsQueries, searchErrors, searches } from './selection.ts';
import { runCases } from './send.ts';

describe('every job in one of two functions', () => {
  const processes: LocalProcess[] = [];
  let server: LocalProcess;
  before(async () => {
    const names = ['function-1', 'function-2'];
    for (const name of names) processes.push(await startFunction(name, localFunctionEnvironment(recordedBlocks)));
    const externalEndpoints = processes.map(({ url }) => url);
    server = await startServer({ storage: localStorage(recordedBlocks), multitenancy: true, externalEndpoints, preferSelf: 0 });
    processes.push(server);
  });
  after(() => Promise.all(processes.map((process) => process.stop())));

  test('TraceQL searches', async () => {
    assertConformance('search-traceql, external', await runCases(server.url, searches()), 985);
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    const calls = [...metrics.matchAll(/^tempo_querier_external_endpoint_duration_seconds_count\{[^}]*\} (\d+)$/gm)].map(([, count]) =>
      Number(count),
    );
    assert.equal(calls.length, 2, 'both functions were called');
    assert.ok(Math.min(...calls) > 100, `functions were called ${calls.join(' and ')} times`);
  });
  test('errors', async () => assertConformance('search-errors, external', await runCases(server.url, searchErrors()), 225));
  test('traces, tags and metrics', async () => {
    for (const [group, minimum] of [
      ['trace-by-id', 275],
      ['tags', 150],
      ['tag-values', 325],
    ] as const) {
      assertConformance(`${group}, external`, await runCases(server.url, lookups(group), compareLookup), minimum);
    }
    for (const [group, minimum] of [
      ['metrics-range', 180],
      ['metrics-instant', 135],
    ] as const) {
      assertConformance(`${group}, external`, await runCases(server.url, metricsQueries(group), compareMetrics), minimum);
    }
    // What fails in every function is tried here as well.
    const jobs = (await (await fetch(`${server.url}/status/jobs`)).json()) as { where: string; error?: string }[];
    assert.deepEqual(
      jobs.filter(({ where, error }) => where !== 'external' && error === undefined),
      [],
    );
  });
});

describe('blocks in S3', () => {
  const credentials = { accessKey: 'test', secretKey: 'secret', region: 'us-east-1' };
  let s3: S3Server;
  let server: LocalProcess;
  before(async () => {
    s3 = await startS3Server({ root: recordedBlocks, bucket: 'tempo', ...credentials });
    const { accessKey: access_key, secretKey: secret_key, region } = credentials;
    const s3Options = { bucket: 'tempo', endpoint: s3.endpoint, insecure: true, forcepathstyle: true, access_key, secret_key, region };
    server = await startServer({ storage: { backend: 's3', s3: s3Options }, multitenancy: true });
  });
  after(async () => {
    await server?.stop();
    await s3?.close();
  });

  test('TraceQL searches', async () => {
    assertConformance('search-traceql, S3', await runCases(server.url, searches()), 985);
    assert.ok(s3.requests().some(({ key, range }) => key.endsWith('/data.parquet') && range !== undefined));
  });
});

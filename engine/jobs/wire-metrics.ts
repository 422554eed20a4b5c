import type { WireAnswer, WireJob } from '#engine/api/job-wire.ts';
import { parseMetricsBlockParams } from '#engine/api/metrics-block-params.ts';
import { encodeMetricsBody, type MetricsBody } from '#engine/api/metrics-body.ts';
import { encodeMetricsJob } from '#engine/api/metrics-protobuf.ts';
import type { MetricsAnswer } from '#engine/api/metrics-series.ts';
import type { JobEnvironment } from './environment.ts';
import { wireSeries } from './metrics-wire.ts';
import { queryRangeBlock } from './query-range-block.ts';

/** The answer of a metrics job as queriers send it, of instant queries too: samples that a frontend combines (spec traceql §8.7). */
export function metricsWireAnswer(query: string, answer: MetricsAnswer, accept: WireJob['accept']): WireAnswer {
  const { grid, inspectedBytes, inspectedSpans } = answer;
  const body: MetricsBody = { grid, instant: false, series: wireSeries(query, answer), metrics: { inspectedBytes, inspectedSpans } };
  if (accept === 'application/json') return { status: 200, contentType: accept, body: encodeMetricsBody(body) };
  return { status: 200, contentType: accept, body: encodeMetricsJob(body) };
}

/** Runs a metrics job. Rejects as `queryRangeBlock` does, and with `bad_request` where the URL is wrong. */
export async function runMetricsWireJob(
  environment: JobEnvironment,
  job: WireJob,
  query: string,
  signal: AbortSignal,
): Promise<WireAnswer> {
  const request = parseMetricsBlockParams(query);
  return metricsWireAnswer(request.query, await queryRangeBlock(environment, job.tenant, request, signal), job.accept);
}

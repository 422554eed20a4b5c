import { encodeMetricsBody } from '#engine/api/metrics-body.ts';
import type { Handler } from '../server/exchange.ts';
import { type MetricsEnvironment, type MetricsKind, startMetrics } from './metrics-query.ts';
import { createQueryHandler, type QueryHandlerOptions } from './query-handler.ts';

/** What {@link createMetricsHandler} needs. */
export type MetricsHandlerOptions = QueryHandlerOptions & MetricsEnvironment;

/** Makes the handler of `GET /api/metrics/query_range`, or of `GET /api/metrics/query` (spec http-api §6, read-path §5). Always JSON. */
export function createMetricsHandler(options: MetricsHandlerOptions, kind: MetricsKind): Handler {
  return createQueryHandler(options, 'metrics', async ({ query }, tenants, signal) => {
    const { run, result } = startMetrics(options, kind, query, tenants);
    const failure = await run(() => {}, signal);
    if (failure !== undefined) return { kind: 'jobFailed', ...failure };
    const body = result();
    const { inspectedBytes = 0, totalJobs = 0 } = body.metrics;
    const headers = { 'Content-Type': 'application/json' };
    return {
      kind: 'answered',
      answer: { status: 200, headers, body: encodeMetricsBody(body), compressible: true },
      inspectedBytes,
      totalJobs,
    };
  });
}

import { encodeMetricsBody } from '#engine/api/metrics-body.ts';
import type { Handler } from '../server/exchange.ts';
import { type MetricsEnvironment, type MetricsKind, metricsCost, startMetrics } from './metrics-query.ts';
import type { QueryKind } from './query-end.ts';
import { createQueryHandler, type QueryHandlerOptions } from './query-handler.ts';

/** What {@link createMetricsHandler} needs. */
export type MetricsHandlerOptions = QueryHandlerOptions & MetricsEnvironment;

/** As metrics and log know both kinds. */
export const metricsKinds: Readonly<Record<MetricsKind, QueryKind>> = {
  range: { op: 'metrics', name: 'query range' },
  instant: { op: 'metrics', name: 'query instant' },
};

/** Makes the handler of `GET /api/metrics/query_range`, or of `GET /api/metrics/query` (spec http-api §6, read-path §5). Always JSON. */
export function createMetricsHandler(options: MetricsHandlerOptions, kind: MetricsKind): Handler {
  return createQueryHandler(options, metricsKinds[kind], async ({ query }, tenants, signal, tell) => {
    const { log, run, result } = startMetrics(options, kind, query, tenants);
    tell(log);
    const failure = await run(() => {}, signal);
    if (failure !== undefined) return { kind: 'jobFailed', ...failure };
    const body = result();
    const headers = { 'Content-Type': 'application/json' };
    const answer = { status: 200, headers, body: encodeMetricsBody(body), compressible: true };
    return { kind: 'answered', answer, cost: metricsCost(body) };
  });
}

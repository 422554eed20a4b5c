import type { MetricsBody } from '#engine/api/metrics-body.ts';
import { AppError } from '#engine/base/errors.ts';
import { metricsKinds } from './metrics-handler.ts';
import { type MetricsEnvironment, type MetricsKind, metricsCost, startMetrics } from './metrics-query.ts';
import { notMetrics } from './metrics-request.ts';
import { type AnswerStream, createQueryStream, type QueryStreamOptions } from './query-stream.ts';

/** What {@link createMetricsStream} needs. */
export type MetricsStreamOptions = QueryStreamOptions & MetricsEnvironment;

/**
 * Metrics queries whose samples come when their intervals are complete, or of instant queries what is known so far. A query that is no metrics query is
 * `unprocessable` here: gRPC clients are told UNKNOWN (spec http-api §9.1).
 */
export function createMetricsStream(options: MetricsStreamOptions, kind: MetricsKind): AnswerStream<MetricsBody> {
  return createQueryStream(options, metricsKinds[kind], ({ query }, tenants) => {
    try {
      const started = startMetrics(options, kind, query, tenants);
      return { ...started, cost: () => metricsCost(started.result()) };
    } catch (thrown) {
      if (thrown instanceof AppError && thrown.message === notMetrics) throw new AppError('unprocessable', notMetrics, { cause: thrown });
      throw thrown;
    }
  });
}

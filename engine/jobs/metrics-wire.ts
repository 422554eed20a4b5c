import type { MetricsAnswer, MetricsSeries } from '#engine/api/metrics-series.ts';
import { parseQuery } from '#engine/traceql/parse.ts';

/** Marks the series beside a mean's that holds the number of values. */
const countLabel = { key: '__meta_type', value: { type: 'string', value: '__count' } } as const;

/**
 * A job's series as Tempo's queriers send them (spec traceql §8.7): rates instead of numbers of spans, and beside each mean a series with the number of values.
 * Combined sums of rates are the rates of combined numbers.
 */
export function wireSeries(query: string, { grid, series }: MetricsAnswer): readonly MetricsSeries[] {
  const name = parseQuery(query).metrics?.function;
  if (name === 'rate') {
    const seconds = Number(grid.stepNanos) / 1e9;
    return series.map((one) => ({ ...one, values: one.values.map((count) => count / seconds) }));
  }
  if (name !== 'avg_over_time') return series;
  return series.flatMap(({ labels, values, weights, exemplars }) => [
    { labels, values, exemplars },
    { labels: [...labels, countLabel], values: weights ?? new Float64Array(values.length), exemplars: [] },
  ]);
}

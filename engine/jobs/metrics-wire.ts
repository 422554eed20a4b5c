import type { WireMetrics, WireSeries } from '#engine/api/metrics-body-decode.ts';
import { type MetricsRange, metricsGrid } from '#engine/api/metrics-request.ts';
import { labelsKey, type MetricsAnswer, type MetricsGrid, type MetricsLabel, type MetricsSeries } from '#engine/api/metrics-series.ts';
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

/** Undoes {@link wireSeries}: what a querier answered to a job over that range, as a job in this process gives it. */
export function answerFromWire(range: MetricsRange, { series, metrics }: WireMetrics): MetricsAnswer {
  const grid = metricsGrid(range);
  const name = parseQuery(range.query).metrics?.function;
  const placed = series.map((one) => placeSamples(one, grid, range.instant));
  const { inspectedBytes, inspectedSpans } = metrics;
  const answer = (list: readonly MetricsSeries[]): MetricsAnswer => ({ grid, series: list, inspectedBytes, inspectedSpans });
  if (name === 'rate') return answer(placed.map((one) => ({ ...one, values: one.values.map(countsOf(Number(grid.stepNanos) / 1e9)) })));
  return answer(name === 'avg_over_time' ? joinWeights(placed, grid.count) : placed);
}

/** A sample belongs to the interval whose right edge it names; whole milliseconds may have cut that off. Of an instant query there is one. */
function placeSamples({ labels, samples, exemplars }: WireSeries, grid: MetricsGrid, instant: boolean): MetricsSeries {
  const values = new Float64Array(grid.count).fill(Number.NaN);
  const stepMs = Number(grid.stepNanos) / 1e6;
  const startMs = Number(grid.startNanos / 1_000_000n) + Number(grid.startNanos % 1_000_000n) / 1e6;
  for (const { timeMs, value } of samples) {
    const interval = instant ? 0 : Math.round((timeMs - startMs) / stepMs) - 1;
    if (interval >= 0 && interval < grid.count) values[interval] = value;
  }
  return { labels, values, exemplars };
}

/** Numbers of spans are whole, unless a real querier has sampled. */
function countsOf(seconds: number): (rate: number) => number {
  return (rate) => {
    const count = rate * seconds;
    const whole = Math.round(count);
    return Math.abs(count - whole) <= 1e-9 * Math.max(1, whole) ? whole : count;
  };
}

function isCountLabel({ key, value }: MetricsLabel): boolean {
  return key === countLabel.key && value.type === 'string' && value.value === countLabel.value.value;
}

/** Puts means and their numbers of values together; a number of 0 has no mean. */
function joinWeights(series: readonly MetricsSeries[], count: number): readonly MetricsSeries[] {
  const means = new Map<string, MetricsSeries>();
  const weights = new Map<string, MetricsSeries>();
  for (const one of series) {
    const labels = one.labels.filter((label) => !isCountLabel(label));
    if (labels.length === one.labels.length) means.set(labelsKey(labels), one);
    else weights.set(labelsKey(labels), { ...one, labels });
  }
  const joined: MetricsSeries[] = [];
  for (const [key, { labels, values }] of weights) {
    const mean = means.get(key) ?? { labels, values: new Float64Array(count).fill(Number.NaN), exemplars: [] };
    joined.push({ ...mean, weights: values.map((weight) => (Number.isNaN(weight) ? 0 : weight)) });
    means.delete(key);
  }
  // A mean whose number of values nobody told counts as one value.
  for (const mean of means.values()) joined.push({ ...mean, weights: mean.values.map((value) => (Number.isNaN(value) ? 0 : 1)) });
  return joined;
}

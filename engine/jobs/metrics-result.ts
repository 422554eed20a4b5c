import { createExemplarSpread } from '#engine/api/exemplar-spread.ts';
import { type CombineRule, intervalAt, type MetricsExemplar, type MetricsGrid, type MetricsSeries } from '#engine/api/metrics-series.ts';
import { trimCompared } from '#engine/scan/compare-series.ts';
import { bucketLabel } from '#engine/scan/metric-labels.ts';
import type { MetricsFunction } from '#engine/traceql/ast.ts';
import type { MetricsQuery } from '#engine/traceql/plan-metrics.ts';
import { quantileSeries } from './quantiles.ts';
import { applySecondStages } from './second-stages.ts';
import { sortSeries } from './series-order.ts';

const nanosPerSecond = 1e9;

const rules: Readonly<Record<MetricsFunction['function'], CombineRule>> = {
  rate: 'add',
  count_over_time: 'add',
  min_over_time: 'min',
  max_over_time: 'max',
  sum_over_time: 'sum',
  avg_over_time: 'mean',
  histogram_over_time: 'add',
  quantile_over_time: 'add',
  compare: 'add',
};

/** How the series of a function's jobs are combined. */
export function combineRule(query: MetricsQuery): CombineRule {
  return rules[query.metrics.function];
}

/** What a query answers, and whether the limit of series has cut it. */
export interface MetricsResult {
  readonly series: readonly MetricsSeries[];
  readonly partial: boolean;
}

/** Limits of a {@link MetricsResult}; 0 is no limit of series. */
export interface MetricsResultOptions {
  readonly grid: MetricsGrid;
  readonly maxSeries: number;
  readonly maxExemplars: number;
}

/** Turns the combined series of all jobs into the answer: rates, quantiles, exemplars, second stages, order (spec traceql §8.5, §8.7, §8.8). */
export function metricsResult(query: MetricsQuery, combined: readonly MetricsSeries[], options: MetricsResultOptions): MetricsResult {
  const { grid, maxSeries, maxExemplars } = options;
  const ungrouped = query.metrics.by.length === 0 && (query.metrics.function === 'rate' || query.metrics.function === 'count_over_time');
  const rule = combineRule(query);
  const computed = finalSeries(query.metrics, combined, grid).filter(({ values }) => ungrouped || !isEmpty(values, rule));
  const partial = maxSeries > 0 && combined.length >= maxSeries && isSeriesLimited(query);
  const kept = partial ? sortSeries(computed).slice(0, maxSeries) : computed;
  const staged = applySecondStages(placeExemplars(kept, grid, maxExemplars), query.secondStages);
  return { series: sortSeries(keepSampled(staged, grid)), partial };
}

/** Functions without `by` have as many series as they have and are never cut. */
export function isSeriesLimited({ metrics }: MetricsQuery): boolean {
  return metrics.by.length > 0 || metrics.function === 'compare';
}

/** Of spans that are only counted, none is empty, too. */
function isEmpty(values: Float64Array, rule: CombineRule): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isNaN(values[i]) && (values[i] !== 0 || rule !== 'add')) return false;
  return true;
}

function finalSeries(metrics: MetricsFunction, combined: readonly MetricsSeries[], grid: MetricsGrid): readonly MetricsSeries[] {
  switch (metrics.function) {
    case 'rate': {
      const seconds = Number(grid.stepNanos) / nanosPerSecond;
      return combined.map((series) => ({ ...series, values: series.values.map((count) => count / seconds) }));
    }
    case 'quantile_over_time':
      return quantileSeries(combined, metrics.quantiles ?? [], bucketLabel);
    case 'compare':
      return trimCompared(combined, Number(metrics.compare?.topN ?? 0n));
    default:
      return combined;
  }
}

/** Spreads the exemplars of all series over the range once more; those without a value of their own take that of their sample. */
function placeExemplars(series: readonly MetricsSeries[], grid: MetricsGrid, maxExemplars: number): readonly MetricsSeries[] {
  if (series.every(({ exemplars }) => exemplars.length === 0)) return series;
  const spread = createExemplarSpread(grid, maxExemplars);
  return keepSampled(series, grid).map(({ exemplars, ...one }) => {
    const placed = exemplars
      .filter(({ timeMs }) => spread.take(timeMs))
      .map((exemplar) => (Number.isNaN(exemplar.value) ? { ...exemplar, value: one.values[intervalAt(grid, exemplar.timeMs)] } : exemplar));
    return { ...one, exemplars: placed.sort((a, b) => a.timeMs - b.timeMs) };
  });
}

/** Takes out exemplars in intervals without a sample. */
function keepSampled(series: readonly MetricsSeries[], grid: MetricsGrid): readonly MetricsSeries[] {
  return series.map((one) => {
    if (one.exemplars.length === 0) return one;
    const isSampled = ({ timeMs }: MetricsExemplar): boolean => !Number.isNaN(one.values[intervalAt(grid, timeMs)] ?? Number.NaN);
    return { ...one, exemplars: one.exemplars.filter(isSampled) };
  });
}

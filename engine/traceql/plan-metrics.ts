import type { MetricsFunction, Query, Reference } from './ast.ts';
import { planSearch, planSpansets, type SearchPlan, type SpansetPlan } from './plan.ts';
import type { PlanDraft } from './plan-filter.ts';

/**
 * What a metrics function keeps of the spans of a series and interval: their number, the smallest or largest value, the sum, the mean, numbers by power
 * of two (histograms and quantiles), or the numbers of all values of all attributes (spec traceql §8.5).
 */
export type MeasureKind = 'count' | 'min' | 'max' | 'sum' | 'avg' | 'histogram' | 'compare';

/** `compare()`: which spans are the selection, and how many values of an attribute count (spec traceql §8.9). */
export interface ComparePlan {
  readonly selection: SpansetPlan;
  readonly topN: number;
  /** The selection's spans also start in (start, end]; both 0: at any time. Nanoseconds since the epoch. */
  readonly startNanos: bigint;
  readonly endNanos: bigint;
  /** Attributes that Tempo has fetched for the query itself and then counts once more: what it looks at above the span's level. */
  readonly countedTwice: readonly Reference[];
}

/** What to read and compute for a metrics query up to the second stages. Plain data. */
export interface MetricsPlan {
  /** Which spans count; `shown` is what exemplars show. */
  readonly search: SearchPlan;
  readonly function: MetricsFunction['function'];
  readonly measure: MeasureKind;
  /** Absent for `count` and `compare`. */
  readonly argument?: Reference;
  readonly by: readonly Reference[];
  /** Only for the measure `compare`. */
  readonly compare?: ComparePlan;
}

const measures: Readonly<Record<MetricsFunction['function'], MeasureKind>> = {
  rate: 'count',
  count_over_time: 'count',
  min_over_time: 'min',
  max_over_time: 'max',
  sum_over_time: 'sum',
  avg_over_time: 'avg',
  histogram_over_time: 'histogram',
  quantile_over_time: 'histogram',
  compare: 'compare',
};

/** A TraceQL query that ends in a metrics function. */
export type MetricsQuery = Query & { readonly metrics: MetricsFunction };

/** True for a query that ends in a metrics function. */
export function isMetricsQuery(query: Query): query is MetricsQuery {
  return query.metrics !== undefined;
}

/** Plans a validated metrics query. Throws `bad_request` for what validation should have refused. */
export function planMetrics(query: MetricsQuery): MetricsPlan {
  const { metrics } = query;
  const search = planSearch(query);
  const plan = { search, function: metrics.function, measure: measures[metrics.function], by: metrics.by };
  if (metrics.compare !== undefined) return planCompare(plan, metrics.compare);
  return metrics.argument === undefined ? plan : { ...plan, argument: metrics.argument };
}

/** The selection's tests stand behind those of the pipeline. */
function planCompare(plan: MetricsPlan, { selection, topN, start, end }: NonNullable<MetricsFunction['compare']>): MetricsPlan {
  const draft: PlanDraft = { tests: [...plan.search.tests], shown: new Map() };
  const selected = planSpansets(draft, selection);
  const countedTwice = plan.search.shown.map(({ reference }) => reference).filter(isAboveSpans);
  return {
    ...plan,
    search: { ...plan.search, tests: draft.tests },
    compare: { selection: selected, topN: Number(topN), startNanos: start, endNanos: end, countedTwice },
  };
}

function isAboveSpans(reference: Reference): boolean {
  if (reference.kind === 'attribute') return reference.scope === 'resource';
  return reference.name === 'rootName' || reference.name === 'rootServiceName';
}

import type { CombineRule, MetricsAnswer, MetricsExemplar, MetricsGrid, MetricsSeries } from './metrics-series.ts';
import { labelsKey } from './metrics-series.ts';

/** What jobs' series are combined by. */
export interface MetricsCombinerOptions {
  /** The query's intervals. What jobs answer of others is left out. */
  readonly grid: MetricsGrid;
  readonly rule: CombineRule;
  /** Series after which further answers are ignored; 0 is no limit. */
  readonly maxSeries: number;
}

/** Combines the answers of a metrics query's jobs as they arrive (spec traceql §8.7). */
export interface MetricsCombiner {
  /** Takes a job's answer; does nothing but count once {@link MetricsCombiner.full}. */
  readonly add: (answer: MetricsAnswer) => void;
  /** True when the limit of series is reached. */
  readonly full: () => boolean;
  readonly completedJobs: () => number;
  readonly inspectedSpans: () => number;
  readonly inspectedBytes: () => number;
  /** Everything so far, in order of arrival. */
  readonly series: () => readonly MetricsSeries[];
}

interface Held {
  readonly labels: MetricsSeries['labels'];
  readonly values: Float64Array;
  /** For `mean`: numbers of values; for `sum`: what the sums lack. */
  readonly beside: Float64Array | undefined;
  readonly exemplars: MetricsExemplar[];
}

/** A combiner without answers. */
export function createMetricsCombiner({ grid, rule, maxSeries }: MetricsCombinerOptions): MetricsCombiner {
  const held = new Map<string, Held>();
  const startMs = Number(grid.startNanos / 1_000_000n);
  let jobs = 0;
  let spans = 0;
  let bytes = 0;
  const full = () => maxSeries > 0 && held.size >= maxSeries;
  const holderOf = (series: MetricsSeries): Held => {
    const key = labelsKey(series.labels);
    let holder = held.get(key);
    if (holder === undefined) {
      holder = createHolder(series.labels, rule, grid.count);
      held.set(key, holder);
    }
    return holder;
  };
  return {
    add: (answer) => {
      jobs++;
      spans += answer.inspectedSpans;
      bytes += answer.inspectedBytes;
      if (full()) return;
      const offset = Number((answer.grid.startNanos - grid.startNanos) / grid.stepNanos);
      for (const series of answer.series) {
        const holder = holderOf(series);
        merge(rule, holder, series, offset);
        for (const exemplar of series.exemplars) if (exemplar.timeMs > startMs) holder.exemplars.push(exemplar);
      }
    },
    full,
    completedJobs: () => jobs,
    inspectedSpans: () => spans,
    inspectedBytes: () => bytes,
    series: () => [...held.values()].map((holder) => finished(rule, holder)),
  };
}

function createHolder(labels: MetricsSeries['labels'], rule: CombineRule, count: number): Held {
  return {
    labels,
    values: new Float64Array(count).fill(rule === 'add' ? 0 : Number.NaN),
    beside: rule === 'mean' || rule === 'sum' ? new Float64Array(count) : undefined,
    exemplars: [],
  };
}

function merge(rule: CombineRule, { values, beside }: Held, series: MetricsSeries, offset: number): void {
  const from = Math.max(0, -offset);
  const to = Math.min(series.values.length, values.length - offset);
  for (let i = from; i < to; i++) {
    const value = series.values[i];
    if (Number.isNaN(value)) continue;
    const at = i + offset;
    const known = values[at];
    switch (rule) {
      case 'add':
        values[at] = known + value;
        break;
      case 'min':
        if (!(known <= value)) values[at] = value;
        break;
      case 'max':
        if (!(known >= value)) values[at] = value;
        break;
      case 'sum':
        if (Number.isNaN(known)) values[at] = value;
        else addCompensated(values, beside!, at, value);
        break;
      case 'mean':
        addMean(values, beside!, at, value, series.weights![i]);
        break;
    }
  }
}

/** Adds with the low-order part of the sum kept in `lost` (Neumaier), so that the result does not depend on the order. */
export function addCompensated(sums: Float64Array, lost: Float64Array, at: number, value: number): void {
  const known = sums[at];
  const sum = known + value;
  if (Number.isFinite(sum)) lost[at] += Math.abs(known) >= Math.abs(value) ? known - sum + value : value - sum + known;
  sums[at] = sum;
}

function addMean(means: Float64Array, weights: Float64Array, at: number, mean: number, weight: number): void {
  const known = weights[at];
  const total = known + weight;
  means[at] = known === 0 ? mean : (means[at] * known + mean * weight) / total;
  weights[at] = total;
}

function finished(rule: CombineRule, { labels, values, beside, exemplars }: Held): MetricsSeries {
  if (rule === 'sum') return { labels, values: values.map((value, i) => value + beside![i]), exemplars };
  return rule === 'mean' ? { labels, values, weights: beside!, exemplars } : { labels, values, exemplars };
}

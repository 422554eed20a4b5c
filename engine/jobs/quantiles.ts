import { labelsKey, type MetricsExemplar, type MetricsLabel, type MetricsSeries } from '#engine/api/metrics-series.ts';

/** Histogram series of one group: the same labels but for the bucket. */
interface Histogram {
  readonly labels: readonly MetricsLabel[];
  /** Ascending once sorted. */
  readonly buckets: { readonly bound: number; readonly counts: Float64Array }[];
  readonly exemplars: MetricsExemplar[];
}

/** One series for each quantile of each group of histogram series; `p` is its last label (spec traceql §8.5). */
export function quantileSeries(
  series: readonly MetricsSeries[],
  quantiles: readonly number[],
  bucketLabel: string,
): readonly MetricsSeries[] {
  const histograms = new Map<string, Histogram>();
  for (const { labels, values, exemplars } of series) {
    const rest = labels.filter(({ key }) => key !== bucketLabel);
    const key = labelsKey(rest);
    let histogram = histograms.get(key);
    if (histogram === undefined) {
      histogram = { labels: rest, buckets: [], exemplars: [] };
      histograms.set(key, histogram);
    }
    const bound = labels.find((label) => label.key === bucketLabel)?.value;
    histogram.buckets.push({ bound: bound?.type === 'double' ? bound.value : 0, counts: values });
    histogram.exemplars.push(...exemplars);
  }
  return [...histograms.values()].flatMap((histogram) => quantilesOf(histogram, quantiles));
}

function quantilesOf({ labels, buckets, exemplars }: Histogram, quantiles: readonly number[]): readonly MetricsSeries[] {
  buckets.sort((a, b) => a.bound - b.bound);
  const intervals = buckets[0].counts.length;
  const bounds = Float64Array.from(buckets, ({ bound }) => bound);
  const counts = new Float64Array(buckets.length);
  const totals = Float64Array.from(buckets, (bucket) => bucket.counts.reduce((sum, count) => sum + count, 0));
  const made = quantiles.map((q) => {
    const values = new Float64Array(intervals);
    for (let i = 0; i < intervals; i++) {
      for (let b = 0; b < buckets.length; b++) counts[b] = buckets[b].counts[i];
      values[i] = quantile(bounds, counts, q);
    }
    const p: MetricsLabel = { key: 'p', value: { type: 'double', value: q } };
    return { labels: [...labels, p], values, overall: quantile(bounds, totals, q), exemplars: [] as MetricsExemplar[] };
  });
  for (const exemplar of exemplars) {
    let nearest = made[0];
    for (const candidate of made) {
      if (Math.abs(candidate.overall - exemplar.value) < Math.abs(nearest.overall - exemplar.value)) nearest = candidate;
    }
    nearest.exemplars.push(exemplar);
  }
  return made.map(({ labels: named, values, exemplars: own }) => ({ labels: named, values, exemplars: own }));
}

/** The quantile of samples in buckets with ascending bounds; between the bounds values are taken to grow exponentially. 0 without samples. */
export function quantile(bounds: Float64Array, counts: Float64Array, q: number): number {
  let total = 0;
  for (let i = 0; i < counts.length; i++) total += counts[i];
  if (total === 0) return 0;
  const target = Math.max(1, Math.ceil(q * total));
  let before = 0;
  let lower = Number.NaN;
  for (let i = 0; i < counts.length; i++) {
    if (counts[i] === 0) continue;
    const upper = bounds[i];
    if (before + counts[i] === target) return upper;
    if (before + counts[i] > target) {
      const low = Number.isNaN(lower) ? upper / 2 : lower;
      return low * (upper / low) ** ((target - before) / counts[i]);
    }
    before += counts[i];
    lower = upper;
  }
  return lower;
}

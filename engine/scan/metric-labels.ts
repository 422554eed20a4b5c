import type { MetricsLabel } from '#engine/api/metrics-series.ts';
import type { MetricsPlan } from '#engine/traceql/plan-metrics.ts';
import { printReference } from '#engine/traceql/print.ts';
import type { LabelValues } from './label-values.ts';
import { isDurationArgument } from './metric-values.ts';

/** The label of a histogram's bucket. */
export const bucketLabel = '__bucket';

/**
 * The labels of a group (spec traceql §8.6): `members` are its value numbers, one for each `by` and, of a histogram, one more than the bucket's exponent.
 * Missing values have no label; when all are missing, the first is the text "nil".
 */
export function groupLabels(plan: MetricsPlan, members: readonly number[], values: readonly LabelValues[]): readonly MetricsLabel[] {
  const { by, measure } = plan;
  const labels: MetricsLabel[] = [];
  by.forEach((reference, index) => {
    if (members[index] !== 0) labels.push({ key: printReference(reference), value: values[index].value(members[index]) });
  });
  if (measure === 'histogram') {
    const bound = bucketBound(members[by.length] - 1, plan.argument !== undefined && isDurationArgument(plan.argument));
    return [...labels, { key: bucketLabel, value: { type: 'double', value: bound } }];
  }
  if (labels.length > 0) return labels;
  if (by.length > 0) return [{ key: printReference(by[0]), value: { type: 'string', value: 'nil' } }];
  return [{ key: '__name__', value: { type: 'string', value: plan.function } }];
}

/** 2^64 does not fit into Tempo's 64 bits and is 0 there. */
function bucketBound(exponent: number, isDuration: boolean): number {
  if (exponent === 64) return 0;
  return isDuration ? 2 ** exponent / 1e9 : 2 ** exponent;
}

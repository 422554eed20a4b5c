import type { ScalarValue } from './attribute-value.ts';

/** A label's value with its type; `nil` is a value that answers cannot carry, such as an array (spec traceql §8.6). */
export type LabelValue = ScalarValue | { readonly type: 'nil' };

/** A label of a series or exemplar. */
export interface MetricsLabel {
  readonly key: string;
  readonly value: LabelValue;
}

/** One span that stands for others (spec traceql §8.10). */
export interface MetricsExemplar {
  readonly labels: readonly MetricsLabel[];
  /** NaN where the function has no value of a single span: it becomes that of the sample. */
  readonly value: number;
  /** Start of the span, milliseconds since the epoch. */
  readonly timeMs: number;
}

/**
 * The intervals of a query or job: number i is (start + i · step, start + (i + 1) · step] and is known by its right edge (spec traceql §8.3). Of an instant
 * query there is one. Nanoseconds since the epoch.
 */
export interface MetricsGrid {
  readonly startNanos: bigint;
  readonly stepNanos: bigint;
  readonly count: number;
}

/** A series of a job, or of all jobs so far. */
export interface MetricsSeries {
  readonly labels: readonly MetricsLabel[];
  /** One per interval; NaN where there is none. */
  readonly values: Float64Array;
  /** Where values are means: how many values each is the mean of. */
  readonly weights?: Float64Array;
  readonly exemplars: readonly MetricsExemplar[];
}

/** How values of equal series and intervals become one (spec traceql §8.7). */
export type CombineRule = 'add' | 'min' | 'max' | 'sum' | 'mean';

/** What a metrics job found, and what it looked at. */
export interface MetricsAnswer {
  readonly grid: MetricsGrid;
  readonly series: readonly MetricsSeries[];
  readonly inspectedSpans: number;
  readonly inspectedBytes: number;
}

/** The right edge of an interval in milliseconds since the epoch, cut off. */
export function intervalMs({ startNanos, stepNanos }: MetricsGrid, interval: number): number {
  return Number((startNanos + stepNanos * BigInt(interval + 1)) / 1_000_000n);
}

/** The interval that a time in milliseconds since the epoch falls into; may lie outside the grid. */
export function intervalAt({ startNanos, stepNanos }: MetricsGrid, timeMs: number): number {
  const nanos = BigInt(timeMs) * 1_000_000n - startNanos;
  return Number((nanos + stepNanos - 1n) / stepNanos) - 1;
}

/** Equal for equal labels in the same order. */
export function labelsKey(labels: readonly MetricsLabel[]): string {
  let key = '';
  for (const { key: name, value } of labels) {
    const text = value.type === 'nil' ? '' : String(value.value);
    key += `${name.length}:${name}${value.type[0]}${text.length}:${text}`;
  }
  return key;
}

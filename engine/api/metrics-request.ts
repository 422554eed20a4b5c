import type { MetricsGrid } from './metrics-series.ts';
import type { BlockPart } from './search-request.ts';

/** What a metrics query or job computes: its spans, its intervals, its limits. Nanoseconds since the epoch. */
export interface MetricsRange {
  /** TraceQL that ends in a metrics function. */
  readonly query: string;
  /** Spans count that start in (start, end]. */
  readonly startNanos: bigint;
  readonly endNanos: bigint;
  /** Length of an interval; of an instant query the whole length of the query, also where the job covers a part. */
  readonly stepNanos: bigint;
  /** One interval for all, at the query's own start; otherwise intervals begin at multiples of the step. */
  readonly instant: boolean;
  /** Most exemplars wanted. */
  readonly exemplars: number;
  /** Most series; 0 is no limit. */
  readonly maxSeries: number;
}

/** A part of a metrics query over a part of one block (spec read-path §5.3). */
export interface MetricsBlockRequest extends MetricsRange {
  readonly block: BlockPart;
}

/** The intervals of a query or job. */
export function metricsGrid({ startNanos, endNanos, stepNanos, instant }: MetricsRange): MetricsGrid {
  if (instant) return { startNanos, stepNanos, count: 1 };
  const base = startNanos - (startNanos % stepNanos);
  return { startNanos: base, stepNanos, count: Number((endNanos - base + stepNanos - 1n) / stepNanos) };
}

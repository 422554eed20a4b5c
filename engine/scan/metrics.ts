import type { MetricsExemplar, MetricsGrid, MetricsSeries } from '#engine/api/metrics-series.ts';
import { throwIfAborted } from '#engine/base/errors.ts';
import type { Kernels } from '#engine/kernels/kernels.ts';
import type { TimeWindow } from '#engine/kernels/time-intervals.ts';
import type { ParquetFile } from '#engine/parquet/file.ts';
import type { MetricsPlan } from '#engine/traceql/plan-metrics.ts';
import { type Accumulator, createAccumulator } from './accumulators.ts';
import { type CountedSpans, countSpans, type IntervalSpace } from './counted-spans.ts';
import { evaluateSpansets } from './evaluate.ts';
import { createLabelValues, type LabelValues } from './label-values.ts';
import { createExemplarPicker, type ExemplarPicker } from './metric-exemplars.ts';
import { createGroupTable, type GroupColumn, type GroupTable } from './metric-groups.ts';
import { groupLabels } from './metric-labels.ts';
import { argumentBuckets, argumentValues } from './metric-values.ts';
import { createRowGroupOpener } from './metrics-columns.ts';
import { runStages } from './pipeline.ts';
import { valueIds } from './reference-values.ts';
import type { BlockReader } from './row-group.ts';
import { createScanState, type PreparedPlan, type ScanState } from './scan-state.ts';
import { spansetsMap } from './spansets.ts';

/** Which spans of a job count, and in which interval (spec traceql §8.2, §8.3). */
export interface MetricsWindow extends TimeWindow {
  /** Number of intervals. */
  readonly count: number;
}

/** What to count in one block. */
export interface MetricsScan {
  readonly kernels: Kernels;
  readonly reader: BlockReader;
  readonly file: ParquetFile;
  readonly plan: MetricsPlan;
  /** The plan's pipeline, bound to the block. */
  readonly prepared: PreparedPlan;
  /** Row groups `[from, to)`, which exist. */
  readonly fromRowGroup: number;
  readonly toRowGroup: number;
  readonly window: MetricsWindow;
  /** Most exemplars wanted. */
  readonly maxExemplars: number;
  readonly signal: AbortSignal | undefined;
}

/** What a scan found, and how many spans it counted. */
export interface MetricsScanResult {
  readonly series: readonly MetricsSeries[];
  readonly countedSpans: number;
}

/** What one kind of measure keeps over the row groups of a job. */
export interface Measurement {
  readonly addRowGroup: (state: ScanState, counted: CountedSpans) => Promise<void>;
  readonly series: () => readonly MetricsSeries[];
}

/** Scans row groups into series (spec traceql §8.7, the job's level). Throws `resource_exhausted` where there are too many. */
export async function scanMetrics(scan: MetricsScan, measurement: Measurement): Promise<MetricsScanResult> {
  let countedSpans = 0;
  const open = createRowGroupOpener(scan);
  const space: IntervalSpace = { intervals: new Uint32Array(0) };
  for (let index = scan.fromRowGroup; index < scan.toRowGroup; index++) {
    throwIfAborted(scan.signal);
    const mark = scan.kernels.mark();
    try {
      const state = createScanState(open(index), scan.prepared);
      const matched = await matchedSpans(scan, state);
      if (matched === undefined) continue;
      const counted = await countSpans(state, matched, scan.window, space);
      if (counted.spans.length === 0) continue;
      countedSpans += counted.spans.length;
      await measurement.addRowGroup(state, counted);
    } finally {
      scan.kernels.release(mark);
    }
  }
  return { series: measurement.series(), countedSpans };
}

/** Byte map of the spans in the pipeline's last spansets; undefined: none. */
async function matchedSpans(scan: MetricsScan, state: ScanState): Promise<number | undefined> {
  const { spansets, stages } = scan.plan.search;
  const matched = await evaluateSpansets(state, spansets);
  if (matched === undefined || stages.length === 0) return matched;
  const left = await runStages({ state, firstTrace: 0, signal: scan.signal }, stages, matched);
  return left.count === 0 ? undefined : spansetsMap(state, left);
}

/** The grid of a window. */
export function gridOf({ baseNanos, stepNanos, count }: MetricsWindow): MetricsGrid {
  return { startNanos: baseNanos, stepNanos, count };
}

interface Grouping {
  readonly plan: MetricsPlan;
  readonly values: readonly LabelValues[];
  readonly table: GroupTable;
  readonly accumulator: Accumulator;
  readonly exemplars: ExemplarPicker | undefined;
}

/** Measures everything but `compare()`: spans by group, and of histograms by bucket. */
export function createGroupMeasurement(scan: MetricsScan): Measurement {
  const { plan, window } = scan;
  const isHistogram = plan.measure === 'histogram';
  const grouping: Grouping = {
    plan,
    values: plan.by.map(createLabelValues),
    table: createGroupTable(plan.by.length + Number(isHistogram), isHistogram ? plan.by.length : undefined),
    accumulator: createAccumulator(plan.measure === 'compare' ? 'count' : plan.measure, window.count),
    exemplars: scan.maxExemplars > 0 ? createExemplarPicker(plan, gridOf(window), scan.maxExemplars) : undefined,
  };
  let any = false;
  return {
    addRowGroup: async (state, counted) => {
      any = true;
      await addSpans(grouping, state, counted);
    },
    series: () => {
      // Spans that are only counted are 0 where there are none, provided that a job ran.
      if (!any && plan.measure === 'count' && plan.by.length === 0) {
        grouping.accumulator.add(1, new Uint32Array(0), new Uint32Array(0), undefined);
      }
      return seriesOf(grouping, any);
    },
  };
}

/** Numbers of buckets: exponents of 64-bit numbers, and one for none. */
const bucketCount = 66;

async function addSpans({ plan, values, table, accumulator, exemplars }: Grouping, state: ScanState, counted: CountedSpans): Promise<void> {
  const columns: GroupColumn[] = [];
  for (const [index, reference] of plan.by.entries()) {
    const ids = await valueIds(state, reference, counted, values[index]);
    columns.push({ ids, size: values[index].count() });
  }
  let numbers: Float64Array | undefined;
  if (plan.argument !== undefined) {
    if (plan.measure === 'histogram') columns.push({ ids: await argumentBuckets(state, plan.argument, counted), size: bucketCount });
    else numbers = await argumentValues(state, plan.argument, counted);
  }
  const groups = table.groupsOf(columns, counted.spans.length);
  accumulator.add(table.count(), groups, counted.intervals, numbers);
  await exemplars?.pick(state, counted, groups);
}

function seriesOf({ plan, values, table, accumulator, exemplars }: Grouping, any: boolean): readonly MetricsSeries[] {
  const series: MetricsSeries[] = [];
  const count = any || (plan.measure === 'count' && plan.by.length === 0) ? table.count() : 0;
  const none: readonly MetricsExemplar[] = [];
  for (let group = 0; group < count; group++) {
    const result = accumulator.result(group);
    if (result === undefined) continue;
    series.push({ labels: groupLabels(plan, table.members(group), values), exemplars: exemplars?.of(group) ?? none, ...result });
  }
  return series;
}

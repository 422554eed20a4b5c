import { throwIfAborted } from '#engine/base/errors.ts';
import type { Kernels } from '#engine/kernels/kernels.ts';
import type { Intrinsic, Reference } from '#engine/traceql/ast.ts';
import { referenceKey } from '#engine/traceql/plan-filter.ts';
import type { ComparePlan } from '#engine/traceql/plan-metrics.ts';
import { type BlockSchema, type ColumnSource, dedicatedColumnsOf, sourcesOf } from '#engine/vparquet/sources.ts';
import { countColumn } from './compare-columns.ts';
import { createCompareCounts } from './compare-counts.ts';
import { countListAttributes } from './compare-lists.ts';
import { createRuns } from './compare-runs.ts';
import { type Compared, type ComparedAttribute, comparedSeries } from './compare-series.ts';
import { type CountedSpans, halvesAt, spanStartColumn } from './counted-spans.ts';
import { evaluateSpansets } from './evaluate.ts';
import type { Measurement, MetricsScan } from './metrics.ts';
import { putSlots } from './reference-values.ts';
import { onColumn, pagesOf } from './row-group.ts';
import type { ScanState } from './scan-state.ts';
import { requiredColumn } from './structure.ts';

/** Intrinsics that are compared (spec traceql §8.9). */
const intrinsics: readonly Intrinsic[] = [
  'name',
  'status',
  'statusMessage',
  'kind',
  'span:childCount',
  'rootName',
  'rootServiceName',
  'instrumentation:name',
  'instrumentation:version',
];

/** What a comparison keeps over the row groups of a job. */
export interface Comparison extends Compared {
  readonly intervals: number;
  /** The number of an attribute. */
  readonly attribute: (reference: Reference) => number;
}

function createComparison(kernels: Kernels, intervals: number, countedTwice: readonly Reference[]): Comparison {
  const twice = new Set(countedTwice.map(referenceKey));
  const numbers = new Map<string, number>();
  const attributes: ComparedAttribute[] = [];
  return {
    intervals,
    counts: createCompareCounts(kernels, intervals),
    attributes,
    attribute: (reference) => {
      const key = referenceKey(reference);
      let number = numbers.get(key);
      if (number === undefined) {
        number = attributes.push({ reference, weight: twice.has(key) ? 2 : 1 }) - 1;
        numbers.set(key, number);
      }
      return number;
    },
  };
}

/** Measures `compare()`: counts of all values of all attributes on both sides. */
export function createCompareMeasurement(scan: MetricsScan, plan: ComparePlan): Measurement {
  const intervals = scan.window.count;
  const comparison = createComparison(scan.kernels, intervals, plan.countedTwice);
  const columns = columnReferences(scan.prepared.schema);
  return {
    addRowGroup: async (state, counted) => {
      const runs = createRuns(state, counted, await cellsOf(state, counted, plan, intervals), 2 * intervals);
      for (const reference of columns) {
        throwIfAborted(scan.signal);
        const source = columnOf(state, reference);
        if (source === undefined || source.level === 'event' || source.level === 'link') continue;
        await countColumn(comparison, state.group, { ...source, level: source.level }, comparison.attribute(reference), runs);
      }
      await countListAttributes(comparison, state, runs);
    },
    series: () => comparedSeries(comparison, plan.topN),
  };
}

function columnOf(state: ScanState, reference: Reference): ColumnSource | undefined {
  for (const { sources } of sourcesOf(state.prepared.schema, reference)) {
    for (const source of sources) if (source.kind === 'column') return source;
  }
  return undefined;
}

/** Attributes and intrinsics that have columns of their own and are compared. */
export function columnReferences(schema: BlockSchema): readonly Reference[] {
  const { fixedSpan, fixedResource } = schema.version;
  const attributes = (scope: 'span' | 'resource', names: readonly string[]): readonly Reference[] =>
    names.map((name) => ({ kind: 'attribute', scope, name, parent: false }));
  return [
    ...intrinsics.map((name): Reference => ({ kind: 'intrinsic', name })),
    ...attributes('span', Object.keys(fixedSpan)),
    ...attributes('resource', Object.keys(fixedResource)),
    ...(['span', 'resource'] as const).flatMap((scope) =>
      attributes(
        scope,
        dedicatedColumnsOf(schema, scope).map(({ name }) => name),
      ),
    ),
  ];
}

/** For each counted span its interval, plus the number of intervals where it belongs to the selection. */
async function cellsOf(state: ScanState, counted: CountedSpans, plan: ComparePlan, intervals: number): Promise<Uint32Array> {
  const { spans } = counted;
  const selected = await evaluateSpansets(state, plan.selection);
  if (selected === undefined) return counted.intervals;
  const inTime = plan.startNanos === 0n && plan.endNanos === 0n ? undefined : await startsWithin(state, spans, plan);
  const { spanCount } = await state.structure();
  const map = state.group.kernels.u8(selected, spanCount);
  const cells = counted.intervals.slice();
  for (let i = 0; i < spans.length; i++) if (map[spans[i]] === 1 && (inTime === undefined || inTime[i] === 1)) cells[i] += intervals;
  return cells;
}

/** 1 for spans that start in (start, end]. */
async function startsWithin(state: ScanState, spans: Uint32Array, { startNanos, endNanos }: ComparePlan): Promise<Uint8Array> {
  const { group } = state;
  const { kernels } = group;
  const column = requiredColumn(group, spanStartColumn);
  const pages = await pagesOf(group, column);
  const at = kernels.alloc(8 * spans.length);
  const slotsAt = putSlots(group, spans);
  await onColumn(group, column, () => kernels.gatherInts(pages, slotsAt, spans.length, at));
  const { low, high } = halvesAt(kernels, at, spans.length);
  const length = Number(endNanos - startNanos);
  const startHigh = Number(startNanos >> 32n);
  const startLow = Number(startNanos & 0xffffffffn);
  return Uint8Array.from(spans, (_, i) => {
    const distance = (high[2 * i + 1] - startHigh) * 4294967296 + (low[2 * i] - startLow);
    return Number(distance > 0 && distance <= length);
  });
}

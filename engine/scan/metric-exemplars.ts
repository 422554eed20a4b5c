import { createExemplarSpread } from '#engine/api/exemplar-spread.ts';
import { intervalMs, type MetricsExemplar, type MetricsGrid, type MetricsLabel } from '#engine/api/metrics-series.ts';
import type { MetricsPlan } from '#engine/traceql/plan-metrics.ts';
import { printReference } from '#engine/traceql/print.ts';
import { sourcesOf } from '#engine/vparquet/sources.ts';
import { type CountedSpans, halvesAt, spanStartColumn } from './counted-spans.ts';
import { createLabelValues } from './label-values.ts';
import { noGroup } from './metric-groups.ts';
import { argumentValues } from './metric-values.ts';
import { putSlots, valueIds } from './reference-values.ts';
import { onColumn, pagesOf } from './row-group.ts';
import type { ScanState } from './scan-state.ts';
import { requiredColumn } from './structure.ts';

/** Exemplars of a job, by group (spec traceql §8.10). */
export interface ExemplarPicker {
  /** Looks at the counted spans of a row group, with the group of each. */
  readonly pick: (state: ScanState, counted: CountedSpans, groups: Uint32Array) => Promise<void>;
  readonly of: (group: number) => readonly MetricsExemplar[];
}

/** Traces that are looked at for each exemplar still wanted: some fall into parts of the range that have theirs. */
const candidatesPerExemplar = 4;
/** A multiplier of a well-spread sequence (Knuth): which span of a trace is taken has to look random, and be the same wherever a job runs. */
const spreadMultiplier = 2654435761;

/** Picks at most `wanted` exemplars over all row groups of a job. */
export function createExemplarPicker(plan: MetricsPlan, grid: MetricsGrid, wanted: number): ExemplarPicker {
  const spread = createExemplarSpread(grid, wanted);
  const byGroup = new Map<number, MetricsExemplar[]>();
  return {
    pick: async (state, counted, groups) => {
      if (spread.left() <= 0 || counted.spans.length === 0) return;
      const chosen = await chooseSpans(state, counted, groups, candidatesPerExemplar * spread.left());
      const times = await timesOf(state, plan, grid, chosen);
      const kept = Uint32Array.from(chosen.indexes.keys()).filter((i) => spread.take(times[i]));
      const spans = kept.map((i) => chosen.spans[i]);
      const exemplars = await readExemplars(state, plan, spans);
      kept.forEach((i, at) => {
        const group = groups[chosen.indexes[i]];
        const list = byGroup.get(group) ?? [];
        list.push({ ...exemplars[at], timeMs: times[i] });
        byGroup.set(group, list);
      });
    },
    of: (group) => byGroup.get(group) ?? [],
  };
}

interface ChosenSpans {
  readonly spans: Uint32Array;
  readonly intervals: Uint32Array;
  /** Where each stands among the counted spans. */
  readonly indexes: Uint32Array;
}

/** One span each of some traces, evenly over the row group. */
async function chooseSpans(state: ScanState, counted: CountedSpans, groups: Uint32Array, most: number): Promise<ChosenSpans> {
  const { traceSpans, traceCount } = await state.structure();
  const starts = state.group.kernels.u32(traceSpans, traceCount + 1);
  const indexes: number[] = [];
  const count = counted.spans.length;
  const step = Math.max(1, count / most);
  let trace = -1;
  for (let at = 0; at < count; at += step) {
    const candidate = lastNotAbove(starts, counted.spans[Math.floor(at)]);
    if (candidate === trace) continue;
    trace = candidate;
    const from = firstNotBelow(counted.spans, starts[trace]);
    const to = firstNotBelow(counted.spans, starts[trace + 1]);
    const index = from + ((Math.imul(trace + 1, spreadMultiplier) >>> 8) % (to - from));
    if (groups[index] !== noGroup) indexes.push(index);
  }
  const chosen = Uint32Array.from(indexes);
  return { indexes: chosen, spans: chosen.map((i) => counted.spans[i]), intervals: chosen.map((i) => counted.intervals[i]) };
}

/** Position of the first of ascending numbers that is not below a bound. */
function firstNotBelow(numbers: Uint32Array, bound: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (numbers[middle] < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

function lastNotAbove(numbers: Uint32Array, bound: number): number {
  return firstNotBelow(numbers, bound + 1) - 1;
}

/** True where an exemplar has a value of its own and stands at its span's start; others take both from their sample. */
export function hasOwnValue({ function: name }: MetricsPlan): boolean {
  return name !== 'rate' && name !== 'count_over_time' && name !== 'histogram_over_time' && name !== 'compare';
}

/** Milliseconds since the epoch. */
async function timesOf(state: ScanState, plan: MetricsPlan, grid: MetricsGrid, { spans, intervals }: ChosenSpans): Promise<Float64Array> {
  if (!hasOwnValue(plan)) return intervalTimes(grid, intervals);
  const { group } = state;
  const { kernels } = group;
  const column = requiredColumn(group, spanStartColumn);
  const pages = await pagesOf(group, column);
  const at = kernels.alloc(8 * spans.length);
  const slotsAt = putSlots(group, spans);
  await onColumn(group, column, () => kernels.gatherInts(pages, slotsAt, spans.length, at));
  const { low, high } = halvesAt(kernels, at, spans.length);
  return Float64Array.from(spans, (_, i) => Math.floor((high[2 * i + 1] * 4294967296 + low[2 * i]) / 1e6));
}

/** Neighbours often share an interval, and its time is worked out in whole numbers of any size. */
function intervalTimes(grid: MetricsGrid, intervals: Uint32Array): Float64Array {
  const known = new Map<number, number>();
  return Float64Array.from(intervals, (interval) => {
    let time = known.get(interval);
    if (time === undefined) {
      time = intervalMs(grid, interval);
      known.set(interval, time);
    }
    return time;
  });
}

/** Labels and values of some spans: the trace id and all that the query looks at. */
async function readExemplars(state: ScanState, plan: MetricsPlan, spans: Uint32Array): Promise<readonly Omit<MetricsExemplar, 'timeMs'>[]> {
  const chosen: CountedSpans = { spans, intervals: new Uint32Array(spans.length), all: false };
  const labels: MetricsLabel[][] = Array.from(spans, () => []);
  const references = plan.search.shown.map(({ reference }) => reference).filter((reference) => printReference(reference) !== 'trace:id');
  for (const reference of [{ kind: 'intrinsic', name: 'trace:id' } as const, ...references]) {
    if (sourcesOf(state.prepared.schema, reference).length === 0) continue;
    const values = createLabelValues();
    const ids = await valueIds(state, reference, chosen, values);
    const key = printReference(reference);
    labels.forEach((list, i) => {
      if (ids[i] !== 0) list.push({ key, value: values.value(ids[i]) });
    });
  }
  const numbers =
    hasOwnValue(plan) && plan.argument !== undefined
      ? await argumentValues(state, plan.argument, chosen)
      : new Float64Array(spans.length).fill(Number.NaN);
  return labels.map((list, i) => ({ labels: list, value: numbers[i] }));
}

import type { Operand } from './expressions.ts';
import type { ScanState } from './scan-state.ts';

/** Spansets during a pipeline, as columns. No span is in two of them. */
export interface Spansets {
  readonly count: number;
  /** Trace of each spanset, ascending; a trace may have several. */
  readonly traces: Uint32Array;
  /** Where each spanset's spans start in {@link Spansets.spans}; one more than there are spansets. */
  readonly starts: Uint32Array;
  /** Span slots, ascending within a spanset. */
  readonly spans: Uint32Array;
  /** What stages have found out about each spanset, in order of creation (spec traceql §6.3). */
  readonly attributes: readonly GroupAttribute[];
}

/** An attribute of spansets: the value of spanset s is `values[ids[s]]`. */
export interface GroupAttribute {
  readonly key: string;
  readonly ids: Uint32Array;
  readonly values: readonly Operand[];
}

/** One spanset for each trace from `firstTrace` on that has a span in the byte map. */
export async function spansetsOf(state: ScanState, matched: number, firstTrace: number): Promise<Spansets> {
  const { kernels } = state.group;
  const { spanCount, traceCount, traceSpans } = await state.structure();
  const map = kernels.u8(matched, spanCount);
  const slots = kernels.u32(traceSpans, traceCount + 1);
  const from = slots[Math.min(firstTrace, traceCount)];
  let total = 0;
  for (let i = from; i < spanCount; i++) total += map[i];
  const spans = new Uint32Array(total);
  const traces = new Uint32Array(Math.min(total, traceCount));
  const starts = new Uint32Array(traces.length + 1);
  let count = 0;
  let top = 0;
  for (let trace = firstTrace; trace < traceCount; trace++) {
    for (let span = slots[trace]; span < slots[trace + 1]; span++) if (map[span] === 1) spans[top++] = span;
    if (top === starts[count]) continue;
    traces[count++] = trace;
    starts[count] = top;
  }
  return { count, traces: traces.subarray(0, count), starts: starts.subarray(0, count + 1), spans, attributes: [] };
}

/** The spans of all spansets as a byte map. */
export async function spansetsMap(state: ScanState, { spans }: Spansets): Promise<number> {
  const { kernels } = state.group;
  const { spanCount } = await state.structure();
  const at = kernels.alloc(spanCount);
  const map = kernels.u8(at, spanCount).fill(0);
  for (let i = 0; i < spans.length; i++) map[spans[i]] = 1;
  return at;
}

/** All spans of these traces as a byte map. */
export async function tracesMap(state: ScanState, traces: Uint32Array): Promise<number> {
  const { kernels } = state.group;
  const { spanCount, traceCount, traceSpans } = await state.structure();
  const at = kernels.alloc(spanCount);
  const map = kernels.u8(at, spanCount).fill(0);
  const starts = kernels.u32(traceSpans, traceCount + 1);
  for (let i = 0; i < traces.length; i++) map.fill(1, starts[traces[i]], starts[traces[i] + 1]);
  return at;
}

/** Drops the spans that a byte map does not hold, and spansets that have none left. */
export function keepSpans(spansets: Spansets, map: Uint8Array): Spansets {
  const { spans, starts } = spansets;
  const kept = new Uint32Array(spans.length);
  const keptStarts = new Uint32Array(spansets.count + 1);
  const sets = new Uint32Array(spansets.count);
  let count = 0;
  let top = 0;
  for (let set = 0; set < spansets.count; set++) {
    for (let i = starts[set]; i < starts[set + 1]; i++) if (map[spans[i]] === 1) kept[top++] = spans[i];
    if (top === keptStarts[count]) continue;
    sets[count++] = set;
    keptStarts[count] = top;
  }
  return {
    count,
    traces: Uint32Array.from(sets.subarray(0, count), (set) => spansets.traces[set]),
    starts: keptStarts.subarray(0, count + 1),
    spans: kept.subarray(0, top),
    attributes: chosenAttributes(spansets.attributes, sets.subarray(0, count)),
  };
}

/** Keeps whole spansets: those of an ascending list. */
export function keepSpansets(spansets: Spansets, sets: Uint32Array): Spansets {
  const { spans, starts } = spansets;
  const keptStarts = new Uint32Array(sets.length + 1);
  for (let i = 0; i < sets.length; i++) keptStarts[i + 1] = keptStarts[i] + starts[sets[i] + 1] - starts[sets[i]];
  const kept = new Uint32Array(keptStarts[sets.length]);
  for (let i = 0; i < sets.length; i++) kept.set(spans.subarray(starts[sets[i]], starts[sets[i] + 1]), keptStarts[i]);
  return {
    count: sets.length,
    traces: Uint32Array.from(sets, (set) => spansets.traces[set]),
    starts: keptStarts,
    spans: kept,
    attributes: chosenAttributes(spansets.attributes, sets),
  };
}

/** The attributes of some spansets, which may be named several times. */
export function chosenAttributes(attributes: readonly GroupAttribute[], sets: Uint32Array): readonly GroupAttribute[] {
  return attributes.map(({ key, ids, values }) => ({ key, ids: Uint32Array.from(sets, (set) => ids[set]), values }));
}

/** Merges the spansets of each trace into one; their attributes are lost (spec traceql §6.1). */
export function coalesce(spansets: Spansets): Spansets {
  const { count, traces, starts } = spansets;
  const spans = spansets.spans.slice();
  const mergedTraces = new Uint32Array(count);
  const mergedStarts = new Uint32Array(count + 1);
  let merged = 0;
  for (let set = 0; set < count; ) {
    const from = set;
    while (set < count && traces[set] === traces[from]) set++;
    if (set - from > 1) spans.subarray(starts[from], starts[set]).sort();
    mergedTraces[merged++] = traces[from];
    mergedStarts[merged] = starts[set];
  }
  return { count: merged, traces: mergedTraces.subarray(0, merged), starts: mergedStarts.subarray(0, merged + 1), spans, attributes: [] };
}

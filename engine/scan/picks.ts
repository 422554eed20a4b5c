import type { ScanState } from './scan-state.ts';
import { chosenAttributes, type GroupAttribute, type Spansets } from './spansets.ts';

/** What an answer shows: traces, their spansets, and the first spans of each. */
export interface Picks {
  /** Row of each trace, ascending. */
  readonly rows: Uint32Array;
  /** u32 × 2 for each trace: its `[from, to)` in the spansets. */
  readonly spansetRanges: Uint32Array;
  /** Spans of each spanset before the cut. */
  readonly matched: Uint32Array;
  /** u32 × 2 for each spanset: its `[from, to)` in `order`. */
  readonly spanRanges: Uint32Array;
  /** Span slots, ascending. */
  readonly spans: Uint32Array;
  /** Positions in `spans`, spanset after spanset; undefined: just one after the other. */
  readonly order: Uint32Array | undefined;
  /** Attributes of the spansets. */
  readonly attributes: readonly GroupAttribute[];
}

/** How much is picked. */
export interface PickLimits {
  readonly firstTrace: number;
  readonly maxTraces: number;
  /** 0 is unlimited. */
  readonly spansPerSpanset: number;
}

/** One spanset for each trace with a span in the byte map. */
export async function pickFromMap(state: ScanState, matched: number, limits: PickLimits): Promise<Picks> {
  const { kernels } = state.group;
  const { traceCount, spanCount, traceSpans } = await state.structure();
  const wanted = Math.min(limits.maxTraces, traceCount);
  const perTrace = limits.spansPerSpanset === 0 ? spanCount : limits.spansPerSpanset;
  const picks = kernels.alloc(16 * (wanted + 1));
  const spansAt = kernels.alloc(4 * Math.min(spanCount, perTrace * wanted) + 4);
  const count = kernels.pickSpans(matched, traceSpans, limits.firstTrace, traceCount, perTrace, wanted, picks, spansAt);
  const traces = kernels.u32(picks, 4 * count);
  const spanRanges = new Uint32Array(2 * count);
  for (let i = 0; i < count; i++) {
    spanRanges[2 * i] = traces[4 * i + 2];
    spanRanges[2 * i + 1] = traces[4 * i + 2] + traces[4 * i + 3];
  }
  return {
    rows: Uint32Array.from({ length: count }, (_, i) => traces[4 * i]),
    spansetRanges: Uint32Array.from({ length: 2 * count }, (_, i) => (i + 1) >> 1),
    matched: Uint32Array.from({ length: count }, (_, i) => traces[4 * i + 1]),
    spanRanges,
    spans: kernels.u32(spansAt, count === 0 ? 0 : spanRanges[2 * count - 1]).slice(),
    order: undefined,
    attributes: [],
  };
}

/** Only the traces with a span in the byte map: no spansets (spec http-api §4). */
export async function pickTraces(state: ScanState, matched: number, limits: PickLimits): Promise<Picks> {
  const { rows } = await pickFromMap(state, matched, { ...limits, spansPerSpanset: 1 });
  const none = new Uint32Array(0);
  return {
    rows,
    spansetRanges: new Uint32Array(2 * rows.length),
    matched: none,
    spanRanges: none,
    spans: none,
    order: undefined,
    attributes: [],
  };
}

/** The spansets of a pipeline. */
export function pickFromSpansets(spansets: Spansets, { firstTrace, maxTraces, spansPerSpanset }: PickLimits): Picks {
  const { count, traces, starts, spans } = spansets;
  let first = 0;
  while (first < count && traces[first] < firstTrace) first++;
  const rows: number[] = [];
  const spansetRanges: number[] = [];
  const spanRanges: number[] = [];
  const picked: number[] = [];
  let set = first;
  for (; set < count; set++) {
    if (rows.at(-1) !== traces[set]) {
      if (rows.length === maxTraces) break;
      rows.push(traces[set]);
      spansetRanges.push(set - first, set - first);
    }
    spansetRanges[spansetRanges.length - 1]++;
    const end = spansPerSpanset === 0 ? starts[set + 1] : Math.min(starts[set + 1], starts[set] + spansPerSpanset);
    spanRanges.push(picked.length);
    for (let i = starts[set]; i < end; i++) picked.push(spans[i]);
    spanRanges.push(picked.length);
  }
  const sets = Uint32Array.from({ length: set - first }, (_, i) => first + i);
  return {
    rows: Uint32Array.from(rows),
    spansetRanges: Uint32Array.from(spansetRanges),
    matched: sets.map((shown) => starts[shown + 1] - starts[shown]),
    spanRanges: Uint32Array.from(spanRanges),
    ...inOrder(Uint32Array.from(picked)),
    attributes: chosenAttributes(spansets.attributes, sets),
  };
}

/** The same spans ascending, and where each of the given ones is among them. */
function inOrder(picked: Uint32Array): { readonly spans: Uint32Array; readonly order: Uint32Array | undefined } {
  if (picked.every((span, i) => i === 0 || picked[i - 1] < span)) return { spans: picked, order: undefined };
  const spans = picked.slice().sort();
  const positions = new Map<number, number>();
  for (let i = 0; i < spans.length; i++) positions.set(spans[i], i);
  return { spans, order: picked.map((span) => positions.get(span)!) };
}

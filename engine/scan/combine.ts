import type { Combination } from '#engine/traceql/plan.ts';
import { onColumn, pagesOf } from './row-group.ts';
import type { ScanState } from './scan-state.ts';
import type { Spansets } from './spansets.ts';
import { relate, type SpanSets, type TreeNumbers } from './structural.ts';
import { requiredColumn } from './structure.ts';

/**
 * Combines the spans of both sides (byte maps over span slots; undefined: none) within each trace, or within each of the spansets where given
 * (spec traceql §5.3). Undefined when nothing is left.
 */
export async function combine(
  state: ScanState,
  combination: Combination,
  left: number | undefined,
  right: number | undefined,
  within: Spansets | undefined,
): Promise<number | undefined> {
  const { kernels } = state.group;
  const { spanCount } = await state.structure();
  if (combination.kind === 'related') {
    if (right === undefined || (left === undefined && combination.keep !== 'unrelated')) return undefined;
    return left === undefined ? right : combineRelated(state, combination, left, right, within);
  }
  if (left === undefined || right === undefined) return combination.kind === 'both' ? undefined : (left ?? right);
  const union = kernels.alloc(spanCount);
  kernels.or(left, right, union, spanCount);
  if (combination.kind === 'either') return union;
  return within === undefined ? keepTracesOfBoth(state, left, right, union) : keepSetsOfBoth(state, left, right, union, within);
}

/** Both sides must have a span in the trace; then all of both are kept. */
async function keepTracesOfBoth(state: ScanState, left: number, right: number, union: number): Promise<number | undefined> {
  const { kernels } = state.group;
  const { spanCount, traceCount, traceSpans } = await state.structure();
  const traces = kernels.alloc(traceCount);
  const tracesRight = kernels.alloc(traceCount);
  kernels.anyChild(left, traceSpans, traceCount, traces);
  kernels.anyChild(right, traceSpans, traceCount, tracesRight);
  kernels.and(traces, tracesRight, traces, traceCount);
  if (!kernels.any(traces, traceCount)) return undefined;
  const inTraces = kernels.alloc(spanCount);
  kernels.expand(traces, traceSpans, traceCount, inTraces);
  kernels.and(union, inTraces, union, spanCount);
  return union;
}

async function keepSetsOfBoth(
  state: ScanState,
  left: number,
  right: number,
  union: number,
  { count, starts, spans }: Spansets,
): Promise<number | undefined> {
  const { kernels } = state.group;
  const { spanCount } = await state.structure();
  const lefts = kernels.u8(left, spanCount);
  const rights = kernels.u8(right, spanCount);
  const kept = kernels.u8(union, spanCount);
  let any = false;
  for (let set = 0; set < count; set++) {
    let sides = 0;
    for (let i = starts[set]; i < starts[set + 1]; i++) sides |= lefts[spans[i]] | (rights[spans[i]] << 1);
    if (sides === 3) any = true;
    else for (let i = starts[set]; i < starts[set + 1]; i++) kept[spans[i]] = 0;
  }
  return any ? union : undefined;
}

const treeColumn = {
  left: 'rs.ss.Spans.NestedSetLeft',
  right: 'rs.ss.Spans.NestedSetRight',
  parent: 'rs.ss.Spans.ParentID',
};

/** Paths of the columns that a combination reads. */
export function treeColumns(combination: Combination): readonly string[] {
  if (combination.kind !== 'related') return [];
  switch (combination.relation) {
    case 'child':
    case 'parent':
      return [treeColumn.left, treeColumn.parent];
    case 'sibling':
      return [treeColumn.parent];
    case 'descendant':
    case 'ancestor':
      return [treeColumn.left, treeColumn.right];
  }
}

async function combineRelated(
  state: ScanState,
  combination: Combination & { readonly kind: 'related' },
  left: number,
  right: number,
  within: Spansets | undefined,
): Promise<number | undefined> {
  const { kernels } = state.group;
  const { spanCount, traceCount, traceSpans } = await state.structure();
  const wanted = treeColumns(combination);
  const numbers = (path: string) => (wanted.includes(path) ? numbersOf(state, path) : new Int32Array(0));
  const tree: TreeNumbers = {
    left: await numbers(treeColumn.left),
    right: await numbers(treeColumn.right),
    parent: await numbers(treeColumn.parent),
  };
  const out = kernels.alloc(spanCount);
  const map = kernels.u8(out, spanCount).fill(0);
  const sets: SpanSets = within
    ? { count: within.count, starts: within.starts, members: within.spans }
    : { count: traceCount, starts: kernels.u32(traceSpans, traceCount + 1), members: undefined };
  relate(combination, sets, { left: kernels.u8(left, spanCount), right: kernels.u8(right, spanCount) }, tree, map);
  return kernels.any(out, spanCount) ? out : undefined;
}

/** A tree number of each scanned span slot; once per row group. */
function numbersOf(state: ScanState, path: string): Promise<Int32Array> {
  let numbers = state.treeNumbers.get(path);
  if (numbers === undefined) {
    numbers = readNumbers(state, path);
    state.treeNumbers.set(path, numbers);
  }
  return numbers;
}

async function readNumbers(state: ScanState, path: string): Promise<Int32Array> {
  const { group } = state;
  const column = requiredColumn(group, path);
  const pages = await pagesOf(group, column);
  const { spanCount } = await state.structure();
  return onColumn(group, column, () => {
    const { kernels } = group;
    const mark = kernels.mark();
    const at = kernels.alloc(8 * pages.entryCount);
    kernels.ints(pages, at);
    // The numbers are stored with 32 bits: the low half of each decoded one.
    const halves = new Int32Array(kernels.memory.buffer, at, 2 * Math.min(spanCount, pages.entryCount));
    const numbers = new Int32Array(spanCount);
    for (let i = 0; 2 * i < halves.length; i++) numbers[i] = halves[2 * i];
    kernels.release(mark);
    return numbers;
  });
}

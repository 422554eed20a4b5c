import type { LeafColumn } from '#engine/parquet/schema.ts';
import type { Condition, SpansetPlan } from '#engine/traceql/plan.ts';
import { evaluateGeneral } from './general.ts';
import { allSlots, complement, intersect, type Mask, maskAt, noSlots, toSpans, unite } from './masks.ts';
import type { PreparedTest, ScanState } from './scan-state.ts';
import { testAsSpans, testsOnOneChild } from './tests.ts';

/** Byte map of the span slots that a plan selects, or undefined when it selects none. */
export async function evaluateSpansets(state: ScanState, plan: SpansetPlan): Promise<number | undefined> {
  const mask = await evaluatePlan(state, plan);
  if (mask.kind === 'none') return undefined;
  const { kernels } = state.group;
  const { spanCount, realSpans } = await state.structure();
  let at: number;
  if (mask.kind === 'all') {
    at = kernels.alloc(spanCount);
    kernels.u8(at, spanCount).fill(1);
  } else at = await toSpans(state, mask);
  if (realSpans !== 0) {
    const real = kernels.alloc(spanCount);
    kernels.and(at, realSpans, real, spanCount);
    at = real;
  }
  return kernels.any(at, spanCount) ? at : undefined;
}

async function evaluatePlan(state: ScanState, plan: SpansetPlan): Promise<Mask> {
  if (plan.kind === 'filter') return evaluateCondition(state, plan.condition, allSlots);
  const left = await evaluateAsSpans(state, plan.left);
  if (plan.kind === 'both' && left === undefined) return noSlots;
  const right = await evaluateAsSpans(state, plan.right);
  if (left === undefined || right === undefined) {
    const only = left ?? right;
    return plan.kind === 'both' || only === undefined ? noSlots : maskAt('span', only);
  }
  const { kernels } = state.group;
  const { spanCount, traceCount, traceSpans } = await state.structure();
  const union = kernels.alloc(spanCount);
  kernels.or(left, right, union, spanCount);
  if (plan.kind === 'either') return maskAt('span', union);
  // Both sides must have a span in the trace; then all of both are kept (spec traceql §5.3).
  const traces = kernels.alloc(traceCount);
  const tracesRight = kernels.alloc(traceCount);
  kernels.anyChild(left, traceSpans, traceCount, traces);
  kernels.anyChild(right, traceSpans, traceCount, tracesRight);
  kernels.and(traces, tracesRight, traces, traceCount);
  if (!kernels.any(traces, traceCount)) return noSlots;
  const inTraces = kernels.alloc(spanCount);
  kernels.expand(traces, traceSpans, traceCount, inTraces);
  kernels.and(union, inTraces, union, spanCount);
  return maskAt('span', union);
}

/** One side of a spanset operator; slots that are no spans do not count. */
function evaluateAsSpans(state: ScanState, plan: SpansetPlan): Promise<number | undefined> {
  return evaluateSpansets(state, plan);
}

/** `within`: only slots of this mask matter to the caller; conditions that are costly per span use it. */
async function evaluateCondition(state: ScanState, condition: Condition, within: Mask): Promise<Mask> {
  switch (condition.kind) {
    case 'constant':
      return condition.value ? allSlots : noSlots;
    case 'test':
      return testAsSpans(state, condition.test);
    case 'sameChild':
      return testsOnOneChild(state, condition.tests);
    case 'not':
      return complement(state, await evaluateCondition(state, condition.operand, within));
    case 'and': {
      let mask = within;
      for (const operand of byCost(state, condition.operands)) {
        mask = await intersect(state, mask, await evaluateCondition(state, operand, mask));
        if (mask.kind === 'none') return noSlots;
      }
      return mask;
    }
    case 'or': {
      let mask: Mask = noSlots;
      for (const operand of condition.operands) mask = await unite(state, mask, await evaluateCondition(state, operand, within));
      return mask;
    }
    case 'general':
      return evaluateGeneral(state, condition.expression, within);
  }
}

/** Cheapest first, so that what is left to do is often nothing. */
function byCost(state: ScanState, operands: readonly Condition[]): readonly Condition[] {
  const costs = new Map(operands.map((operand) => [operand, cost(state, operand)]));
  return operands.toSorted((a, b) => costs.get(a)! - costs.get(b)!);
}

const levelCosts = { trace: 0, resource: 1, scope: 2, span: 3, event: 20, link: 20 };

function cost(state: ScanState, condition: Condition): number {
  switch (condition.kind) {
    case 'constant':
      return 0;
    case 'test':
      return testCost(state.prepared.tests[condition.test]);
    case 'sameChild':
      return condition.tests.length * 20;
    case 'not':
      return cost(state, condition.operand);
    case 'and':
    case 'or':
      return condition.operands.reduce((sum, operand) => sum + cost(state, operand), 0);
    case 'general':
      return 1000;
  }
}

function testCost({ groups }: PreparedTest): number {
  let sum = 0;
  for (const { level, sources } of groups) {
    for (const source of sources) {
      if (source.kind === 'list') sum += 8 * (levelCosts[level] + 1);
      else sum += levelCosts[level] + (source.column.type === 'int64' ? 1 : 0);
    }
  }
  return sum;
}

/** Columns that the first pass may read, for fetching them together. */
export function firstPassColumns(tests: readonly PreparedTest[]): readonly LeafColumn[] {
  const columns = new Set<LeafColumn>();
  for (const { test, groups } of tests) {
    for (const source of groups.flatMap((group) => group.sources)) {
      if (source.kind === 'column') columns.add(source.column);
      else for (const column of [source.key, ...listColumns(source, test.predicate.kind)]) if (column) columns.add(column);
    }
  }
  return [...columns];
}

function listColumns(
  source: {
    readonly strings: LeafColumn | undefined;
    readonly ints: LeafColumn | undefined;
    readonly doubles: LeafColumn | undefined;
    readonly booleans: LeafColumn | undefined;
  },
  kind: string,
) {
  if (kind === 'int') return [source.ints];
  if (kind === 'double') return [source.doubles];
  if (kind === 'boolean') return [source.booleans];
  if (kind === 'present' || kind === 'absent') return [source.strings, source.ints, source.doubles, source.booleans];
  return [source.strings];
}

import type { Condition, SpansetPlan } from '#engine/traceql/plan.ts';
import { combine } from './combine.ts';
import { evaluateGeneral } from './general.ts';
import { allSlots, complement, intersect, type Mask, maskAt, noSlots, toSpans, unite } from './masks.ts';
import type { PreparedTest, ScanState } from './scan-state.ts';
import { type Spansets, spansetsMap } from './spansets.ts';
import { testAsSpans, testsOnOneChild } from './tests.ts';

/**
 * Byte map of the span slots that a plan selects, or undefined when it selects none. Spanset operators work within each trace; where spansets are
 * given, within each of those and on their spans only.
 */
export async function evaluateSpansets(state: ScanState, plan: SpansetPlan, within?: Spansets): Promise<number | undefined> {
  const domain = within && { spansets: within, map: await spansetsMap(state, within) };
  return evaluatePlan(state, plan, domain);
}

/** Spansets with a byte map of all their spans. */
interface Domain {
  readonly spansets: Spansets;
  readonly map: number;
}

async function evaluatePlan(state: ScanState, plan: SpansetPlan, domain: Domain | undefined): Promise<number | undefined> {
  if (plan.kind === 'filter') return evaluateFilter(state, plan.condition, domain?.map);
  const left = await evaluatePlan(state, plan.left, domain);
  const leftIsNeeded = plan.kind === 'both' || (plan.kind === 'related' && plan.keep !== 'unrelated');
  if (left === undefined && leftIsNeeded) return undefined;
  return combine(state, plan, left, await evaluatePlan(state, plan.right, domain), domain?.spansets);
}

/** `within`: a byte map of the spans to look at, which are all real; without it slots that are no spans are taken out. */
async function evaluateFilter(state: ScanState, condition: Condition, within: number | undefined): Promise<number | undefined> {
  const { kernels } = state.group;
  const start = within === undefined ? allSlots : maskAt('span', within);
  const mask = await intersect(state, start, await evaluateCondition(state, condition, start));
  if (mask.kind === 'none') return undefined;
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
      for (const operand of byCost(state.prepared.tests, condition.operands)) {
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

/** Operands of a conjunction in the order of evaluation: cheapest first, so that what is left to do is often nothing. */
export function byCost(tests: readonly PreparedTest[], operands: readonly Condition[]): readonly Condition[] {
  const costs = new Map(operands.map((operand) => [operand, cost(tests, operand)]));
  return operands.toSorted((a, b) => costs.get(a)! - costs.get(b)!);
}

const levelCosts = { trace: 0, resource: 1, scope: 2, span: 3, event: 20, link: 20 };

function cost(tests: readonly PreparedTest[], condition: Condition): number {
  switch (condition.kind) {
    case 'constant':
      return 0;
    case 'test':
      return testCost(tests[condition.test]);
    case 'sameChild':
      return condition.tests.length * 20;
    case 'not':
      return cost(tests, condition.operand);
    case 'and':
    case 'or':
      return condition.operands.reduce((sum, operand) => sum + cost(tests, operand), 0);
    case 'general':
      return 1000;
  }
}

/** A dictionary that lacks the value rules a row group out before data is read, so texts come before numbers; a list behind a column of its own is mostly absent. */
function testCost({ groups }: PreparedTest): number {
  let sum = 0;
  for (const { level, sources } of groups) {
    for (const source of sources) {
      if (source.kind === 'column') sum += levelCosts[level] + (source.column.type === 'bytes' ? 0 : 2);
      else sum += sources.length > 1 ? 1 : 8 * (levelCosts[level] + 1);
    }
  }
  return sum;
}

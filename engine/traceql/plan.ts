import { AppError } from '#engine/base/errors.ts';
import type {
  Aggregate,
  ComparisonOperator,
  FieldExpression,
  Pipeline,
  Query,
  Reference,
  SpansetExpression,
  SpansetOperator,
  Stage,
  Static,
} from './ast.ts';
import { wantsMostRecent } from './hints.ts';
import {
  anyPresent,
  createDraft,
  type PlanDraft,
  planFilter,
  referenceKey,
  referencesIn,
  showAlways,
  showTreeNumbers,
} from './plan-filter.ts';
import { printAggregate, printStage } from './print-query.ts';

/** What a stored value must satisfy, typed as it is stored. An attribute's other types never satisfy it (spec traceql §4.8). */
export type Predicate =
  | { readonly kind: 'string'; readonly operator: Comparison; readonly value: string }
  | { readonly kind: 'regex'; readonly negated: boolean; readonly pattern: string }
  | { readonly kind: 'int'; readonly operator: Comparison; readonly value: bigint }
  | { readonly kind: 'double'; readonly operator: Comparison; readonly value: number }
  | { readonly kind: 'boolean'; readonly operator: '=' | '!='; readonly value: boolean }
  | { readonly kind: 'present' }
  | { readonly kind: 'absent' };

/** A comparison of values in an order. */
export type Comparison = Exclude<ComparisonOperator, '=~' | '!~'>;

/** One predicate on one reference: what storage can answer from columns alone. */
export interface Test {
  readonly reference: Reference;
  readonly predicate: Predicate;
}

/** A filter as a tree over tests. `sameChild`: one event (or link) must satisfy all operands. `general` needs values, not only columns. */
export type Condition =
  | { readonly kind: 'constant'; readonly value: boolean }
  | { readonly kind: 'and' | 'or'; readonly operands: readonly Condition[] }
  | { readonly kind: 'not'; readonly operand: Condition }
  | { readonly kind: 'test'; readonly test: number }
  | { readonly kind: 'sameChild'; readonly tests: readonly number[] }
  | { readonly kind: 'general'; readonly expression: FieldExpression };

/** Which spans b of the right side are chosen for a span a of the left: b is a's child, descendant, …; `sibling` is another child of a's parent (spec traceql §5.2). */
export type Relation = 'child' | 'descendant' | 'parent' | 'ancestor' | 'sibling';

/**
 * How two sets of spans of one spanset become one (spec traceql §5.3). `both`: all spans if neither side is empty. `related` keeps of the right side the
 * spans that have the relation to any span of the left, or those that have it to none, or all pairs: such spans of both sides.
 */
export type Combination =
  | { readonly kind: 'both' | 'either' }
  | { readonly kind: 'related'; readonly relation: Relation; readonly keep: 'related' | 'unrelated' | 'pairs' };

/** Filters and what combines them per spanset. */
export type SpansetPlan =
  | { readonly kind: 'filter'; readonly condition: Condition }
  | (Combination & { readonly left: SpansetPlan; readonly right: SpansetPlan });

/** An aggregate over the spans of a spanset. */
export interface AggregatePlan {
  readonly function: Aggregate['function'];
  /** Absent for `count`. */
  readonly operand?: FieldExpression;
}

/** A pipeline: the first stage picks spans of whole traces, one spanset a trace; the others follow in order. */
export interface PipelinePlan {
  readonly spansets: SpansetPlan;
  readonly stages: readonly StagePlan[];
}

/**
 * A stage after the first (spec traceql §6.1). `key` is what the answer calls the attribute that it gives each spanset. `pipelines` is the only stage
 * where it stands: both sides run on whole traces, and the traces of its input are those that may come out.
 */
export type StagePlan =
  | { readonly kind: 'spansets'; readonly spansets: SpansetPlan }
  | {
      readonly kind: 'scalarFilter';
      readonly key: string;
      readonly aggregate: AggregatePlan;
      readonly operator: ComparisonOperator;
      readonly literal: Static;
    }
  | { readonly kind: 'groupBy'; readonly key: string; readonly expression: FieldExpression }
  | { readonly kind: 'coalesce' }
  | { readonly kind: 'pipelines'; readonly combination: Combination; readonly left: PipelinePlan; readonly right: PipelinePlan };

/** A reference whose values an answer shows: always, or where they satisfy one of the tests (spec traceql §6.3). */
export interface ShownReference {
  readonly reference: Reference;
  readonly always: boolean;
  readonly tests: readonly number[];
}

/** What to read and compute for a search. Plain data. */
export interface SearchPlan extends PipelinePlan {
  /** Whether answers show spansets, or traces only as those of tag searches do. */
  readonly result: 'spansets' | 'traces';
  /** The limit asks for the latest traces instead of any. */
  readonly mostRecent?: true;
  readonly tests: readonly Test[];
  readonly shown: readonly ShownReference[];
}

/** Plans a validated query. Throws `bad_request` for what validation should have refused. */
export function planSearch(query: Query): SearchPlan {
  const draft = createDraft();
  const { spansets, stages } = planPipeline(draft, query.pipeline);
  if (query.metrics) showAlways(draft, [...query.metrics.by, ...(query.metrics.argument ? [query.metrics.argument] : [])]);
  if (hasRelations(spansets) || stages.some(stageHasRelations)) showTreeNumbers(draft);
  const hints = wantsMostRecent(query) ? { mostRecent: true as const } : {};
  return { result: 'spansets', ...hints, spansets, stages, tests: draft.tests, shown: [...draft.shown.values()] };
}

/** True when no span can satisfy the plan, so that nothing need be read. */
export function isConstantFalse(plan: SpansetPlan): boolean {
  switch (plan.kind) {
    case 'filter':
      return plan.condition.kind === 'constant' && !plan.condition.value;
    case 'both':
      return isConstantFalse(plan.left) || isConstantFalse(plan.right);
    case 'either':
      return isConstantFalse(plan.left) && isConstantFalse(plan.right);
    case 'related':
      return isConstantFalse(plan.right) || (plan.keep !== 'unrelated' && isConstantFalse(plan.left));
  }
}

function hasRelations(plan: SpansetPlan): boolean {
  return plan.kind !== 'filter' && (plan.kind === 'related' || hasRelations(plan.left) || hasRelations(plan.right));
}

function stageHasRelations(stage: StagePlan): boolean {
  if (stage.kind === 'spansets') return hasRelations(stage.spansets);
  if (stage.kind !== 'pipelines') return false;
  const sides = [stage.left, stage.right];
  return stage.combination.kind === 'related' || sides.some((side) => hasRelations(side.spansets) || side.stages.some(stageHasRelations));
}

/** Plans a pipeline; its tests and what it shows go into the draft. Throws `bad_request` for what validation should have refused. */
export function planPipeline(draft: PlanDraft, pipeline: Pipeline): PipelinePlan {
  if (pipeline.kind === 'pipelineOperation') return planPipelines(draft, pipeline);
  const [first, ...others] = pipeline.stages;
  if (first !== undefined && isSpansetExpression(first)) {
    return { spansets: planSpansets(draft, first), stages: others.flatMap((stage) => planStage(draft, stage)) };
  }
  const stages = pipeline.stages.flatMap((stage) => planStage(draft, stage));
  return { spansets: { kind: 'filter', condition: candidates(draft, stages) }, stages };
}

/** What a pipeline that begins without a filter runs on: spans that have any of the values that it needs, or all if it needs none (spec traceql §6.3, §9.2). */
function candidates(draft: PlanDraft, stages: readonly StagePlan[]): Condition {
  const needed = new Map(stages.flatMap(neededIn).map((reference) => [referenceKey(reference), reference]));
  if (needed.size === 0 || stages.some(({ kind }) => kind === 'spansets')) return { kind: 'constant', value: true };
  return anyPresent(draft, [...needed.values()]);
}

function neededIn(stage: StagePlan): readonly Reference[] {
  if (stage.kind === 'groupBy') return referencesIn(stage.expression);
  return stage.kind === 'scalarFilter' && stage.aggregate.operand !== undefined ? referencesIn(stage.aggregate.operand) : [];
}

/** The first stages of both sides, as far as they say which traces can come out, stand in front. */
function planPipelines(draft: PlanDraft, { operator, left, right }: Pipeline & { readonly kind: 'pipelineOperation' }): PipelinePlan {
  const combination = combinations[operator];
  const sides = { left: planPipeline(draft, left), right: planPipeline(draft, right) };
  const inFront = { left: sides.left.spansets, right: sides.right.spansets };
  const needsLeft = combination.kind === 'both' || (combination.kind === 'related' && combination.keep !== 'unrelated');
  const spansets: SpansetPlan =
    combination.kind === 'either' || needsLeft ? { kind: needsLeft ? 'both' : 'either', ...inFront } : sides.right.spansets;
  return { spansets, stages: [{ kind: 'pipelines', combination, ...sides }] };
}

function planStage(draft: PlanDraft, stage: Stage | Aggregate): readonly StagePlan[] {
  switch (stage.kind) {
    case 'filter':
    case 'spansetOperation':
      return [{ kind: 'spansets', spansets: planSpansets(draft, stage) }];
    case 'scalarFilter':
      return [planScalarFilter(draft, stage)];
    case 'groupBy':
      showAlways(draft, referencesIn(stage.expression));
      return [{ kind: 'groupBy', key: printStage(stage), expression: stage.expression }];
    case 'coalesce':
      return [{ kind: 'coalesce' }];
    case 'select':
      showAlways(draft, stage.references);
      return [];
    case 'aggregate':
      throw new AppError('bad_request', `an aggregate must be compared with a number: ${printAggregate(stage)}`);
  }
}

function planScalarFilter(draft: PlanDraft, stage: Stage & { readonly kind: 'scalarFilter' }): StagePlan {
  const { left, operator, right } = stage;
  if (left.kind !== 'aggregate' || right.kind !== 'literal') {
    throw new AppError('bad_request', `only one aggregate can be compared with one number: ${printStage(stage)}`);
  }
  const { function: name, operand } = left;
  if (operand !== undefined) showAlways(draft, referencesIn(operand));
  const aggregate = operand === undefined ? { function: name } : { function: name, operand };
  return { kind: 'scalarFilter', key: printAggregate(left), aggregate, operator, literal: right.value };
}

function isSpansetExpression(stage: Stage | Aggregate): stage is SpansetExpression {
  return stage.kind === 'filter' || stage.kind === 'spansetOperation';
}

/** Plans filters and what combines them; as {@link planPipeline}. */
export function planSpansets(draft: PlanDraft, expression: SpansetExpression): SpansetPlan {
  if (expression.kind === 'filter') return { kind: 'filter', condition: planFilter(draft, expression.expression) };
  const { operator, left, right } = expression;
  return { ...combinations[operator], left: planSpansets(draft, left), right: planSpansets(draft, right) };
}

const combinations: Readonly<Record<SpansetOperator, Combination>> = {
  '&&': { kind: 'both' },
  '||': { kind: 'either' },
  '>': { kind: 'related', relation: 'child', keep: 'related' },
  '>>': { kind: 'related', relation: 'descendant', keep: 'related' },
  '<': { kind: 'related', relation: 'parent', keep: 'related' },
  '<<': { kind: 'related', relation: 'ancestor', keep: 'related' },
  '~': { kind: 'related', relation: 'sibling', keep: 'related' },
  '!>': { kind: 'related', relation: 'child', keep: 'unrelated' },
  '!>>': { kind: 'related', relation: 'descendant', keep: 'unrelated' },
  '!<': { kind: 'related', relation: 'parent', keep: 'unrelated' },
  '!<<': { kind: 'related', relation: 'ancestor', keep: 'unrelated' },
  '!~': { kind: 'related', relation: 'sibling', keep: 'unrelated' },
  '&>': { kind: 'related', relation: 'child', keep: 'pairs' },
  '&>>': { kind: 'related', relation: 'descendant', keep: 'pairs' },
  '&<': { kind: 'related', relation: 'parent', keep: 'pairs' },
  '&<<': { kind: 'related', relation: 'ancestor', keep: 'pairs' },
  '&~': { kind: 'related', relation: 'sibling', keep: 'pairs' },
};

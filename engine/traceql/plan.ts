import { AppError } from '#engine/base/errors.ts';
import type { ComparisonOperator, FieldExpression, Query, Reference, SpansetExpression, Static } from './ast.ts';

/** What a stored value must satisfy, typed as it is stored. An attribute's other types never satisfy it (spec traceql §4.8). */
export type Predicate =
  | { readonly kind: 'string'; readonly operator: Comparison; readonly value: string }
  | { readonly kind: 'regex'; readonly negated: boolean; readonly pattern: string }
  | { readonly kind: 'int'; readonly operator: Comparison; readonly value: bigint }
  | { readonly kind: 'double'; readonly operator: Comparison; readonly value: number }
  | { readonly kind: 'boolean'; readonly operator: '=' | '!='; readonly value: boolean }
  | { readonly kind: 'present' }
  | { readonly kind: 'absent' };

type Comparison = Exclude<ComparisonOperator, '=~' | '!~'>;

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

/** Filters and what combines them per trace. */
export type SpansetPlan =
  | { readonly kind: 'filter'; readonly condition: Condition }
  | { readonly kind: 'both' | 'either'; readonly left: SpansetPlan; readonly right: SpansetPlan };

/** A reference whose values an answer shows: always, or where they satisfy one of the tests (spec traceql §6.3). */
export interface ShownReference {
  readonly reference: Reference;
  readonly always: boolean;
  readonly tests: readonly number[];
}

/** What to read and compute for a search. Plain data. */
export interface SearchPlan {
  readonly spansets: SpansetPlan;
  readonly tests: readonly Test[];
  readonly shown: readonly ShownReference[];
}

const mirrored: Readonly<Record<Comparison, Comparison>> = { '=': '=', '!=': '!=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' };
const minInt64 = -(2n ** 63n);
const maxInt64 = 2n ** 63n - 1n;

/** A plan under construction. */
interface Draft {
  readonly tests: Test[];
  readonly shown: Map<string, { reference: Reference; always: boolean; tests: number[] }>;
}

/**
 * Plans a validated query. Throws `unimplemented` for shapes that the engine does not evaluate (structural operators, pipelines).
 */
export function planSearch(query: Query): SearchPlan {
  const { pipeline } = query;
  const stage = pipeline.kind === 'pipeline' ? pipeline.stages[0] : undefined;
  if (
    pipeline.kind !== 'pipeline' ||
    pipeline.stages.length !== 1 ||
    stage === undefined ||
    (stage.kind !== 'filter' && stage.kind !== 'spansetOperation')
  ) {
    throw new AppError(
      'unimplemented',
      'pipelines (by, select, coalesce, aggregates, several stages) are not supported yet; use a single spanset filter',
    );
  }
  const draft: Draft = { tests: [], shown: new Map() };
  const spansets = planSpansets(draft, stage);
  if (query.metrics) {
    for (const reference of [...query.metrics.by, ...(query.metrics.argument ? [query.metrics.argument] : [])])
      show(draft, reference, undefined);
  }
  return { spansets, tests: draft.tests, shown: [...draft.shown.values()] };
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
  }
}

function planSpansets(draft: Draft, expression: SpansetExpression): SpansetPlan {
  if (expression.kind === 'filter')
    return { kind: 'filter', condition: groupChildren(draft, simplify(planCondition(draft, expression.expression))) };
  if (expression.operator !== '&&' && expression.operator !== '||') {
    throw new AppError('unimplemented', `the structural operator ${expression.operator} is not supported yet`);
  }
  const kind = expression.operator === '&&' ? 'both' : 'either';
  return { kind, left: planSpansets(draft, expression.left), right: planSpansets(draft, expression.right) };
}

/** `negated`: below a `!`, where a value is of interest although it fails its test. */
function planCondition(draft: Draft, expression: FieldExpression, negated = false): Condition {
  switch (expression.kind) {
    case 'literal':
      return { kind: 'constant', value: expression.value.kind === 'boolean' && expression.value.value };
    case 'attribute':
    case 'intrinsic':
      return addTest(draft, expression, { kind: 'boolean', operator: '=', value: true }, true);
    case 'exists':
      if (!isReference(expression.operand)) return general(draft, expression);
      return addTest(draft, expression.operand, { kind: expression.negated ? 'absent' : 'present' }, negated);
    case 'unary':
      if (expression.operator === '-') return general(draft, expression);
      // A missing value is neither true nor false: `!.x` asks for a stored false.
      if (isReference(expression.operand))
        return addTest(draft, expression.operand, { kind: 'boolean', operator: '=', value: false }, true);
      return { kind: 'not', operand: planCondition(draft, expression.operand, true) };
    case 'binary':
      return planBinary(draft, expression, negated);
  }
}

function planBinary(draft: Draft, expression: FieldExpression & { readonly kind: 'binary' }, negated: boolean): Condition {
  const { operator, left, right } = expression;
  if (operator === '&&' || operator === '||') {
    return {
      kind: operator === '&&' ? 'and' : 'or',
      operands: [planCondition(draft, left, negated), planCondition(draft, right, negated)],
    };
  }
  if (isReference(left) && right.kind === 'literal' && isComparison(operator))
    return planComparison(draft, left, operator, right.value, negated);
  if (isReference(right) && left.kind === 'literal' && isComparison(operator) && operator !== '=~' && operator !== '!~') {
    return planComparison(draft, right, mirrored[operator], left.value, negated);
  }
  return general(draft, expression);
}

function planComparison(draft: Draft, reference: Reference, operator: ComparisonOperator, literal: Static, negated: boolean): Condition {
  const predicate = predicateOf(reference, operator, literal);
  if (typeof predicate === 'boolean') return { kind: 'constant', value: predicate };
  return addTest(draft, reference, predicate, negated);
}

/** The predicate of a comparison, or its constant result. */
function predicateOf(reference: Reference, operator: ComparisonOperator, literal: Static): Predicate | boolean {
  if (literal.kind === 'string') {
    if (operator === '=~' || operator === '!~') return { kind: 'regex', negated: operator === '!~', pattern: literal.value };
    return { kind: 'string', operator, value: literal.value };
  }
  if (operator === '=~' || operator === '!~') return false;
  switch (literal.kind) {
    case 'int':
      return { kind: 'int', operator, value: literal.value };
    case 'duration':
      // Attributes are never stored as durations.
      return reference.kind === 'intrinsic' && { kind: 'int', operator, value: literal.nanos };
    case 'float':
      return reference.kind === 'intrinsic'
        ? integerPredicate(operator, literal.value)
        : { kind: 'double', operator, value: literal.value };
    case 'boolean':
      return (operator === '=' || operator === '!=') && { kind: 'boolean', operator, value: literal.value };
    case 'status':
    case 'kind':
      return reference.kind === 'intrinsic' && { kind: 'int', operator, value: BigInt(literal.code) };
    case 'nil':
      return false;
  }
}

/** A float compared with stored integers, as a comparison of integers. */
function integerPredicate(operator: Comparison, value: number): Predicate | boolean {
  const whole = Number.isInteger(value);
  if (!whole && operator === '=') return false;
  if (!whole && operator === '!=') return { kind: 'present' };
  const up = operator === '>=' || operator === '<';
  const bound = Number.isFinite(value) ? BigInt(up ? Math.ceil(value) : Math.floor(value)) : value > 0 ? maxInt64 + 1n : minInt64 - 1n;
  if (bound > maxInt64) return operator === '<' || operator === '<=' || operator === '!=' ? { kind: 'present' } : false;
  if (bound < minInt64) return operator === '>' || operator === '>=' || operator === '!=' ? { kind: 'present' } : false;
  return { kind: 'int', operator, value: bound };
}

function addTest(draft: Draft, reference: Reference, predicate: Predicate, always = false): Condition {
  const test = draft.tests.push({ reference, predicate }) - 1;
  show(draft, reference, always ? undefined : test);
  return { kind: 'test', test };
}

function show(draft: Draft, reference: Reference, test: number | undefined): void {
  const key = reference.kind === 'intrinsic' ? `:${reference.name}` : `${reference.scope}.${reference.name}`;
  let shown = draft.shown.get(key);
  if (shown === undefined) {
    shown = { reference, always: false, tests: [] };
    draft.shown.set(key, shown);
  }
  if (test === undefined) shown.always = true;
  else shown.tests.push(test);
}

function general(draft: Draft, expression: FieldExpression): Condition {
  for (const reference of referencesIn(expression)) show(draft, reference, undefined);
  return { kind: 'general', expression };
}

/** Every reference that stands in an expression, in order of appearance, with repetitions. */
export function referencesIn(expression: FieldExpression): readonly Reference[] {
  switch (expression.kind) {
    case 'literal':
      return [];
    case 'attribute':
    case 'intrinsic':
      return [expression];
    case 'binary':
      return [...referencesIn(expression.left), ...referencesIn(expression.right)];
    case 'unary':
    case 'exists':
      return referencesIn(expression.operand);
  }
}

/** Flattens nested ands and ors and takes out constants. */
function simplify(condition: Condition): Condition {
  if (condition.kind === 'not') {
    const operand = simplify(condition.operand);
    return operand.kind === 'constant' ? { kind: 'constant', value: !operand.value } : { kind: 'not', operand };
  }
  if (condition.kind !== 'and' && condition.kind !== 'or') return condition;
  const { kind } = condition;
  const absorbing = kind === 'or';
  const operands: Condition[] = [];
  for (const operand of condition.operands.map(simplify)) {
    if (operand.kind === 'constant' && operand.value === absorbing) return operand;
    if (operand.kind === kind) operands.push(...operand.operands);
    else if (operand.kind !== 'constant') operands.push(operand);
  }
  if (operands.length === 0) return { kind: 'constant', value: !absorbing };
  return operands.length === 1 ? operands[0] : { kind, operands };
}

/** In a filter of nothing but `&&`, the tests on events must hold on one event, those on links on one link (spec traceql §4.7). */
function groupChildren(draft: Draft, condition: Condition): Condition {
  if (condition.kind !== 'and') return condition;
  if (condition.operands.some((operand) => operand.kind !== 'test' && operand.kind !== 'general')) return condition;
  const operands: Condition[] = [];
  const groups = { event: [] as number[], link: [] as number[] };
  for (const operand of condition.operands) {
    const child = operand.kind === 'test' ? childLevel(draft.tests[operand.test].reference) : undefined;
    if (child === undefined || operand.kind !== 'test') operands.push(operand);
    else groups[child].push(operand.test);
  }
  for (const tests of [groups.event, groups.link]) {
    if (tests.length === 1) operands.push({ kind: 'test', test: tests[0] });
    else if (tests.length > 1) operands.push({ kind: 'sameChild', tests });
  }
  return operands.length === 1 ? operands[0] : { kind: 'and', operands };
}

function childLevel(reference: Reference): 'event' | 'link' | undefined {
  const scope = reference.kind === 'attribute' ? reference.scope : reference.name.split(':')[0];
  return scope === 'event' || scope === 'link' ? scope : undefined;
}

function isReference(expression: FieldExpression): expression is Reference {
  return expression.kind === 'attribute' || expression.kind === 'intrinsic';
}

function isComparison(operator: string): operator is ComparisonOperator {
  return operator in mirrored || operator === '=~' || operator === '!~';
}

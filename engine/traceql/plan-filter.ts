import type { ComparisonOperator, FieldExpression, Reference, Static } from './ast.ts';
import type { Comparison, Condition, Predicate, ShownReference, Test } from './plan.ts';
import { isArithmetic } from './static-types.ts';

const mirrored: Readonly<Record<Comparison, Comparison>> = { '=': '=', '!=': '!=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' };
const minInt64 = -(2n ** 63n);
const maxInt64 = 2n ** 63n - 1n;

/** The tests and shown references of a plan under construction. */
export interface PlanDraft {
  readonly tests: Test[];
  readonly shown: Map<string, ShownReference>;
}

/** Starts a plan. */
export function createDraft(): PlanDraft {
  return { tests: [], shown: new Map() };
}

/** Plans the expression of one filter; its tests and what it shows go into the draft. */
export function planFilter(draft: PlanDraft, expression: FieldExpression): Condition {
  return groupChildren(draft, simplify(planCondition(draft, expression)));
}

/** The values of these references are shown in full. */
export function showAlways(draft: PlanDraft, references: readonly Reference[]): void {
  for (const reference of references) show(draft, reference, undefined);
}

const treeNumbers: ReadonlySet<string> = new Set(['nestedSetLeft', 'nestedSetRight', 'nestedSetParent']);

/** Structural operators read the tree numbers of all spans: those that the query names are shown of each span, whatever they were compared with. */
export function showTreeNumbers(draft: PlanDraft): void {
  const named = [...draft.shown.values()].map(({ reference }) => reference);
  showAlways(
    draft,
    named.filter((reference) => reference.kind === 'intrinsic' && treeNumbers.has(reference.name)),
  );
}

/** A condition that holds where any of the references has a value; nothing more of them is shown than before. */
export function anyPresent(draft: PlanDraft, references: readonly Reference[]): Condition {
  const operands = references.map((reference): Condition => {
    const test = draft.tests.push({ reference, predicate: { kind: 'present' } }) - 1;
    return { kind: 'test', test };
  });
  return operands.length === 1 ? operands[0] : { kind: 'or', operands };
}

/** `negated`: below a `!`, where a value is of interest although it fails its test. */
function planCondition(draft: PlanDraft, expression: FieldExpression, negated = false): Condition {
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
      if (expression.operand.kind === 'unary' && expression.operand.operator === '!')
        return planCondition(draft, expression.operand.operand, negated);
      if (!isBoolean(expression.operand)) return general(draft, expression);
      return { kind: 'not', operand: planCondition(draft, expression.operand, true) };
    case 'binary':
      return planBinary(draft, expression, negated);
  }
}

function planBinary(draft: PlanDraft, expression: FieldExpression & { readonly kind: 'binary' }, negated: boolean): Condition {
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

function planComparison(
  draft: PlanDraft,
  reference: Reference,
  operator: ComparisonOperator,
  literal: Static,
  negated: boolean,
): Condition {
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

function addTest(draft: PlanDraft, reference: Reference, predicate: Predicate, always = false): Condition {
  const test = draft.tests.push({ reference, predicate }) - 1;
  show(draft, reference, always ? undefined : test);
  return { kind: 'test', test };
}

function show(draft: PlanDraft, reference: Reference, test: number | undefined): void {
  const key = referenceKey(reference);
  const { always, tests } = draft.shown.get(key) ?? { always: false, tests: [] };
  draft.shown.set(key, { reference, always: always || test === undefined, tests: test === undefined ? tests : [...tests, test] });
}

/** Tells references apart: equal for equal ones. */
export function referenceKey(reference: Reference): string {
  return reference.kind === 'intrinsic' ? `:${reference.name}` : `${reference.scope}.${reference.name}`;
}

function general(draft: PlanDraft, expression: FieldExpression): Condition {
  showAlways(draft, referencesIn(expression));
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
function groupChildren(draft: PlanDraft, condition: Condition): Condition {
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

/** True for what is true or false of every span. Arithmetic may have no result, and `!` of that is no match. */
function isBoolean(expression: FieldExpression): boolean {
  return expression.kind === 'exists' || (expression.kind === 'binary' && !isArithmetic(expression.operator));
}

/** True for a bare attribute or intrinsic. */
export function isReference(expression: FieldExpression): expression is Reference {
  return expression.kind === 'attribute' || expression.kind === 'intrinsic';
}

function isComparison(operator: string): operator is ComparisonOperator {
  return operator in mirrored || operator === '=~' || operator === '!~';
}

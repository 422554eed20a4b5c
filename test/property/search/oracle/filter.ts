import type { ArithmeticOperator, ComparisonOperator, FieldExpression, Reference, Static } from '#engine/traceql/ast.ts';
import { isChildPlace, isPresent, lookUp, singleValue, trimId } from './lookup.ts';
import type { SpanView } from './traces.ts';
import { bool, calculate, compare, compareScalars, isTrue, negate, nil, type Value } from './values.ts';

/** A part of a filter that looks at one reference alone. */
export interface Leaf {
  readonly reference: Reference;
  readonly test:
    | { readonly kind: 'compare'; readonly operator: ComparisonOperator; readonly literal: Static }
    | { readonly kind: 'present' | 'absent' };
}

const mirrored: Partial<Readonly<Record<string, ComparisonOperator>>> = {
  '=': '=',
  '!=': '!=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};

export function isReference(expression: FieldExpression): expression is Reference {
  return expression.kind === 'attribute' || expression.kind === 'intrinsic';
}

/** The leaf that an expression is, if it is one. A bare attribute is one that asks for true, `!` of it asks for false. */
export function leafOf(expression: FieldExpression): Leaf | undefined {
  const asks = (reference: Reference, value: boolean): Leaf => ({
    reference,
    test: { kind: 'compare', operator: '=', literal: { kind: 'boolean', value } },
  });
  if (isReference(expression)) return asks(expression, true);
  if (expression.kind === 'exists') {
    if (!isReference(expression.operand)) return undefined;
    return { reference: expression.operand, test: { kind: expression.negated ? 'absent' : 'present' } };
  }
  if (expression.kind === 'unary') {
    const { nots, inner } = withoutNots(expression);
    return nots > 0 && isReference(inner) ? asks(inner, nots % 2 === 0) : undefined;
  }
  if (expression.kind !== 'binary') return undefined;
  const { operator, left, right } = expression;
  if (!/^([<>]=?|!?=|=~|!~)$/.test(operator)) return undefined;
  if (isReference(left) && right.kind === 'literal') {
    return { reference: left, test: { kind: 'compare', operator: operator as ComparisonOperator, literal: right.value } };
  }
  const turned = mirrored[operator];
  if (isReference(right) && left.kind === 'literal' && turned) {
    return { reference: right, test: { kind: 'compare', operator: turned, literal: left.value } };
  }
  return undefined;
}

/** An expression without the `!` in front of it. */
export function withoutNots(expression: FieldExpression): { readonly nots: number; readonly inner: FieldExpression } {
  let inner = expression;
  let nots = 0;
  for (; inner.kind === 'unary' && inner.operator === '!'; inner = inner.operand) nots++;
  return { nots, inner };
}

/** True for what always has a boolean: comparisons, `&&`, `||`, existence. */
export function isBoolean(expression: FieldExpression): boolean {
  return expression.kind === 'exists' || (expression.kind === 'binary' && !'+-*/%^'.includes(expression.operator));
}

/** Whether a span passes a filter. */
export function passes(view: SpanView, filter: FieldExpression): boolean {
  const parts = conjuncts(filter);
  const isPure = parts.every((part) => leafOf(part) !== undefined || !isCombined(part));
  if (!isPure) return parts.every((part) => truth(view, part));
  const leaves = parts.map(leafOf);
  const ofChildren = (place: 'event' | 'link') =>
    leaves.filter((leaf) => leaf !== undefined && placeOf(leaf.reference) === place) as Leaf[];
  return (
    parts.every((part, i) => (leaves[i] !== undefined && placeOf(leaves[i].reference) !== undefined) || truth(view, part)) &&
    oneChild(view, ofChildren('event'), view.span.events.length) &&
    oneChild(view, ofChildren('link'), view.span.links.length)
  );
}

/** Operands of a chain of `&&`, without constant true. */
function conjuncts(expression: FieldExpression): readonly FieldExpression[] {
  if (expression.kind === 'binary' && expression.operator === '&&') return [...conjuncts(expression.left), ...conjuncts(expression.right)];
  return expression.kind === 'literal' && isTrue(expression.value) ? [] : [expression];
}

/** True for `||`, and for `!` of what is a boolean of more than one attribute. */
function isCombined(expression: FieldExpression): boolean {
  const { nots, inner } = withoutNots(expression);
  if (inner.kind === 'binary' && (inner.operator === '||' || inner.operator === '&&')) return true;
  return nots > 0 && isBoolean(inner);
}

function placeOf(reference: Reference): 'event' | 'link' | undefined {
  const word = reference.kind === 'attribute' ? reference.scope : reference.name.split(':')[0];
  return word === 'event' || word === 'link' ? word : undefined;
}

/** All leaves hold on the same event or link (spec traceql §4.7). */
function oneChild(view: SpanView, leaves: readonly Leaf[], count: number): boolean {
  if (leaves.length === 0) return true;
  return Array.from({ length: count }, (_, i) => i).some((i) => leaves.every((leaf) => holdsForChild(view, leaf, i)));
}

function holdsForChild(view: SpanView, leaf: Leaf, child: number): boolean {
  const value = lookUp(view, leaf.reference)[0]!.values[child];
  if (leaf.test.kind === 'absent') return value === undefined;
  return value !== undefined && satisfying(leaf, value) !== undefined;
}

/** A part of a filter on its own. */
export function truth(view: SpanView, expression: FieldExpression): boolean {
  const leaf = leafOf(expression);
  if (leaf !== undefined) return leafHolds(view, leaf);
  const { nots, inner } = withoutNots(expression);
  if (nots > 0 && isBoolean(inner)) return truth(view, inner) === (nots % 2 === 0);
  if (expression.kind === 'binary' && expression.operator === '&&') return truth(view, expression.left) && truth(view, expression.right);
  if (expression.kind === 'binary' && expression.operator === '||') return truth(view, expression.left) || truth(view, expression.right);
  return isTrue(evaluate(view, expression));
}

function leafHolds(view: SpanView, leaf: Leaf): boolean {
  const places = lookUp(view, leaf.reference);
  if (leaf.test.kind === 'absent') {
    if (places[0] !== undefined && isChildPlace(places[0].place)) return places[0].values.some((value) => value === undefined);
    return places.every((found) => !found.values.some((value) => isPresent(found, value)));
  }
  for (const found of places) {
    const candidates = found.values.filter((value) => value !== undefined && (leaf.test.kind !== 'present' || isPresent(found, value)));
    if (candidates.some((value) => satisfying(leaf, value!) !== undefined)) return true;
    if (found.values.some((value) => isPresent(found, value))) return false;
  }
  return false;
}

/** What a leaf leaves of a value: of an array the elements that satisfy it, one alone as a scalar; undefined for nothing (spec traceql §6.3). */
export function satisfying({ reference, test }: Leaf, value: Value): Value | undefined {
  if (test.kind !== 'compare') return test.kind === 'present' ? value : undefined;
  const elements = (value.kind === 'array' ? value.elements : [value]).filter((element) =>
    typedHolds(reference, test.operator, test.literal, element),
  );
  if (elements.length < 2) return elements[0];
  return { kind: 'array', elements };
}

/** Stored attributes of another type than the literal's are not looked at (spec traceql §4.8). */
function typedHolds(reference: Reference, operator: ComparisonOperator, literal: Static, element: Static): boolean {
  if (reference.kind === 'attribute' && (literal.kind !== element.kind || literal.kind === 'duration')) return false;
  return compareScalars(operator, element, idLiteral(reference, operator, literal));
}

/** Ids are found with or without their zeros in front (spec traceql §4.9). */
function idLiteral(reference: Reference, operator: ComparisonOperator, literal: Static): Static {
  if (literal.kind !== 'string' || !/^[0-9a-f]+$/.test(literal.value) || (operator !== '=' && operator !== '!=')) return literal;
  if (/^(span:id|span:parentID|link:spanID)$/.test(reference.name)) return { ...literal, value: literal.value.padStart(16, '0') };
  return /^(trace:id|link:traceID)$/.test(reference.name) ? { ...literal, value: trimId(literal.value) } : literal;
}

/** The value of an expression, where columns are of no help (spec traceql §4.3, §4.6). */
export function evaluate(view: SpanView, expression: FieldExpression): Value {
  switch (expression.kind) {
    case 'literal':
      return expression.value;
    case 'attribute':
    case 'intrinsic':
      return singleValue(view, expression);
    case 'exists':
      return bool((evaluate(view, expression.operand).kind === 'nil') === expression.negated);
    case 'unary': {
      const operand = evaluate(view, expression.operand);
      if (expression.operator === '-') return negate(operand);
      return operand.kind === 'boolean' ? bool(!operand.value) : nil;
    }
    case 'binary': {
      const { operator } = expression;
      const left = evaluate(view, expression.left);
      if (operator === '&&') return bool(isTrue(left) && isTrue(evaluate(view, expression.right)));
      if (operator === '||') return bool(isTrue(left) || isTrue(evaluate(view, expression.right)));
      const right = evaluate(view, expression.right);
      if ('+-*/%^'.includes(operator)) return calculate(operator as ArithmeticOperator, left, right);
      return bool(compare(operator as ComparisonOperator, left, right));
    }
  }
}

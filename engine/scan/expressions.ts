import { AppError } from '#engine/base/errors.ts';
import type { ArithmeticOperator, BinaryOperator, ComparisonOperator, FieldExpression, Reference, Static } from '#engine/traceql/ast.ts';
import { compileRegexp, type Regexp } from '#engine/traceql/regexp/regexp.ts';
import { isNumeric } from '#engine/traceql/static-types.ts';
import { compareStatics, computeStatics, negateStatic } from '#engine/traceql/static-values.ts';

/** A value during evaluation: a constant's kinds, and arrays of stored values. */
export type Operand = Static | { readonly kind: 'array'; readonly elements: readonly Static[] };

const yes: Operand = { kind: 'boolean', value: true };
const no: Operand = { kind: 'boolean', value: false };
const nothing: Operand = { kind: 'nil' };

function boolean(value: boolean): Operand {
  return value ? yes : no;
}

/**
 * Evaluates an expression for one span (spec traceql §4.2–4.6). What cannot be computed is false. A missing operand of `!` or `-` is no match
 * rather than an error, so that one odd span does not fail a search.
 *
 * Throws `internal` with Tempo's texts: division or modulo of integers by zero.
 */
export function evaluateExpression(expression: FieldExpression, read: (reference: Reference) => Operand): Operand {
  switch (expression.kind) {
    case 'literal':
      return expression.value;
    case 'attribute':
    case 'intrinsic':
      return read(expression);
    case 'exists':
      return boolean((evaluateExpression(expression.operand, read).kind !== 'nil') !== expression.negated);
    case 'unary':
      return evaluateUnary(expression.operator, evaluateExpression(expression.operand, read));
    case 'binary':
      return evaluateBinary(expression, read);
  }
}

function evaluateUnary(operator: '-' | '!', operand: Operand): Operand {
  if (operator === '!') return operand.kind === 'boolean' ? boolean(!operand.value) : nothing;
  return (operand.kind === 'array' ? undefined : negateStatic(operand)) ?? nothing;
}

function evaluateBinary(expression: FieldExpression & { readonly kind: 'binary' }, read: (reference: Reference) => Operand): Operand {
  const { operator } = expression;
  const left = evaluateExpression(expression.left, read);
  if (operator === '&&' && !isTrue(left)) return no;
  if (operator === '||' && isTrue(left)) return yes;
  const right = evaluateExpression(expression.right, read);
  if (operator === '&&' || operator === '||') return boolean(isTrue(right));
  if (isArithmetic(operator)) return calculate(operator, left, right);
  return boolean(compareOperands(operator, left, right));
}

function isTrue(operand: Operand): boolean {
  return operand.kind === 'boolean' && operand.value;
}

/** True for operators that compute numbers. */
export function isArithmetic(operator: BinaryOperator): operator is ArithmeticOperator {
  return operator === '+' || operator === '-' || operator === '*' || operator === '/' || operator === '%' || operator === '^';
}

/** Arithmetic on numbers; anything else has no value and satisfies no comparison (spec traceql §4.3). Throws as {@link evaluateExpression}. */
export function calculate(operator: ArithmeticOperator, left: Operand, right: Operand): Operand {
  if (left.kind === 'array' || right.kind === 'array' || !isNumeric(left.kind) || !isNumeric(right.kind)) return nothing;
  const result = computeStatics(operator, left, right);
  if ('problem' in result) throw new AppError('internal', result.problem);
  return result;
}

/** Compares two values by their types at run time; types that do not match are false, also for `!=` (spec traceql §4.4). */
export function compareOperands(operator: ComparisonOperator, left: Operand, right: Operand): boolean {
  if (left.kind === 'array' && right.kind === 'array')
    throw new AppError('internal', 'array operators must consist of a scalar and an array operand');
  if (left.kind === 'array') return compareArray(operator, left.elements, (element) => compareScalars(operator, element, right as Static));
  if (right.kind === 'array') return compareArray(operator, right.elements, (element) => compareScalars(operator, left, element));
  return compareScalars(operator, left, right);
}

function compareArray(operator: ComparisonOperator, elements: readonly Static[], satisfies: (element: Static) => boolean): boolean {
  return operator === '!=' || operator === '!~' ? elements.every(satisfies) : elements.some(satisfies);
}

function compareScalars(operator: ComparisonOperator, left: Static, right: Static): boolean {
  if (operator !== '=~' && operator !== '!~') return compareStatics(operator, left, right);
  return left.kind === 'string' && right.kind === 'string' && matches(left.value, right.value) === (operator === '=~');
}

const regexps = new Map<string, Regexp>();
const maxRegexps = 256;

function matches(text: string, pattern: string): boolean {
  let regexp = regexps.get(pattern);
  if (regexp === undefined) {
    if (regexps.size >= maxRegexps) regexps.clear();
    regexp = compileRegexp(pattern);
    regexps.set(pattern, regexp);
  }
  const bytes = Buffer.from(text);
  return regexp.matches(bytes, 0, bytes.length);
}

import { AppError } from '#engine/base/errors.ts';
import type { ArithmeticOperator, BinaryOperator, ComparisonOperator, FieldExpression, Reference, Static } from '#engine/traceql/ast.ts';
import { compileRegexp, type Regexp } from '#engine/traceql/regexp/regexp.ts';

/** A value during evaluation: a constant's kinds, and arrays of stored values. */
export type Operand = Static | { readonly kind: 'array'; readonly elements: readonly Static[] };

const yes: Operand = { kind: 'boolean', value: true };
const no: Operand = { kind: 'boolean', value: false };

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
  if (operator === '!') return operand.kind === 'boolean' ? boolean(!operand.value) : { kind: 'nil' };
  switch (operand.kind) {
    case 'int':
      return { kind: 'int', value: BigInt.asIntN(64, -operand.value) };
    case 'duration':
      return { kind: 'duration', nanos: BigInt.asIntN(64, -operand.nanos) };
    case 'float':
      return { kind: 'float', value: -operand.value };
    default:
      return { kind: 'nil' };
  }
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

/** Integers stay 64-bit integers and wrap; any other numbers become doubles, durations as nanoseconds. Anything else has no value and satisfies no comparison (spec traceql §4.3). */
export function calculate(operator: ArithmeticOperator, left: Operand, right: Operand): Operand {
  if (left.kind === 'int' && right.kind === 'int') return calculateInts(operator, left.value, right.value);
  const a = numberOf(left);
  const b = numberOf(right);
  if (a === undefined || b === undefined) return { kind: 'nil' };
  return { kind: 'float', value: calculateFloats(operator, a, b) };
}

function calculateInts(operator: ArithmeticOperator, a: bigint, b: bigint): Operand {
  switch (operator) {
    case '+':
      return { kind: 'int', value: BigInt.asIntN(64, a + b) };
    case '-':
      return { kind: 'int', value: BigInt.asIntN(64, a - b) };
    case '*':
      return { kind: 'int', value: BigInt.asIntN(64, a * b) };
    case '/':
      if (b === 0n) throw new AppError('internal', 'division by zero');
      return { kind: 'int', value: BigInt.asIntN(64, a / b) };
    case '%':
      if (b === 0n) throw new AppError('internal', 'modulo by zero');
      return { kind: 'int', value: a % b };
    case '^':
      return { kind: 'int', value: truncateToInt64(Number(a) ** Number(b)) };
  }
}

/** A power is computed on doubles; what does not fit becomes the nearest 64-bit integer. */
function truncateToInt64(value: number): bigint {
  if (Number.isNaN(value)) return 0n;
  if (value >= 2 ** 63) return 2n ** 63n - 1n;
  if (value <= -(2 ** 63)) return -(2n ** 63n);
  return BigInt(Math.trunc(value));
}

function calculateFloats(operator: ArithmeticOperator, a: number, b: number): number {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
    case '%':
      return a % b;
    case '^':
      return a ** b;
  }
}

function numberOf(operand: Operand): number | undefined {
  switch (operand.kind) {
    case 'int':
      return Number(operand.value);
    case 'duration':
      return Number(operand.nanos);
    case 'float':
      return operand.value;
    default:
      return undefined;
  }
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
  if (left.kind === 'string' && right.kind === 'string') return compareStrings(operator, left.value, right.value);
  if (operator === '=~' || operator === '!~') return false;
  if (left.kind === 'boolean' && right.kind === 'boolean') return equality(operator, left.value === right.value);
  if (left.kind === 'status' && right.kind === 'status') return equality(operator, left.code === right.code);
  if (left.kind === 'kind' && right.kind === 'kind') return equality(operator, left.code === right.code);
  const a = integerOf(left);
  const b = integerOf(right);
  if (a !== undefined && b !== undefined) return ordered(operator, a < b ? -1 : a > b ? 1 : 0);
  const x = numberOf(left);
  const y = numberOf(right);
  if (x === undefined || y === undefined) return false;
  if (Number.isNaN(x) || Number.isNaN(y)) return operator === '!=';
  return ordered(operator, x < y ? -1 : x > y ? 1 : 0);
}

function integerOf(operand: Static): bigint | undefined {
  return operand.kind === 'int' ? operand.value : operand.kind === 'duration' ? operand.nanos : undefined;
}

function equality(operator: ComparisonOperator, equal: boolean): boolean {
  return operator === '=' ? equal : operator === '!=' ? !equal : false;
}

function ordered(operator: ComparisonOperator, order: number): boolean {
  switch (operator) {
    case '=':
      return order === 0;
    case '!=':
      return order !== 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
    default:
      return false;
  }
}

const regexps = new Map<string, Regexp>();
const maxRegexps = 256;

function compareStrings(operator: ComparisonOperator, left: string, right: string): boolean {
  if (operator !== '=~' && operator !== '!~') return ordered(operator, Buffer.compare(Buffer.from(left), Buffer.from(right)));
  let regexp = regexps.get(right);
  if (regexp === undefined) {
    if (regexps.size >= maxRegexps) regexps.clear();
    regexp = compileRegexp(right);
    regexps.set(right, regexp);
  }
  const bytes = Buffer.from(left);
  return regexp.matches(bytes, 0, bytes.length) === (operator === '=~');
}

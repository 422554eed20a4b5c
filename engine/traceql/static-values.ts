import type { ArithmeticOperator, ComparisonOperator, Static } from './ast.ts';
import { isNumeric } from './static-types.ts';

type Ordering = '=' | '!=' | '<' | '<=' | '>' | '>=';

const minInt64 = -(2n ** 63n);

/** Compares by the bytes of UTF-8, which is the order of code points and not that of UTF-16 (spec traceql §4.4). */
export function compareText(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    if (a === b) continue;
    const aSurrogate = a >= 0xd800 && a <= 0xdfff;
    const bSurrogate = b >= 0xd800 && b <= 0xdfff;
    return aSurrogate === bSurrogate ? a - b : aSurrogate ? 1 : -1;
  }
  return left.length - right.length;
}

/** The integer that an int, duration, status, kind or boolean is compared by; undefined for other kinds. */
function comparedInteger(value: Static): bigint | undefined {
  if (value.kind === 'int') return value.value;
  if (value.kind === 'duration') return value.nanos;
  if (value.kind === 'status' || value.kind === 'kind') return BigInt(value.code);
  return value.kind === 'boolean' ? BigInt(value.value) : undefined;
}

/** A number as a double; durations in nanoseconds. NaN for what is no number. */
export function toDouble(value: Static): number {
  if (value.kind === 'float') return value.value;
  return value.kind === 'int' || value.kind === 'duration' ? Number(comparedInteger(value)) : Number.NaN;
}

function holds<Value>(operator: Ordering, left: Value, right: Value): boolean {
  switch (operator) {
    case '=':
      return left === right;
    case '!=':
      return left !== right;
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    case '>=':
      return left >= right;
  }
}

/**
 * Compares two constants: integers and durations exactly, with floats as doubles, strings by bytes. Kinds that do not match, and
 * orderings of kinds without order, give false, also for `!=` (spec traceql §4.4). Patterns are not for constants: throws RangeError.
 */
export function compareStatics(operator: ComparisonOperator, left: Static, right: Static): boolean {
  if (operator === '=~' || operator === '!~') throw new RangeError('patterns are matched by the regexp engine');
  const equality = operator === '=' || operator === '!=';
  if (left.kind === 'string' && right.kind === 'string') return holds(operator, compareText(left.value, right.value), 0);
  const numeric = isNumeric(left.kind) && isNumeric(right.kind);
  if (!numeric && (left.kind !== right.kind || !equality)) return false;
  const leftInteger = comparedInteger(left);
  const rightInteger = comparedInteger(right);
  if (leftInteger !== undefined && rightInteger !== undefined) return holds(operator, leftInteger, rightInteger);
  return numeric && holds(operator, toDouble(left), toDouble(right));
}

/** Power within 64 bits. A negative exponent truncates toward zero, as division does; of 0 it divides by zero. */
function integerPower(base: bigint, exponent: bigint): bigint | undefined {
  if (exponent < 0n) {
    if (base === 0n) return undefined;
    if (base === 1n) return 1n;
    return base === -1n ? (exponent % 2n === 0n ? 1n : -1n) : 0n;
  }
  let result = 1n;
  let square = base;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = BigInt.asIntN(64, result * square);
    square = BigInt.asIntN(64, square * square);
  }
  return result;
}

function integerArithmetic(operator: ArithmeticOperator, left: bigint, right: bigint): bigint | undefined {
  switch (operator) {
    case '+':
      return BigInt.asIntN(64, left + right);
    case '-':
      return BigInt.asIntN(64, left - right);
    case '*':
      return BigInt.asIntN(64, left * right);
    case '/':
      return right === 0n ? undefined : BigInt.asIntN(64, left / right);
    case '%':
      return right === 0n ? undefined : left % right;
    case '^':
      return integerPower(left, right);
  }
}

function floatArithmetic(operator: ArithmeticOperator, left: number, right: number): number {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
    case '%':
      return left % right;
    case '^':
      return left === 1 || (left === -1 && !Number.isFinite(right) && !Number.isNaN(right)) ? 1 : left ** right; // as IEEE pow
  }
}

/**
 * Arithmetic on two numeric constants: int with int stays int and wraps at 64 bits, any other mix is a float on raw numbers, durations
 * in nanoseconds (spec traceql §4.6). `division by zero` and `modulo by zero` are Tempo's texts for integers.
 */
export function computeStatics(operator: ArithmeticOperator, left: Static, right: Static): Static | { readonly problem: string } {
  if (left.kind === 'int' && right.kind === 'int') {
    const value = integerArithmetic(operator, left.value, right.value);
    if (value === undefined) return { problem: operator === '%' ? 'modulo by zero' : 'division by zero' };
    return { kind: 'int', value };
  }
  return { kind: 'float', value: floatArithmetic(operator, toDouble(left), toDouble(right)) };
}

/** Unary minus: keeps int (wrapping), float and duration; undefined for what is no number (spec traceql §4.6). */
export function negateStatic(value: Static): Static | undefined {
  if (value.kind === 'int') return { kind: 'int', value: value.value === minInt64 ? minInt64 : -value.value };
  if (value.kind === 'duration') return { kind: 'duration', nanos: BigInt.asIntN(64, -value.nanos) };
  return value.kind === 'float' ? { kind: 'float', value: -value.value } : undefined;
}

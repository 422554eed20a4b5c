import type { ArithmeticOperator, ComparisonOperator, Static } from '#engine/traceql/ast.ts';
import type { OtlpValue } from '#engine/vparquet/write/trace-model.ts';

/** A value while a query is evaluated naively: a constant's kinds, or an array of them. */
export type Value = Static | { readonly kind: 'array'; readonly elements: readonly Static[] };

export const nil: Value = { kind: 'nil' };

export function bool(value: boolean): Value {
  return { kind: 'boolean', value };
}

export function text(value: string): Value {
  return { kind: 'string', value };
}

export function whole(value: number | bigint): Value {
  return { kind: 'int', value: BigInt(value) };
}

export function isTrue(value: Value): boolean {
  return value.kind === 'boolean' && value.value;
}

/** What TraceQL sees of a stored attribute; nothing of maps, bytes, empty and mixed arrays (spec traceql §4.8). */
export function visible(value: OtlpValue): Value | undefined {
  if (value.kind !== 'array') return scalar(value);
  const elements = value.values.map(scalar);
  const first = elements[0];
  if (first === undefined || elements.some((element) => element?.kind !== first.kind)) return undefined;
  return elements.length === 1 ? first : { kind: 'array', elements: elements as Static[] };
}

function scalar(value: OtlpValue): Static | undefined {
  switch (value.kind) {
    case 'string':
      return { kind: 'string', value: value.value };
    case 'int':
      return { kind: 'int', value: value.value };
    case 'double':
      return { kind: 'float', value: value.value };
    case 'boolean':
      return { kind: 'boolean', value: value.value };
    default:
      return undefined;
  }
}

/** Spec traceql §4.4, for values of any kinds: what does not match is false, two arrays are an error. */
export function compare(operator: ComparisonOperator, left: Value, right: Value): boolean {
  if (left.kind === 'array' && right.kind === 'array') throw new Error('array operators must consist of a scalar and an array operand');
  const pairs: (readonly [Static, Static])[] = [];
  if (left.kind === 'array') for (const element of left.elements) pairs.push([element, right as Static]);
  else if (right.kind === 'array') for (const element of right.elements) pairs.push([left, element]);
  else return compareScalars(operator, left, right);
  const results = pairs.map(([a, b]) => compareScalars(operator, a, b));
  return operator === '!=' || operator === '!~' ? !results.includes(false) : results.includes(true);
}

/** The same for two scalars. */
export function compareScalars(operator: ComparisonOperator, left: Static, right: Static): boolean {
  if (left.kind === 'string' && right.kind === 'string') {
    if (operator === '=~' || operator === '!~') return new RegExp(`^(?:${right.value})$`, 'su').test(left.value) === (operator === '=~');
    return holds(operator, Buffer.compare(Buffer.from(left.value), Buffer.from(right.value)));
  }
  if (operator === '=~' || operator === '!~') return false;
  const a = numeric(left);
  const b = numeric(right);
  if (a !== undefined && b !== undefined) {
    const doubles = typeof a === 'number' || typeof b === 'number';
    const [x, y] = doubles ? [Number(a), Number(b)] : [a, b];
    if (Number.isNaN(x) || Number.isNaN(y)) return operator === '!=';
    return holds(operator, x < y ? -1 : x > y ? 1 : 0);
  }
  if (left.kind !== right.kind || (operator !== '=' && operator !== '!=')) return false;
  if (left.kind === 'boolean' && right.kind === 'boolean') return holds(operator, Number(left.value) - Number(right.value));
  if ((left.kind === 'status' || left.kind === 'kind') && 'code' in right) return holds(operator, left.code - right.code);
  return false;
}

export function holds(operator: ComparisonOperator, order: number): boolean {
  if (operator === '=') return order === 0;
  if (operator === '!=') return order !== 0;
  if (operator === '<') return order < 0;
  if (operator === '<=') return order <= 0;
  return operator === '>' ? order > 0 : order >= 0;
}

/** The number of an int or duration (exact) or float. */
export function numeric(value: Value): bigint | number | undefined {
  if (value.kind === 'int' || value.kind === 'float') return value.value;
  return value.kind === 'duration' ? value.nanos : undefined;
}

/** Spec traceql §4.6; nil where there is no result. */
export function calculate(operator: ArithmeticOperator, left: Value, right: Value): Value {
  const a = numeric(left);
  const b = numeric(right);
  if (a === undefined || b === undefined) return nil;
  if (left.kind === 'int' && right.kind === 'int') return whole(BigInt.asIntN(64, ofIntegers(operator, left.value, right.value)));
  const x = Number(a);
  const y = Number(b);
  const results = { '+': x + y, '-': x - y, '*': x * y, '/': x / y, '%': x % y, '^': x ** y };
  return { kind: 'float', value: results[operator] };
}

function ofIntegers(operator: ArithmeticOperator, a: bigint, b: bigint): bigint {
  if (operator === '+') return a + b;
  if (operator === '-') return a - b;
  if (operator === '*') return a * b;
  if (operator === '^') return a ** b;
  if (b === 0n) throw new Error(operator === '/' ? 'division by zero' : 'modulo by zero');
  return operator === '/' ? a / b : a % b;
}

export function negate(value: Value): Value {
  if (value.kind === 'int') return whole(BigInt.asIntN(64, -value.value));
  if (value.kind === 'duration') return { kind: 'duration', nanos: BigInt.asIntN(64, -value.nanos) };
  return value.kind === 'float' ? { kind: 'float', value: -value.value } : nil;
}

import type { FieldExpression } from '#engine/traceql/ast.ts';
import { isReference } from '#engine/traceql/plan-filter.ts';
import { isArithmetic, type Operand } from './expressions.ts';
import { type BoundReference, bindExpression, bindReference, createReader } from './general.ts';
import type { ScanState } from './scan-state.ts';
import { noChild } from './slots.ts';
import { type Values, valueKind } from './values.ts';

/** What a span's value is: see {@link SpanValues}. */
export const operandKind = { nil: 0, int: 1, float: 2, string: 3, boolean: 4, array: 5, duration: 6, status: 7, kind: 8 } as const;

/** The value of an expression for each of a list of spans, as columns: whole numbers in two halves, so that none becomes a BigInt on its own. */
export interface SpanValues {
  /** {@link operandKind} of each span. */
  readonly kinds: Uint8Array;
  /** Low and high halves of int, duration, status and kind. */
  readonly low: Uint32Array;
  readonly high: Int32Array;
  /** Floats, and booleans as 0 or 1. */
  readonly numbers: Float64Array;
  /** Texts: equal addresses are equal texts, but not the other way round. */
  readonly textAt: Uint32Array;
  readonly textLength: Uint32Array;
  /** The i-th span's value by itself. */
  readonly operand: (index: number) => Operand;
}

/** Evaluates an expression for ascending span slots; what cannot be computed is nil. A bare reference is read as columns, anything else span by span. */
export async function spanValues(state: ScanState, expression: FieldExpression, spans: Uint32Array): Promise<SpanValues> {
  if (isReference(expression)) return ofReference(state, await bindReference(state, expression, spans), spans.length);
  return ofExpression(await bindExpression(state, expression, spans), spans.length);
}

/** As {@link spanValues}, but arithmetic without a result is false: so it is in `by()` (spec traceql §4.3). */
export async function groupValues(state: ScanState, expression: FieldExpression, spans: Uint32Array): Promise<SpanValues> {
  if (expression.kind !== 'binary' || !isArithmetic(expression.operator)) return spanValues(state, expression, spans);
  const evaluate = await bindExpression(state, expression, spans);
  const orFalse = (operand: Operand): Operand => (operand.kind === 'nil' ? { kind: 'boolean', value: false } : operand);
  return ofExpression((index) => orFalse(evaluate(index)), spans.length);
}

function emptyColumns(count: number) {
  return {
    kinds: new Uint8Array(count),
    low: new Uint32Array(count),
    high: new Int32Array(count),
    numbers: new Float64Array(count),
    textAt: new Uint32Array(count),
    textLength: new Uint32Array(count),
  };
}

function ofReference(state: ScanState, bound: BoundReference, count: number): SpanValues {
  const columns = emptyColumns(count);
  for (const { values, positions } of bound.groups) takeGroup(columns, values, positions);
  const read = createReader(state);
  return { ...columns, operand: (index) => read(bound, index) };
}

/** Spans that have no value yet get that of this group. */
function takeGroup(columns: ReturnType<typeof emptyColumns>, values: Values, positions: Uint32Array): void {
  const { kinds, low, high, numbers, textAt, textLength } = columns;
  const halves = new Int32Array(values.ints.buffer, values.ints.byteOffset, 2 * values.ints.length);
  const ofInt =
    values.meaning === 'duration'
      ? operandKind.duration
      : values.meaning === 'status'
        ? operandKind.status
        : values.meaning === 'kind'
          ? operandKind.kind
          : operandKind.int;
  for (let i = 0; i < kinds.length; i++) {
    const position = positions[i];
    if (kinds[i] !== operandKind.nil || position === noChild) continue;
    switch (values.kinds[position]) {
      case valueKind.text:
        kinds[i] = operandKind.string;
        textAt[i] = values.textAt[position];
        textLength[i] = values.textLength[position];
        break;
      case valueKind.int:
        kinds[i] = ofInt;
        low[i] = halves[2 * position];
        high[i] = halves[2 * position + 1];
        break;
      case valueKind.double:
        kinds[i] = operandKind.float;
        numbers[i] = values.numbers[position];
        break;
      case valueKind.boolean:
        kinds[i] = operandKind.boolean;
        numbers[i] = values.numbers[position];
        break;
      case valueKind.list:
        kinds[i] = operandKind.array;
        break;
    }
  }
}

function ofExpression(evaluate: (index: number) => Operand, count: number): SpanValues {
  const columns = emptyColumns(count);
  const operands: Operand[] = [];
  for (let i = 0; i < count; i++) {
    const operand = evaluate(i);
    operands.push(operand);
    columns.kinds[i] = operandKind[operand.kind];
    if (operand.kind === 'int') putWhole(columns, i, operand.value);
    else if (operand.kind === 'duration') putWhole(columns, i, operand.nanos);
    else if (operand.kind === 'status' || operand.kind === 'kind') columns.low[i] = operand.code;
    else if (operand.kind === 'float') columns.numbers[i] = operand.value;
    else if (operand.kind === 'boolean') columns.numbers[i] = Number(operand.value);
  }
  return { ...columns, operand: (index) => operands[index] };
}

function putWhole({ low, high }: ReturnType<typeof emptyColumns>, index: number, value: bigint): void {
  low[index] = Number(BigInt.asUintN(32, value));
  high[index] = Number(BigInt.asIntN(32, value >> 32n));
}

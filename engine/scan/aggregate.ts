import type { AggregatePlan } from '#engine/traceql/plan.ts';
import { compareOperands, type Operand } from './expressions.ts';
import { operandKind, type SpanValues } from './span-values.ts';

/** Which of some values belong to a spanset: `members[from]` to `members[to - 1]`. */
export interface Members {
  readonly members: Uint32Array;
  readonly from: number;
  readonly to: number;
}

/**
 * The aggregate of a spanset's values, or undefined where no span has one (spec traceql §6.2). Missing values are skipped. `sum` starts with the first
 * value and leaves out those of another type; `avg` divides that by the number of all values.
 */
export function aggregate(name: AggregatePlan['function'], values: SpanValues, within: Members): Operand | undefined {
  const { kind, count, mixed } = survey(values.kinds, within);
  switch (name) {
    case 'count':
      return { kind: 'int', value: BigInt(within.to - within.from) };
    case 'min':
    case 'max':
      return count === 0 ? undefined : extreme(values, within, kind, mixed, name === 'max');
    case 'sum':
      return sum(values, within, kind);
    case 'avg':
      return average(sum(values, within, kind), count);
  }
}

/** The type of the first value, how many values there are, and whether all are of that type. */
function survey(kinds: Uint8Array, { members, from, to }: Members) {
  let kind = 0;
  let count = 0;
  let mixed = false;
  for (let i = from; i < to; i++) {
    const found = kinds[members[i]];
    if (found === operandKind.nil) continue;
    if (count++ === 0) kind = found;
    else if (found !== kind) mixed = true;
  }
  return { kind, count, mixed };
}

function isWhole(kind: number): boolean {
  return kind === operandKind.int || kind >= operandKind.duration;
}

function extreme(values: SpanValues, within: Members, kind: number, mixed: boolean, largest: boolean): Operand {
  const { members, from, to } = within;
  const { kinds, low, high, numbers } = values;
  let best = -1;
  for (let i = from; i < to; i++) {
    const span = members[i];
    if (kinds[span] === operandKind.nil) continue;
    if (best < 0) {
      best = span;
      continue;
    }
    let order: number;
    if (mixed || (!isWhole(kind) && kind !== operandKind.float)) order = compareValues(values.operand(span), values.operand(best), largest);
    else if (kind === operandKind.float) order = compareFloats(numbers[span], numbers[best], largest);
    else order = high[span] - high[best] || low[span] - low[best];
    if (largest ? order > 0 : order < 0) best = span;
  }
  return values.operand(best);
}

/** NaN wins, as in the maximum and minimum of IEEE 754. */
function compareFloats(a: number, b: number, largest: boolean): number {
  if (Number.isNaN(b)) return 0;
  if (Number.isNaN(a)) return largest ? 1 : -1;
  return a > b ? 1 : a < b ? -1 : 0;
}

/** Numbers of different types compare as doubles, other values of different types by their types (spec traceql §6.2). */
function compareValues(a: Operand, b: Operand, largest: boolean): number {
  const x = asDouble(a);
  const y = asDouble(b);
  if (x !== undefined && y !== undefined && (a.kind !== b.kind || a.kind === 'float')) return compareFloats(x, y, largest);
  if (a.kind !== b.kind) return operandKind[a.kind] - operandKind[b.kind];
  if (a.kind === 'boolean' && b.kind === 'boolean') return Number(a.value) - Number(b.value);
  if ((a.kind === 'status' && b.kind === 'status') || (a.kind === 'kind' && b.kind === 'kind')) return a.code - b.code;
  if (a.kind === 'array') return 0;
  return compareOperands('<', a, b) ? -1 : compareOperands('>', a, b) ? 1 : 0;
}

function asDouble(operand: Operand): number | undefined {
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

/** Halves are added up apart: below 2^20 of them no double loses a bit. */
const carryEvery = 2 ** 20;

function sum(values: SpanValues, { members, from, to }: Members, kind: number): Operand | undefined {
  const { kinds, low, high, numbers } = values;
  if (kind === operandKind.float) {
    let total = 0;
    let first = true;
    for (let i = from; i < to; i++) {
      if (kinds[members[i]] !== kind) continue;
      total = first ? numbers[members[i]] : total + numbers[members[i]];
      first = false;
    }
    return { kind: 'float', value: total };
  }
  if (kind !== operandKind.int && kind !== operandKind.duration) return undefined;
  let total = 0n;
  let lows = 0;
  let highs = 0;
  for (let i = from; i < to; i++) {
    if (kinds[members[i]] !== kind) continue;
    lows += low[members[i]];
    highs += high[members[i]];
    if ((i - from) % carryEvery !== carryEvery - 1) continue;
    total += BigInt(lows) + (BigInt(highs) << 32n);
    lows = 0;
    highs = 0;
  }
  total = BigInt.asIntN(64, total + BigInt(lows) + (BigInt(highs) << 32n));
  return kind === operandKind.int ? { kind: 'int', value: total } : { kind: 'duration', nanos: total };
}

/** Of ints a float, of durations a duration cut to whole nanoseconds. */
function average(total: Operand | undefined, count: number): Operand | undefined {
  switch (total?.kind) {
    case 'int':
      return { kind: 'float', value: Number(total.value) / count };
    case 'float':
      return { kind: 'float', value: total.value / count };
    case 'duration':
      return { kind: 'duration', nanos: total.nanos / BigInt(count) };
    default:
      return undefined;
  }
}

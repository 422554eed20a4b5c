// Aggregates against the rules of spec traceql §6.2, written down one value at a time.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { aggregate } from '#engine/scan/aggregate.ts';
import type { Operand } from '#engine/scan/expressions.ts';
import { operandKind, type SpanValues } from '#engine/scan/span-values.ts';

const whole = fc.oneof(fc.bigInt({ min: -50n, max: 50n }), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
const float = fc.oneof(fc.double({ noNaN: true }), fc.constantFrom(0, -1.5, 2.25, Number.POSITIVE_INFINITY));
const ofInt = whole.map((value): Operand => ({ kind: 'int', value }));
const ofDuration = whole.map((nanos): Operand => ({ kind: 'duration', nanos }));
const ofFloat = float.map((value): Operand => ({ kind: 'float', value }));
const nothing = fc.constant<Operand>({ kind: 'nil' });
const other = fc.oneof(
  fc.string({ maxLength: 3 }).map((value): Operand => ({ kind: 'string', value })),
  fc.boolean().map((value): Operand => ({ kind: 'boolean', value })),
  fc.nat({ max: 2 }).map((code): Operand => ({ kind: 'status', code })),
  fc.nat({ max: 5 }).map((code): Operand => ({ kind: 'kind', code })),
);
const operands = fc.oneof(
  fc.array(fc.oneof(ofInt, nothing), { maxLength: 12 }),
  fc.array(fc.oneof(ofDuration, nothing), { maxLength: 12 }),
  fc.array(fc.oneof(ofFloat, nothing), { maxLength: 12 }),
  fc.array(fc.oneof(ofInt, ofDuration, ofFloat, other, nothing), { maxLength: 12 }),
);

function columns(list: readonly Operand[]): SpanValues {
  const wholes = list.map((operand) => {
    if (operand.kind === 'int') return operand.value;
    if (operand.kind === 'duration') return operand.nanos;
    return operand.kind === 'status' || operand.kind === 'kind' ? BigInt(operand.code) : 0n;
  });
  return {
    kinds: Uint8Array.from(list, ({ kind }) => operandKind[kind]),
    low: Uint32Array.from(wholes, (value) => Number(BigInt.asUintN(32, value))),
    high: Int32Array.from(wholes, (value) => Number(BigInt.asIntN(32, value >> 32n))),
    numbers: Float64Array.from(list, (operand) =>
      operand.kind === 'float' ? operand.value : Number(operand.kind === 'boolean' && operand.value),
    ),
    textAt: new Uint32Array(list.length),
    textLength: new Uint32Array(list.length),
    operand: (index) => list[index]!,
  };
}

function numeric(operand: Operand): number | undefined {
  if (operand.kind === 'int') return Number(operand.value);
  if (operand.kind === 'duration') return Number(operand.nanos);
  return operand.kind === 'float' ? operand.value : undefined;
}

const typeRank = ['int', 'float', 'string', 'boolean', 'array', 'duration', 'status', 'kind'];

/** Whether a comes before b. */
function isLess(a: Operand, b: Operand): boolean {
  if (a.kind !== b.kind) {
    const [x, y] = [numeric(a), numeric(b)];
    return x !== undefined && y !== undefined ? x < y : typeRank.indexOf(a.kind) < typeRank.indexOf(b.kind);
  }
  if (a.kind === 'int' && b.kind === 'int') return a.value < b.value;
  if (a.kind === 'duration' && b.kind === 'duration') return a.nanos < b.nanos;
  if (a.kind === 'string' && b.kind === 'string') return Buffer.compare(Buffer.from(a.value), Buffer.from(b.value)) < 0;
  if ((a.kind === 'status' || a.kind === 'kind') && (b.kind === 'status' || b.kind === 'kind')) return a.code < b.code;
  return 'value' in a && 'value' in b && a.value < b.value;
}

function naiveSum(list: readonly Operand[]): Operand | undefined {
  const [first, ...others] = list.filter(({ kind }) => kind !== 'nil');
  let total = first;
  for (const operand of others) {
    if (total?.kind === 'int' && operand.kind === 'int') total = { kind: 'int', value: BigInt.asIntN(64, total.value + operand.value) };
    else if (total?.kind === 'duration' && operand.kind === 'duration')
      total = { kind: 'duration', nanos: BigInt.asIntN(64, total.nanos + operand.nanos) };
    else if (total?.kind === 'float' && operand.kind === 'float') total = { kind: 'float', value: total.value + operand.value };
  }
  return total !== undefined && numeric(total) !== undefined ? total : undefined;
}

function naiveAverage(list: readonly Operand[]): Operand | undefined {
  const total = naiveSum(list);
  const count = list.filter(({ kind }) => kind !== 'nil').length;
  if (total?.kind === 'duration') return { kind: 'duration', nanos: total.nanos / BigInt(count) };
  return total && { kind: 'float', value: numeric(total)! / count };
}

/** The first of the least (or greatest) values. */
function naiveExtreme(list: readonly Operand[], precedes: (a: Operand, b: Operand) => boolean): Operand | undefined {
  const values = list.filter(({ kind }) => kind !== 'nil');
  return values.length === 0 ? undefined : values.reduce((best, operand) => (precedes(operand, best) ? operand : best));
}

describe('aggregates', () => {
  test('of random values', () => {
    fc.assert(
      fc.property(operands, operands, (before, list) => {
        // The spanset is a part of what was read, and not in that order.
        const values = columns([...before, ...list]);
        const members = Uint32Array.from({ length: before.length + list.length }, (_, i) => i);
        const within = { members, from: before.length, to: members.length };
        assert.deepEqual(aggregate('count', values, within), { kind: 'int', value: BigInt(list.length) });
        assert.deepEqual(aggregate('sum', values, within), naiveSum(list));
        assert.deepEqual(aggregate('avg', values, within), naiveAverage(list));
        assert.deepEqual(aggregate('min', values, within), naiveExtreme(list, isLess));
        assert.deepEqual(
          aggregate('max', values, within),
          naiveExtreme(list, (a, b) => isLess(b, a)),
        );
      }),
      { seed: 3, numRuns: 2000 },
    );
  });

  test('leave out values of another type than the first, but count them', () => {
    const list: readonly Operand[] = [
      { kind: 'int', value: 1n },
      { kind: 'int', value: 2n },
      { kind: 'float', value: 3.5 },
      { kind: 'int', value: 4n },
      { kind: 'nil' },
    ];
    const within = { members: Uint32Array.of(0, 1, 2, 3, 4), from: 0, to: 5 };
    assert.deepEqual(aggregate('sum', columns(list), within), { kind: 'int', value: 7n });
    assert.deepEqual(aggregate('avg', columns(list), within), { kind: 'float', value: 1.75 });
  });

  test('averages of durations are cut, sums of many large integers wrap', () => {
    const durations = [600_000_000n, 600_000_000n, 500_000_000n].map((nanos): Operand => ({ kind: 'duration', nanos }));
    const three = { members: Uint32Array.of(0, 1, 2), from: 0, to: 3 };
    assert.deepEqual(aggregate('avg', columns(durations), three), { kind: 'duration', nanos: 566_666_666n });
    const count = 3_000_000;
    const values: SpanValues = {
      ...columns([]),
      kinds: new Uint8Array(count).fill(operandKind.int),
      low: new Uint32Array(count).fill(0xffffffff),
      high: new Int32Array(count).fill(0x7fffffff),
    };
    const all = { members: Uint32Array.from({ length: count }, (_, i) => i), from: 0, to: count };
    assert.deepEqual(aggregate('sum', values, all), { kind: 'int', value: BigInt.asIntN(64, (2n ** 63n - 1n) * BigInt(count)) });
  });

  test('NaN is both minimum and maximum', () => {
    const list = [1, Number.NaN, 2].map((value): Operand => ({ kind: 'float', value }));
    const within = { members: Uint32Array.of(0, 1, 2), from: 0, to: 3 };
    assert.deepEqual(aggregate('min', columns(list), within), { kind: 'float', value: Number.NaN });
    assert.deepEqual(aggregate('max', columns(list), within), { kind: 'float', value: Number.NaN });
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ArithmeticOperator, ComparisonOperator, Static } from '#engine/traceql/ast.ts';
import { compareStatics, compareText, computeStatics, negateStatic } from '#engine/traceql/static-values.ts';

const int = (value: bigint): Static => ({ kind: 'int', value });
const float = (value: number): Static => ({ kind: 'float', value });
const text = (value: string): Static => ({ kind: 'string', value });
const duration = (nanos: bigint): Static => ({ kind: 'duration', nanos });

test('text is ordered by the bytes of UTF-8', () => {
  const words = ['', 'a', 'ab', 'b', 'é', '\ud7ff', '\ue000', '\uffff', '𐀀', '🚀'];
  for (const a of words) {
    for (const b of words) assert.equal(Math.sign(compareText(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)), `${a} ${b}`);
  }
});

test('constants compare by type (spec traceql §4.4)', () => {
  const rows: readonly [ComparisonOperator, Static, Static, boolean][] = [
    ['=', int(9007199254740993n), int(9007199254740992n), false],
    ['>', int(9007199254740993n), duration(9007199254740992n), true],
    ['=', float(9007199254740992), int(9007199254740993n), true],
    ['<=', duration(1n), float(1), true],
    ['<', text('\uffff'), text('🚀'), true],
    ['!=', text('a'), int(1n), false],
    ['=', { kind: 'status', code: 1 }, { kind: 'status', code: 1 }, true],
    ['=', { kind: 'status', code: 1 }, { kind: 'kind', code: 1 }, false],
    ['<', { kind: 'boolean', value: false }, { kind: 'boolean', value: true }, false],
    ['!=', { kind: 'boolean', value: false }, { kind: 'boolean', value: true }, true],
    ['!=', float(Number.NaN), float(Number.NaN), true],
    ['=', { kind: 'nil' }, { kind: 'nil' }, false],
  ];
  for (const [operator, left, right, expected] of rows) assert.equal(compareStatics(operator, left, right), expected);
});

test('arithmetic: ints stay ints and wrap, the rest is float (spec traceql §4.6)', () => {
  const max = 2n ** 63n - 1n;
  const rows: readonly [ArithmeticOperator, Static, Static, Static | { problem: string }][] = [
    ['+', int(max), int(1n), int(-max - 1n)],
    ['*', int(max), int(2n), int(-2n)],
    ['/', int(-7n), int(2n), int(-3n)],
    ['/', int(-max - 1n), int(-1n), int(-max - 1n)],
    ['%', int(-7n), int(3n), int(-1n)],
    ['^', int(3n), int(4n), int(81n)],
    ['^', int(3n), int(max), int(BigInt.asIntN(64, 3n ** 3n * powerOf3(max - 3n)))],
    ['^', int(-1n), int(-3n), int(-1n)],
    ['^', int(0n), int(-1n), { problem: 'division by zero' }],
    ['/', int(1n), int(0n), { problem: 'division by zero' }],
    ['%', int(1n), int(0n), { problem: 'modulo by zero' }],
    ['/', duration(1_000_000_000n), int(2n), float(5e8)],
    ['+', duration(1n), duration(2n), float(3)],
    ['/', float(1), int(0n), float(Number.POSITIVE_INFINITY)],
    ['%', float(-5.5), int(2n), float(-1.5)],
    ['^', float(1), float(Number.NaN), float(1)],
  ];
  for (const [operator, left, right, expected] of rows) assert.deepEqual(computeStatics(operator, left, right), expected);
  assert.deepEqual(negateStatic(int(-max - 1n)), int(-max - 1n));
  assert.deepEqual(negateStatic(duration(5n)), duration(-5n));
  assert.equal(negateStatic(text('a')), undefined);
});

/** 3 to a large power within 64 bits, by another way than the code under test: 3 has order 2^62 among the units modulo 2^64. */
function powerOf3(exponent: bigint): bigint {
  let result = 1n;
  for (let bit = 62n; bit >= 0n; bit--) {
    result = BigInt.asUintN(64, result * result);
    if ((exponent >> bit) & 1n) result = BigInt.asUintN(64, result * 3n);
  }
  return result;
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileRegexp } from '#engine/traceql/regexp/regexp.ts';

const size = 1 << 20;
/** Generous for a machine that does other things as well; a backtracking matcher would need longer than the universe has. */
const maxMs = 3000;
const slack = 6;

/** Patterns that are exponential or quadratic for a backtracking matcher, and the text that makes them so. */
const adversaries: readonly (readonly [string, (at: number) => string, boolean])[] = [
  ['(a*)*b', () => 'a', false],
  ['(a|a)*', () => 'a', true],
  ['(a|aa)+b', () => 'a', false],
  ['(x+x+)+y', () => 'x', false],
  ['(.*a){20}', () => 'a', true],
  ['(.*a){20}b', () => 'a', false],
  ['.*.*=.*x', () => '=', false],
  ['(.*)*(.*)*(.*)*!', () => 'é', false],
  ['(\\w+\\s?)*\\b!', () => 'w', false],
  ['(?:\\bx+\\b *)*', (at) => (at % 9 === 8 ? ' ' : 'x'), true],
  // 2^17 states: more than the cache holds.
  ['[ab]*a[ab]{16}', (at) => (isOdd(at) ? 'a' : 'b'), true],
];

/** A fair coin for each position. */
function isOdd(at: number): boolean {
  let mixed = Math.imul(at ^ (at >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return ((mixed ^ (mixed >>> 16)) & 1) === 1;
}

function timeOf(pattern: string, bytes: Uint8Array, expected: boolean | undefined): number {
  const regexp = compileRegexp(pattern);
  const start = performance.now();
  const isMatch = regexp.matches(bytes, 0, bytes.length);
  const elapsed = performance.now() - start;
  if (expected !== undefined) assert.equal(isMatch, expected, pattern);
  return elapsed;
}

for (const [pattern, charAt, expected] of adversaries) {
  test(`${pattern} is linear`, () => {
    const text = Array.from({ length: size }, (_, at) => charAt(at)).join('');
    const isRandom = pattern.startsWith('[ab]');
    const bytes = Buffer.from(text).subarray(0, size);
    const half = timeOf(pattern, bytes.subarray(0, size / 2), isRandom ? undefined : expected);
    const whole = timeOf(pattern, bytes, isRandom ? undefined : expected);
    assert.ok(whole < maxMs, `${whole} ms for 1 MiB`);
    assert.ok(whole < half * slack + 20, `${half} ms for half, ${whole} ms for all`);
  });
}

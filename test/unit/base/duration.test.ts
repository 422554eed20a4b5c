import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseGoDuration, parsePrometheusDuration, printGoDuration } from '#engine/base/duration.ts';

const ms = 1_000_000n;
const s = 1_000n * ms;
const m = 60n * s;
const h = 60n * m;

test('Go durations are read as Go reads them', () => {
  const cases: [string, bigint][] = [
    ['0', 0n],
    ['-0', 0n],
    ['1h2m', h + 2n * m],
    ['1.5s', 1500n * ms],
    ['.5s', 500n * ms],
    ['1.s', s],
    ['1h1.5m', h + 90n * s],
    ['30m1h', 90n * m],
    ['1ms500us', 1_500_000n],
    ['2µs', 2000n],
    ['2\u03bcs', 2000n],
    ['-1.5h', -90n * m],
    ['+5ns', 5n],
    ['0.3333333333333333333h', 20n * m],
    ['9223372036854775807ns', 2n ** 63n - 1n],
    ['-9223372036854775808ns', -(2n ** 63n)],
  ];
  for (const [text, nanos] of cases) assert.equal(parseGoDuration(text), nanos, text);
});

test('bad Go durations get the texts of Go', () => {
  const cases: [string, string][] = [
    ['', 'time: invalid duration ""'],
    ['10', 'time: missing unit in duration "10"'],
    ['1.5', 'time: missing unit in duration "1.5"'],
    ['x', 'time: invalid duration "x"'],
    ['.s', 'time: invalid duration ".s"'],
    ['-', 'time: invalid duration "-"'],
    ['1d', 'time: unknown unit "d" in duration "1d"'],
    ['1constructor', 'time: unknown unit "constructor" in duration "1constructor"'],
    ['1 s', 'time: unknown unit " s" in duration "1 s"'],
    ['1é', 'time: unknown unit "\\xc3\\xa9" in duration "1\\xc3\\xa9"'],
    ['"1s', 'time: invalid duration "\\"1s"'],
    ['9223372036854775808ns', 'time: invalid duration "9223372036854775808ns"'],
    ['3000000h', 'time: invalid duration "3000000h"'],
  ];
  for (const [text, message] of cases) assert.throws(() => parseGoDuration(text), { code: 'bad_request', message }, text);
});

test('durations are printed as Go prints them', () => {
  const cases: [bigint, string][] = [
    [0n, '0s'],
    [7n, '7ns'],
    [1_500n, '1.5µs'],
    [1_500_000n, '1.5ms'],
    [500n * ms, '500ms'],
    [s, '1s'],
    [h + 30n * m, '1h30m0s'],
    [24n * h, '24h0m0s'],
    [90n * s, '1m30s'],
    [168n * h, '168h0m0s'],
    [s + 1n, '1.000000001s'],
    [-1_500n * ms, '-1.5s'],
    [-(2n ** 63n), '-2562047h47m16.854775808s'],
  ];
  for (const [nanos, text] of cases) assert.equal(printGoDuration(nanos), text);
});

test('Prometheus durations have whole amounts in order', () => {
  assert.equal(parsePrometheusDuration('1d12h'), 36n * h);
  assert.equal(parsePrometheusDuration('1h30m'), 90n * m);
  assert.equal(parsePrometheusDuration('1w2d'), 9n * 24n * h);
  assert.equal(parsePrometheusDuration('1y'), 365n * 24n * h);
  assert.equal(parsePrometheusDuration('15m3ms'), 15n * m + 3n * ms);
  assert.equal(parsePrometheusDuration('0'), 0n);
  const cases: [string, string][] = [
    ['abc', 'not a valid duration string: "abc"'],
    ['1.5h', 'not a valid duration string: "1.5h"'],
    ['1m1h', 'not a valid duration string: "1m1h"'],
    ['10', 'not a valid duration string: "10"'],
    ['"\n', 'not a valid duration string: "\\"\\n"'],
    ['', 'empty duration string'],
    ['300y', 'duration out of range'],
  ];
  for (const [text, message] of cases) assert.throws(() => parsePrometheusDuration(text), { code: 'bad_request', message }, text);
});

test('a printed duration is read back', () => {
  for (const nanos of [1n, 999n, 1_000n, 123_456_789n, 987_654_321_012_345n, -42n]) {
    assert.equal(parseGoDuration(printGoDuration(nanos)), nanos);
  }
});

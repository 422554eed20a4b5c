import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Static } from '#engine/traceql/ast.ts';
import { parseQuery } from '#engine/traceql/parse.ts';
import { printDouble, printReference, printStatic } from '#engine/traceql/print.ts';
import { printPipeline, printQuery } from '#engine/traceql/print-query.ts';

test('doubles print in the shortest form of Go', () => {
  const rows: readonly [number, string][] = [
    [0, '0'],
    [-0, '-0'],
    [1.5, '1.5'],
    [100000, '100000'],
    [1e6, '1e+06'],
    [1234567, '1.234567e+06'],
    [1.08e13, '1.08e+13'],
    [0.0001, '0.0001'],
    [0.00001, '1e-05'],
    [1e100, '1e+100'],
    [-2.5e-7, '-2.5e-07'],
    [Number.POSITIVE_INFINITY, '+Inf'],
    [Number.NaN, 'NaN'],
  ];
  for (const [value, text] of rows) assert.equal(printDouble(value), text);
});

test('constants print as in messages, and so that they can be read again', () => {
  const rows: readonly [Static, string, string][] = [
    [{ kind: 'nil' }, 'nil', 'nil'],
    [{ kind: 'float', value: 2 }, '2.0', '2.0'],
    [{ kind: 'float', value: 1e7 }, '1e+07', '1e+07'],
    [{ kind: 'string', value: 'a"b' }, '`a"b`', '`a"b`'],
    [{ kind: 'string', value: 'a`b\n' }, '`a`b\n`', '"a`b\\n"'],
    [{ kind: 'duration', nanos: 5_400_000_000_000n }, '1h30m0s', '1h30m0s'],
    [{ kind: 'status', code: 2 }, 'error', 'error'],
    [{ kind: 'kind', code: 5 }, 'consumer', 'consumer'],
    [{ kind: 'int', value: -(2n ** 63n) }, '-9223372036854775808', 'minInt'],
  ];
  for (const [value, message, query] of rows) {
    assert.equal(printStatic(value), message);
    assert.equal(printStatic(value, 'query'), query);
  }
});

test('attributes are quoted where their name ends early (spec traceql §1.6, §3.3)', () => {
  const attribute = (scope: 'none' | 'span', name: string, parent = false) => ({ kind: 'attribute', scope, name, parent }) as const;
  const rows: readonly [ReturnType<typeof attribute>, string, string][] = [
    [attribute('none', 'a'), '.a', '.a'],
    [attribute('span', 'a b'), 'span."a b"', 'span."a b"'],
    [attribute('span', 'new\nline'), 'span."new\nline"', 'span."new\nline"'],
    [attribute('span', 'quote"key'), 'span.quote"key', 'span."quote\\"key"'],
    [attribute('span', 'back\\slash'), 'span.back\\slash', 'span.back\\slash'],
    [attribute('none', '1'), '.1', '."1"'],
    [attribute('none', ''), '.', '.""'],
    [attribute('none', 'span.x', true), 'parent.span.x', 'parent."span.x"'],
  ];
  for (const [reference, message, query] of rows) {
    assert.equal(printReference(reference), message);
    assert.equal(printReference(reference, 'query'), query);
  }
});

test('stages are joined by | and queries print whole', () => {
  const text = '{ .a } | by ( name ) | count( ) > 1 + 2*3 | select(.b , span.c)|coalesce()';
  assert.equal(printPipeline(parseQuery(text).pipeline), '{ .a }|by(name)|count() > 1 + (2 * 3)|select(.b, span.c)|coalesce()');
  const rows: readonly [string, string][] = [
    ['{ -5 * .a = -5 }', '{ (-(5 * .a)) = -5 }'],
    ['{ (-5) * .a = -5 }', '{ ((-5) * .a) = -5 }'],
    ['{.a||.b||(.c||.d)}', '{ .a || .b || (.c || .d) }'],
    ['{ 2 ^ .a ^ .b = (2 ^ .a) ^ .b }', '{ (2 ^ .a ^ .b) = ((2 ^ .a) ^ .b) }'],
    ['{ ! ! .a }', '{ !!.a }'],
    ['({}|{}) && (({}|{}) >> ({}))', '({ true }|{ true }) && (({ true }|{ true }) >> ({ true }))'],
    ['({}|count()) > -1', '({ true }|count()) > -1'],
    ['{} | quantile_over_time(duration,.5, 1) by(name) < - 1ms|topk(1) with ( a = 1h )', ''],
    ['{} | compare({.a}, 3, 4, 5)', '{ true } | compare({ .a }, 3, 4, 5)'],
  ];
  for (const [query, printed] of rows) {
    const expected = printed || '{ true } | quantile_over_time(duration, 0.5, 1) by (name) < -0.001 | topk(1) with(a=1h0m0s)';
    assert.equal(printQuery(parseQuery(query)), expected, query);
  }
});

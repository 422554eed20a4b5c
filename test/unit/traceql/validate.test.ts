import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '#engine/base/errors.ts';
import { compileQuery } from '#engine/traceql/compile.ts';
import { parseQuery } from '#engine/traceql/parse.ts';
import { fieldType } from '#engine/traceql/static-types.ts';

function problem(text: string): string {
  try {
    compileQuery(text);
  } catch (thrown) {
    assert.ok(thrown instanceof AppError && thrown.code === 'bad_request', String(thrown));
    return thrown.message;
  }
  return 'valid';
}

function rowsHold(rows: readonly (readonly [string, string])[]): void {
  for (const [text, expected] of rows) assert.equal(problem(text), expected, text);
}

test('operators fit the types of both operands (spec traceql §3.2)', () => {
  const illegal = 'illegal operation for the given types: ';
  const mixed = 'binary operations must operate on the same type: ';
  rowsHold([
    ['{ name + .a = 1 }', `${illegal}name + .a`],
    ['{ .a + "x" = 1 }', `${illegal}.a + \`x\``],
    ['{ kind > server }', `${illegal}kind > server`],
    ['{ duration =~ .a }', `${illegal}duration =~ .a`],
    ['{ name && .a }', `${illegal}name && .a`],
    ['{ (.a = 1) > (.b = 2) }', `${illegal}(.a = 1) > (.b = 2)`],
    ['{ name > "a" && name != "b" && duration >= 1.5 && status = ok && kind != server }', 'valid'],
    ['{ kind = ok }', `${mixed}kind = ok`],
    ['{ span:childCount = "1" }', `${mixed}span:childCount = \`1\``],
    ['{ (name = "a") = 1 }', `${mixed}(name = \`a\`) = 1`],
    ['{ instrumentation:name = 1 }', 'valid'],
    ['{ nestedSetParent < 0 && duration = 1 && 1.5 < duration }', 'valid'],
    ['{ .a + 1 = "x" }', `${mixed}(.a + 1) = \`x\``],
    ['{ .a + .b = "x" }', 'valid'],
  ]);
});

test('unary operators, patterns and nil (spec traceql §3.2, §3.5)', () => {
  rowsHold([
    ['{ -name = 1 }', 'illegal operation for the given type: -name'],
    ['{ !duration }', 'illegal operation for the given type: !duration'],
    ['{ !(.a + 1) }', 'illegal operation for the given type: !(.a + 1)'],
    ['{ -duration < 1 && !.a && !(.a = 1) }', 'valid'],
    ['{ name =~ "a" + "b" }', 'illegal operation for the given types: `a` + `b`'],
    ['{ .a =~ "a{1001}" }', 'invalid regex: `a{1001}`'],
    ['{ .a !~ `(?<x>a)|\\d+` }', 'valid'],
    ['{ kind = nil }', 'kind=nil is not valid because intrinsics cannot be nil'],
    ['{ nil = span:kind }', 'kind=nil is not valid because intrinsics cannot be nil'],
    ['{ status != nil && .service.name = nil && span.service.name = nil && resource.service.name != nil }', 'valid'],
    ['{ parent != nil }', 'intrinsic (parent) not yet supported'],
    ['{ parent.resource.service.name = nil }', 'parent not yet supported'],
  ]);
});

test('filters, groups, aggregates and scalar filters (spec traceql §3.5)', () => {
  rowsHold([
    ['{ .a + 1 }', 'span filter field expressions must resolve to a boolean: { .a + 1 }'],
    ['{ -.a }', 'valid'],
    ['{ .a + .b }', 'valid'],
    ['{} | by(1 + 1)', 'grouping field expressions must reference the span: by(2)'],
    ['{} | by(parent.x)', 'parent not yet supported'],
    ['{} | by(.a = nil)', 'valid'],
    ['{} | sum(1 + 2) > 1', 'aggregate field expressions must reference the span: sum(3)'],
    ['{} | min(1 = 3) > 1', 'aggregate field expressions must resolve to a number type: min(false)'],
    ['{} | min(.a = 3) > 1', 'aggregate field expressions must resolve to a number type: min(.a = 3)'],
    ['{} | min(parent) > 1', 'intrinsic (parent) not yet supported'],
    ['{} | avg(duration + .a) >= 1h', 'valid'],
    ['3 = 2', 'scalar filter lhs of type (%v) not yet supported'],
    ['count() > count()', 'scalar filter rhs of type (%v) not yet supported'],
    ['count() + 1 > max(name)', 'aggregate field expressions must resolve to a number type: max(name)'],
    ['({ 1 } | count()) > 5', 'span filter field expressions must resolve to a boolean: { 1 }'],
    ['({} | avg(name)) > 5', 'aggregate field expressions must resolve to a number type: avg(name)'],
    ['({} | count()) > 5', 'scalar filter lhs of type (%v) not yet supported'],
    ['{ 1 } && { "a" }', 'span filter field expressions must resolve to a boolean: { 1 }'],
    ['({} | { 1 }) > ({ "a" } | {})', 'span filter field expressions must resolve to a boolean: { 1 }'],
    ['{} | select(.a, parent)', 'intrinsic (parent) not yet supported'],
  ]);
});

test('metrics functions and what follows them (spec traceql §3.5)', () => {
  const six = '.a,.b,.c,.d,.e,.f';
  rowsHold([
    [`{} | rate() by (${six.slice(0, -3)})`, 'valid'],
    [`{} | sum_over_time(.x) by (${six})`, 'metrics group by 6 values not yet supported'],
    [`{} | avg_over_time(.x) by (${six.slice(0, -3)})`, 'metrics group by 5 values not yet supported'],
    [`{} | quantile_over_time(.x, .5) by (${six.slice(0, -3)})`, 'metrics group by 5 values not yet supported'],
    [`{} | histogram_over_time(.x) by (${six.slice(0, -6)})`, 'valid'],
    ['{} | quantile_over_time(.x, 1.5)', 'quantile must be between 0 and 1: 1.5'],
    ['{} | quantile_over_time(.x, 0, 1)', 'valid'],
    ['{} | rate() | topk(5) | bottomk(0)', 'limit must be greater than 0'],
    ['{} | compare({ 1 })', 'span filter field expressions must resolve to a boolean: { 1 }'],
    ['{} | compare({}, 0)', 'compare() top number of values must be integer greater than 0'],
    ['{} | compare({}, 1, 0, 5)', 'compare() timestamps must be positive integer unix nanoseconds'],
    ['{} | compare({}, 1, 5, 5)', 'compare() end timestamp must be greater than start timestamp'],
    ['{} | compare({}, 1, 0, 0)', 'valid'],
    ['{} | compare({}, 1, 4, 5)', 'valid'],
    ['{} | compare({}) | topk(0)', 'limit must be greater than 0'],
    ['{} | compare({}) | topk(1)', '`compare()` cannot be used with second stage functions'],
    ['{} | rate() by (parent.x)', 'parent not yet supported'],
    ['{} | max_over_time(parent)', 'intrinsic (parent) not yet supported'],
    ['{ 1 } | rate() | topk(0)', 'span filter field expressions must resolve to a boolean: { 1 }'],
  ]);
});

test('the static type of an expression (spec traceql §3.1)', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['.a', 'dynamic'],
    ['.a + 1h', 'duration'],
    ['duration + 1', 'duration'],
    ['-.a', 'dynamic'],
    ['.a = 1', 'boolean'],
    ['.a != nil', 'boolean'],
    ['.a && .b', 'boolean'],
    ['1h + 2h', 'float'],
    ['span:id', 'string'],
    ['instrumentation:version', 'dynamic'],
  ];
  for (const [text, type] of rows) {
    const { pipeline } = parseQuery(`{ ${text} }`);
    const stage = pipeline.kind === 'pipeline' ? pipeline.stages[0] : undefined;
    assert.ok(stage?.kind === 'filter');
    assert.equal(fieldType(stage.expression), type, text);
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '#engine/base/errors.ts';
import type { FieldExpression, Query } from '#engine/traceql/ast.ts';
import { parseIdentifier, parseQuery } from '#engine/traceql/parse.ts';
import { maxNesting, maxTreeHeight } from '#engine/traceql/parser.ts';
import { printField } from '#engine/traceql/print.ts';
import { printSpansets } from '#engine/traceql/print-query.ts';
import { validateQuery } from '#engine/traceql/validate.ts';

/** The expression of a filter with all its parentheses. */
function tree(expression: string): string {
  const { pipeline } = parseQuery(`{ ${expression} }`);
  const stage = pipeline.kind === 'pipeline' ? pipeline.stages[0] : undefined;
  assert.equal(stage?.kind, 'filter');
  return printField((stage as { expression: FieldExpression }).expression);
}

function problem(text: string): string {
  try {
    parseQuery(text);
  } catch (thrown) {
    assert.ok(thrown instanceof AppError && thrown.code === 'bad_request', String(thrown));
    return thrown.message.replace(/^parse error at line \d+, col \d+: /, '');
  }
  return 'accepted';
}

function rowsHold(rows: readonly (readonly [string, string])[], actual: (text: string) => string): void {
  for (const [text, expected] of rows) assert.equal(actual(text), expected, text);
}

test('field operators bind as in spec traceql §2.3', () => {
  rowsHold(
    [
      ['.a || .b && .c', '(.a || .b) && .c'],
      ['.a = .b && .c', '(.a = .b) && .c'],
      ['-.a ^ 2', '-(.a ^ 2)'],
      ['-1 * .x', '-(1 * .x)'],
      ['-.a + .b', '(-.a) + .b'],
      ['.a * -.b * .c', '.a * (-(.b * .c))'],
      ['.a ^ -.b + .c', '(.a ^ (-.b)) + .c'],
      ['!.a = 1', '(!.a) = 1'],
      ['!.a && .b', '(!.a) && .b'],
      ['!.a * 2', '!(.a * 2)'],
      ['.a ^ .b ^ .c', '.a ^ (.b ^ .c)'],
      ['.a - .b - .c', '(.a - .b) - .c'],
      ['.a = .b = true', '(.a = .b) = true'],
      ['!!.a', '!(!.a)'],
    ],
    tree,
  );
});

test('nil stands only beside = and != (spec traceql §2.4)', () => {
  rowsHold(
    [
      ['.a = nil', '.a = nil'],
      ['nil != .a', '.a != nil'],
      ['nil = nil', 'false'],
      ['nil != nil', 'false'],
      ['.a + nil = 1', '.a + false'],
      ['.a = nil = 1', '.a = false'],
      ['.a = .b = nil', '(.a = .b) = nil'],
      ['.a = nil + 1', '(.a = nil) + 1'],
      ['.a * nil = .b + 2 && .c', '(.a * ((.b + 2) = nil)) && .c'],
      ['1 = nil', 'false'],
      ['1 != nil', 'true'],
    ],
    tree,
  );
  rowsHold([['{ .a + nil }', 'syntax error: unexpected }, expecting = or !=']], problem);
});

test('constants are folded, unless that fails (spec traceql §3.1)', () => {
  rowsHold(
    [
      ['1 + 2 * 3', '7'],
      ['7 / 2', '3'],
      ['-7 / 2', '-3'],
      ['-7 % 3', '-1'],
      ['1h + 2h', '1.08e+13'],
      ['1s / 2', '5e+08'],
      ['-1h', '-1h0m0s'],
      ['2 ^ 3', '8'],
      ['2 ^ -1', '0'],
      ['2.0 ^ 3', '8.0'],
      ['9223372036854775807 + 1', '-9223372036854775808'],
      ['minInt', '-9223372036854775808'],
      ['-minInt', '-9223372036854775808'],
      ['1 / 0', '1 / 0'],
      ['1 % 0', '1 % 0'],
      ['1.0 / 0', '+Inf'],
      ['1 < 2 < 3', 'true < 3'],
      ['true || false && false', 'false'],
      ['"b" > "a"', 'true'],
      ['"abc" =~ "a.*"', 'true'],
      ['"abc" !~ "b"', 'true'],
      ['"a" =~ "("', '`a` =~ `(`'],
      ['ok = error', 'false'],
      ['1 = 1.0', 'true'],
      ['!true', 'false'],
      ['!1', '!1'],
      ['-"a"', '-`a`'],
    ],
    tree,
  );
});

test('spanset operators: && and || bind alike, structural ones tighter (spec traceql §2.2)', () => {
  const shape = (text: string) => {
    const { pipeline } = parseQuery(text);
    const stage = pipeline.kind === 'pipeline' ? pipeline.stages[0] : undefined;
    assert.ok(stage?.kind === 'filter' || stage?.kind === 'spansetOperation');
    return printSpansets(stage).replace(/ \{ \.(\w) \}|\{ \.(\w) \}/g, (_, a, b) => (a ? ` ${a}` : b));
  };
  rowsHold(
    [
      ['{.a} && {.b} || {.c}', 'a && b || c'],
      ['{.a} || {.b} && {.c}', 'a || b && c'],
      ['{.a} && {.b} >> {.c}', 'a && (b >> c)'],
      ['{.a} > {.b} > {.c}', 'a > b > c'],
      ['{.a} > ({.b} > {.c})', 'a > (b > c)'],
      ['({.a} || {.b}) !~ {.c}', '(a || b) !~ c'],
      ['(({.a})) && (({.b}) && {.c})', 'a && (b && c)'],
    ],
    shape,
  );
});

test('what parentheses hold decides what may follow (spec traceql §2.1, §13.3)', () => {
  rowsHold(
    [
      ['({} | {}) && ({})', 'accepted'],
      ['(({} | {}) && ({})) || ({ .a } | by(.b))', 'accepted'],
      ['({} | {})', 'accepted'],
      ['(count() > 1) || (by(.a))', 'accepted'],
      ['(count() + 1) * 2 > 1', 'accepted'],
      ['(({} | count()) + ({} | avg(.a))) > ({} | sum(.b)) * ({} | count())', 'accepted'],
      ['({} && {}) | count() > 1', 'accepted'],
      ['({} | {}) && {}', 'syntax error: unexpected {, expecting ('],
      ['{} && ({} | {})', 'syntax error: unexpected |'],
      ['({}) && ({} | {})', 'syntax error: unexpected |'],
      ['({} | {}) | {}', 'syntax error: unexpected |, expecting with'],
      ['({} | {}) | rate()', 'syntax error: unexpected |, expecting with'],
      ['({} | {}) && ({} | count())', 'syntax error: unexpected )'],
      ['({} 1', 'syntax error: unexpected INTEGER, expecting ) or |'],
      ['({} | {} 1', 'syntax error: unexpected INTEGER, expecting ) or |'],
      ['(({} | {}) 1', 'syntax error: unexpected INTEGER'],
      ['(count() 1', 'syntax error: unexpected INTEGER'],
      ['({} && {.a} && ({.b} 1', 'syntax error: unexpected INTEGER'],
      ['({} | count()) + 1 > 2', 'syntax error: unexpected INTEGER, expecting ('],
      ['({} | count()) > ({})', 'syntax error: unexpected ), expecting |'],
      ['{} | (by(.a))', 'syntax error: unexpected by'],
      ['{} | (count() > 1)', 'syntax error: unexpected >'],
      ['{} && (1', 'syntax error: unexpected INTEGER, expecting { or ('],
      ['({} | coalesce() | select(.a))', 'accepted'],
    ],
    problem,
  );
});

test('what is expected is listed where at most four tokens are possible (spec traceql §3.4)', () => {
  rowsHold(
    [
      ['{} | count() > 1 > 2', 'syntax error: unexpected >, expecting with'],
      ['{} | - count() > 1', 'syntax error: unexpected count, expecting INTEGER or FLOAT or DURATION'],
      ['{} | coalesce', 'syntax error: unexpected $end, expecting ('],
      ['{} | coalesce(1', 'syntax error: unexpected INTEGER, expecting )'],
      ['{} | by', 'syntax error: unexpected $end, expecting ('],
      ['{} | select', 'syntax error: unexpected $end, expecting ('],
      ['{} | rate', 'syntax error: unexpected $end, expecting ('],
      ['{} | rate() by', 'syntax error: unexpected $end, expecting ('],
      ['{} | rate() by (.a.b', 'syntax error: unexpected $end, expecting ) or ,'],
      ['{} | rate() by (.a) by (.b)', 'syntax error: unexpected by, expecting with'],
      ['{} | compare({}) by (.a)', 'syntax error: unexpected by, expecting with'],
      ['{} | compare(', 'syntax error: unexpected $end, expecting {'],
      ['{} | compare({}, "a")', 'syntax error: unexpected STRING, expecting INTEGER'],
      ['{} | compare({}, 1, 2)', 'syntax error: unexpected ), expecting ,'],
      ['{} | compare({}, 1, 2, 3, 4)', 'syntax error: unexpected ,, expecting )'],
      ['{} | max_over_time(.a', 'syntax error: unexpected $end, expecting )'],
      ['{} | quantile_over_time(.a, .5', 'syntax error: unexpected $end, expecting ) or ,'],
      ['{} | rate() > -x', 'syntax error: unexpected IDENTIFIER, expecting INTEGER or FLOAT or DURATION'],
      ['{} | rate() > maxInt', 'syntax error: unexpected IDENTIFIER, expecting INTEGER or FLOAT or DURATION or -'],
      ['{} | rate() | topk 1', 'syntax error: unexpected INTEGER, expecting ('],
      ['{} | rate() | topk(1', 'syntax error: unexpected $end, expecting )'],
      ['{} | max(.a) > maxInt', 'syntax error: unexpected IDENTIFIER'],
      ['{} with(a 1', 'syntax error: unexpected INTEGER, expecting ='],
      ['{} with(a=1 b=2)', 'syntax error: unexpected IDENTIFIER, expecting ) or ,'],
      ['{} with(a=-1)', 'syntax error: unexpected -'],
      ['{} with(a=1) | {}', 'syntax error: unexpected |, expecting with'],
      ['{ trace:1', 'syntax error: unexpected INTEGER, expecting duration or rootName or rootService or id'],
      ['{ .a span.b', 'syntax error: unexpected span.'],
    ],
    problem,
  );
});

test('metrics, second stages and hints (spec traceql §2.5, §10)', () => {
  const query: Query = parseQuery('{} | rate() by (name) > 1 | topk(5) <= -500ms | bottomk(2) with(a=1) with(sample=0.5, x="y")');
  assert.deepEqual(query.metrics, { kind: 'metrics', function: 'rate', by: [{ kind: 'intrinsic', name: 'name' }] });
  assert.deepEqual(query.secondStages, [
    { kind: 'metricsFilter', operator: '>', value: 1 },
    { kind: 'topk', limit: 5n },
    { kind: 'metricsFilter', operator: '<=', value: -0.5 },
    { kind: 'bottomk', limit: 2n },
  ]);
  assert.deepEqual(query.hints, [
    { name: 'sample', value: { kind: 'float', value: 0.5 } },
    { name: 'x', value: { kind: 'string', value: 'y' } },
  ]);
  assert.equal(parseQuery('{} | compare({ .a })').metrics?.compare?.topN, 10n);
  assert.deepEqual(parseQuery('{} | quantile_over_time(duration, 1, .5)').metrics?.quantiles, [1, 0.5]);
});

test('scoped and bare spellings give the same intrinsic; parent is marked (spec traceql §1.7, §1.8)', () => {
  rowsHold(
    [
      ['span:status', 'status'],
      ['trace:rootService', 'rootServiceName'],
      ['trace:duration', 'traceDuration'],
      ['span: parentID', 'span:parentID'],
      ['parent.span.x', 'parent.span.x'],
      ['parent.x', 'parent.x'],
      ['."a b"', '."a b"'],
    ],
    (text) => tree(text),
  );
  assert.deepEqual(parseIdentifier('resource.service.name'), { kind: 'attribute', scope: 'resource', name: 'service.name', parent: false });
  assert.throws(() => parseIdentifier('service.name'), {
    message: 'failed to parse identifier service.name: parse error at line 1, col 2: unknown identifier: service',
  });
  assert.throws(() => parseIdentifier('{}'), {
    message: 'failed to parse identifier {}: parse error at line 1, col 2: syntax error: unexpected {',
  });
  assert.throws(() => parseIdentifier('.a = 1'), { code: 'bad_request' });
  assert.throws(() => parseIdentifier(''), { code: 'bad_request' });
});

test('nesting and chains beyond the limits are refused clearly, whatever nests', () => {
  const size = 131_072;
  const fill = (unit: string, head = '') => head + unit.repeat(Math.floor((size - head.length) / unit.length));
  for (const text of [
    fill('('),
    fill('!', '{'),
    fill('-', '{'),
    fill('(', '{'),
    fill('nil=', '{'),
    fill('2^', '{ .a^'),
    fill('.a||', '{'),
    fill('.a + ', '{'),
    fill('{}&&'),
    fill('({}|{})&&'),
    fill('({}&&'),
    fill('(1+'),
    fill('1+', '{} | '),
    fill('(({}|count())+'),
    fill('({}|count())+'),
  ]) {
    assert.match(problem(text), /^the query (nests deeper than|chains more than) \d+ /, text.slice(0, 20));
  }
  assert.equal(problem(`${'('.repeat(maxNesting)}{}${')'.repeat(maxNesting)}`), 'accepted');
  const chain = parseQuery(
    `{ ${Array(maxTreeHeight + 1)
      .fill('.a')
      .join(' || ')} }`,
  );
  validateQuery(chain);
  assert.equal(
    problem(
      `{ ${Array(100_000 / 2)
        .fill('1')
        .join('+')} = .a }`,
    ),
    'accepted',
    'folding keeps a chain of constants low',
  );
});

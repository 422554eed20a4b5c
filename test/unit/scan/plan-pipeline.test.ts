import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compileQuery } from '#engine/traceql/compile.ts';
import { isConstantFalse, planSearch, type SpansetPlan } from '#engine/traceql/plan.ts';

const plan = (text: string) => planSearch(compileQuery(text));
const attribute = (scope: string, name: string) => ({ kind: 'attribute', scope, name, parent: false });
const intrinsic = (name: string) => ({ kind: 'intrinsic', name });
const filter = (test: number): unknown => ({ kind: 'filter', condition: { kind: 'test', test } });
const everything: SpansetPlan = { kind: 'filter', condition: { kind: 'constant', value: true } };

describe('structural operators', () => {
  test('become relations', () => {
    assert.deepEqual(plan('{ .a = 1 } > { .b = 2 }'), {
      result: 'spansets',
      spansets: { kind: 'related', relation: 'child', keep: 'related', left: filter(0), right: filter(1) },
      stages: [],
      tests: [
        { reference: attribute('none', 'a'), predicate: { kind: 'int', operator: '=', value: 1n } },
        { reference: attribute('none', 'b'), predicate: { kind: 'int', operator: '=', value: 2n } },
      ],
      shown: [
        { reference: attribute('none', 'a'), always: false, tests: [0] },
        { reference: attribute('none', 'b'), always: false, tests: [1] },
      ],
    });
  });

  for (const [operators, keep] of [
    [['>', '>>', '<', '<<', '~'], 'related'],
    [['!>', '!>>', '!<', '!<<', '!~'], 'unrelated'],
    [['&>', '&>>', '&<', '&<<', '&~'], 'pairs'],
  ] as const) {
    test(`${operators.join(' ')} keep what is ${keep}`, () => {
      const relations = ['child', 'descendant', 'parent', 'ancestor', 'sibling'];
      const planned = operators.map((operator) => plan(`{ } ${operator} { }`).spansets);
      assert.deepEqual(
        planned,
        relations.map((relation) => ({ kind: 'related', relation, keep, left: everything, right: everything })),
      );
    });
  }

  test('show tree numbers that the query names whatever they were compared with', () => {
    assert.deepEqual(plan('{ nestedSetParent < 0 } > { kind = server }').shown, [
      { reference: intrinsic('nestedSetParent'), always: true, tests: [0] },
      { reference: intrinsic('kind'), always: false, tests: [1] },
    ]);
    assert.equal(plan('{ nestedSetParent < 0 } && { kind = server }').shown[0].always, false);
  });

  test('that can keep nothing are seen before anything is read', () => {
    const isFalse = (text: string) => isConstantFalse(plan(text).spansets);
    assert.deepEqual(['{ false } > { }', '{ } > { false }', '{ false } !> { }', '{ } !> { false }', '{ false } &~ { }'].map(isFalse), [
      true,
      true,
      false,
      true,
      true,
    ]);
  });
});

describe('stages', () => {
  test('follow the first one in order', () => {
    assert.deepEqual(plan('{ .a = 1 } | by(.g) | avg(duration) > 1s | coalesce() | { .b = 2 } | count() != 3'), {
      result: 'spansets',
      spansets: filter(0),
      stages: [
        { kind: 'groupBy', key: 'by(.g)', expression: attribute('none', 'g') },
        {
          kind: 'scalarFilter',
          key: 'avg(duration)',
          aggregate: { function: 'avg', operand: intrinsic('duration') },
          operator: '>',
          literal: { kind: 'duration', nanos: 1_000_000_000n },
        },
        { kind: 'coalesce' },
        { kind: 'spansets', spansets: filter(1) },
        { kind: 'scalarFilter', key: 'count()', aggregate: { function: 'count' }, operator: '!=', literal: { kind: 'int', value: 3n } },
      ],
      tests: [
        { reference: attribute('none', 'a'), predicate: { kind: 'int', operator: '=', value: 1n } },
        { reference: attribute('none', 'b'), predicate: { kind: 'int', operator: '=', value: 2n } },
      ],
      shown: [
        { reference: attribute('none', 'a'), always: false, tests: [0] },
        { reference: attribute('none', 'g'), always: true, tests: [] },
        { reference: intrinsic('duration'), always: true, tests: [] },
        { reference: attribute('none', 'b'), always: false, tests: [1] },
      ],
    });
  });

  test('select shows more and filters nothing, also what a filter shows in part', () => {
    const { stages, shown } = plan('{ span.a = "x" } | select(span.a, name)');
    assert.deepEqual(stages, []);
    assert.deepEqual(shown, [
      { reference: attribute('span', 'a'), always: true, tests: [0] },
      { reference: intrinsic('name'), always: true, tests: [] },
    ]);
  });

  test('without a filter in front run on spans that have what they need', () => {
    assert.deepEqual(plan('by(.x) | sum(.y) > 1').spansets, {
      kind: 'filter',
      condition: {
        kind: 'or',
        operands: [
          { kind: 'test', test: 0 },
          { kind: 'test', test: 1 },
        ],
      },
    });
    assert.deepEqual(plan('by(.x) | sum(.y) > 1').tests, [
      { reference: attribute('none', 'x'), predicate: { kind: 'present' } },
      { reference: attribute('none', 'y'), predicate: { kind: 'present' } },
    ]);
    assert.deepEqual(plan('count() > 1').spansets, everything);
    assert.deepEqual(plan('by(.x) | { .y = 1 }').spansets, everything);
    assert.deepEqual(plan('select(.x)').spansets, everything);
  });

  test('what stands before a metrics function is searched', () => {
    assert.deepEqual(plan('{ .a = 1 } | rate() by (resource.b)'), {
      result: 'spansets',
      spansets: filter(0),
      stages: [],
      tests: [{ reference: attribute('none', 'a'), predicate: { kind: 'int', operator: '=', value: 1n } }],
      shown: [
        { reference: attribute('none', 'a'), always: false, tests: [0] },
        { reference: attribute('resource', 'b'), always: true, tests: [] },
      ],
    });
  });
});

describe('operators between pipelines', () => {
  const count = {
    kind: 'scalarFilter',
    key: 'count()',
    aggregate: { function: 'count' },
    operator: '>',
    literal: { kind: 'int', value: 1n },
  };
  const left = { spansets: filter(0), stages: [count] };
  const right = { spansets: filter(1), stages: [count] };
  const sides = (operator: string) => plan(`({ .a = 1 } | count() > 1) ${operator} ({ .b = 1 } | count() > 1)`);

  test('are a stage of their own behind the traces that can come out', () => {
    const { spansets, stages } = sides('&&');
    assert.deepEqual(spansets, { kind: 'both', left: filter(0), right: filter(1) });
    assert.deepEqual(stages, [{ kind: 'pipelines', combination: { kind: 'both' }, left, right }]);
  });

  test('let through the traces that either side, both or the right side can give', () => {
    assert.deepEqual(sides('||').spansets, { kind: 'either', left: filter(0), right: filter(1) });
    assert.deepEqual(sides('>>').spansets, { kind: 'both', left: filter(0), right: filter(1) });
    assert.deepEqual(sides('!>>').spansets, filter(1));
    assert.deepEqual(sides('!>>').stages, [
      { kind: 'pipelines', combination: { kind: 'related', relation: 'descendant', keep: 'unrelated' }, left, right },
    ]);
  });
});

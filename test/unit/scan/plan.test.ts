import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileQuery } from '#engine/traceql/compile.ts';
import { isConstantFalse, planSearch } from '#engine/traceql/plan.ts';

const plan = (text: string) => planSearch(compileQuery(text));
const attribute = (scope: string, name: string) => ({ kind: 'attribute', scope, name, parent: false });

test('a comparison becomes one test on one reference', () => {
  assert.deepEqual(plan('{ span.http.status_code >= 500 }'), {
    result: 'spansets',
    spansets: { kind: 'filter', condition: { kind: 'test', test: 0 } },
    stages: [],
    tests: [{ reference: attribute('span', 'http.status_code'), predicate: { kind: 'int', operator: '>=', value: 500n } }],
    shown: [{ reference: attribute('span', 'http.status_code'), always: false, tests: [0] }],
  });
});

test('a literal on the left is mirrored', () => {
  assert.deepEqual(plan('{ 500ms < duration }').tests[0].predicate, { kind: 'int', operator: '>', value: 500_000_000n });
});

test('a float compared with a stored integer keeps its meaning', () => {
  assert.deepEqual(plan('{ duration > 1.5 }').tests[0].predicate, { kind: 'int', operator: '>', value: 1n });
  assert.deepEqual(plan('{ duration < 1.5 }').tests[0].predicate, { kind: 'int', operator: '<', value: 2n });
  assert.deepEqual(plan('{ duration != 1.5 }').tests[0].predicate, { kind: 'present' });
  assert.deepEqual(plan('{ duration = 1.5 }').spansets, { kind: 'filter', condition: { kind: 'constant', value: false } });
});

test('nested conjunctions are flattened and constants vanish', () => {
  const { spansets } = plan('{ true && (.a = 1 && (.b = 2 && .c = 3)) }');
  assert.deepEqual(spansets, {
    kind: 'filter',
    condition: { kind: 'and', operands: [0, 1, 2].map((index) => ({ kind: 'test', test: index })) },
  });
});

test('tests on events stand together in a pure conjunction only', () => {
  assert.deepEqual(plan('{ event:name = "a" && name = "b" && event.x = 1 }').spansets, {
    kind: 'filter',
    condition: {
      kind: 'and',
      operands: [
        { kind: 'test', test: 1 },
        { kind: 'sameChild', tests: [0, 2] },
      ],
    },
  });
  const apart = plan('{ event:name = "a" || event.x = 1 }').spansets;
  assert.deepEqual(apart, {
    kind: 'filter',
    condition: {
      kind: 'or',
      operands: [
        { kind: 'test', test: 0 },
        { kind: 'test', test: 1 },
      ],
    },
  });
});

test('arithmetic is left to evaluation on values, and its references are shown in full', () => {
  const planned = plan('{ .a + 1 = .b }');
  assert.equal(planned.spansets.kind === 'filter' && planned.spansets.condition.kind, 'general');
  assert.deepEqual(
    planned.shown.map(({ always }) => always),
    [true, true],
  );
});

test('constant false is seen through spanset operators', () => {
  assert.equal(isConstantFalse(plan('{ false }').spansets), true);
  assert.equal(isConstantFalse(plan('{ false } && { .a = 1 }').spansets), true);
  assert.equal(isConstantFalse(plan('{ false } || { .a = 1 }').spansets), false);
});

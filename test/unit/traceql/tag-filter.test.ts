import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printField } from '#engine/traceql/print.ts';
import { repairFilter } from '#engine/traceql/repair-filter.ts';
import { groupQuery, parseTagFilter } from '#engine/traceql/tag-filter.ts';

function groups(text: string): readonly string[] | undefined {
  return parseTagFilter(text, 100)?.groups.map((group) => {
    const { pipeline } = groupQuery(group);
    const [stage] = pipeline.kind === 'pipeline' ? pipeline.stages : [];
    return stage?.kind === 'filter' ? printField(stage.expression, 'query') : '';
  });
}

test('alternatives of conditions', () => {
  assert.deepEqual(groups('{ span.a = "x" }'), ['span.a = `x`']);
  assert.deepEqual(groups('{ span.a = 1 && (name = "b" || kind = server) }'), [
    '(span.a = 1) && (name = `b`)',
    '(span.a = 1) && (kind = server)',
  ]);
  assert.deepEqual(groups('{ !(span.a = 1) }'), ['span.a = 1'], 'a negation is not looked at');
  assert.deepEqual(groups('{ span.a = 1 } | count() > 3'), ['span.a = 1'], 'later stages are not looked at');
  assert.deepEqual(groups('{ span.a = 1 && span.b + 1 > span.c }'), ['span.a = 1']);
});

test('no filter', () => {
  const none = [
    ...['', '  ', '{}', '{ true }', '{ .a = 1 }', '{ span.a = 1 && .b = 2 }', '{ span.a = 1 || true }', '{ span.a != nil }'],
    ...['{ span.a = 1 } > { span.b = 2 }', '{ span.a = 1 } && { span.b = 2 }', 'count() > 1', '{ span.a = "', '{ span.a = 1 } |'],
    ...['{ resource.env = "dev" && name', '{ status > error }', '%', '{ span.a }'],
  ];
  for (const text of none) assert.equal(groups(text), undefined, text);
});

test('half a filter is mended', () => {
  assert.deepEqual(groups('{ span.a = 1 && span.b = '), ['span.a = 1']);
  assert.deepEqual(groups('{ span.a = 1 && '), ['span.a = 1']);
  assert.deepEqual(groups('{ span.a = 1 && }'), ['span.a = 1']);
  assert.deepEqual(groups('{ && span.a = 1 || () }'), ['span.a = 1']);
  assert.deepEqual(groups('{ span.a = 1'), ['span.a = 1']);
  assert.deepEqual(groups('{ (span.a = 1) && (span.b =~ "x")'), ['(span.a = 1) && (span.b =~ `x`)']);
  assert.deepEqual(groups('{ span.a = -5 && span.b >= '), ['span.a = -5']);
  assert.deepEqual(groups('{ span.a = 1 && span.b = } | count() > 3'), ['span.a = 1']);
  assert.equal(repairFilter('{ span.a = "unfinished'), undefined);
});

test('too many alternatives are refused before they are worked out', () => {
  const either = (name: string) => `(${Array.from({ length: 10 }, (_, i) => `span.${name} = ${i}`).join(' || ')})`;
  assert.equal(groups(`{ ${either('a')} && ${either('b')} }`)?.length, 100);
  const message = 'maximum condition groups reached (limit: 100). Reduce the number of OR conditions in the query';
  assert.throws(() => groups(`{ ${either('a')} && ${either('b')} || name = "x" }`), { code: 'bad_request', message });
  const huge = Array.from({ length: 60 }, (_, i) => either(`a${i}`)).join(' && ');
  assert.throws(() => groups(`{ ${huge} }`), { code: 'bad_request', message });
  assert.equal(parseTagFilter('{ span.a = 1 || span.a = 2 }', 0)?.groups.length, 2);
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { AppError } from '#engine/base/errors.ts';
import { compileQuery } from '#engine/traceql/compile.ts';

function fixture<Row>(name: string): Row[] {
  return JSON.parse(readFileSync(new URL(`../../fixtures/traceql/${name}`, import.meta.url), 'utf8'));
}

/** The text with which a query is refused, undefined when it is accepted. */
function problemOf(query: string): string | undefined {
  try {
    compileQuery(query);
    return undefined;
  } catch (thrown) {
    assert.ok(thrown instanceof AppError && thrown.code === 'bad_request', String(thrown));
    return thrown.message;
  }
}

test('every query that Tempo 3.0.3 answered parses and validates', () => {
  const queries = fixture<string>('accepted.json');
  assert.ok(queries.length > 600);
  for (const query of queries) assert.equal(problemOf(query), undefined, query);
});

test('every query that Tempo 3.0.3 refused is refused in the same words', () => {
  const rows = fixture<{ query: string; error: string }>('rejected.json');
  assert.ok(rows.length > 100);
  for (const { query, error } of rows) assert.equal(problemOf(query), error, query);
});

test('the tables of frequent errors and of examples hold (spec traceql §3.4, §12)', () => {
  const rows = fixture<{ source: string; query: string; text?: string }>('spec-tables.json');
  assert.equal(rows.length, 124);
  for (const { source, query, text } of rows) {
    const problem = problemOf(query);
    assert.equal(problem?.replace(/^parse error at line \d+, col \d+: /, ''), text, `${source}: ${query}`);
  }
});

test('a query may be longer than the 1024 bytes that the reference scans at a time (spec traceql §13.3)', () => {
  for (const tail of ['.service.name = 1', 'span."bcd efg" = 1', 'duration > 123456ms', 'duration > 1h30m15s']) {
    for (let padding = 990; padding < 1040; padding++) assert.equal(problemOf(`{${' '.repeat(padding)}${tail} }`), undefined);
  }
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { AppError } from '#engine/base/errors.ts';
import { parseQuery } from '#engine/traceql/parse.ts';
import { printQuery } from '#engine/traceql/print-query.ts';
import { attributeScopes, intrinsicScopes, keywords, operators } from '#engine/traceql/tokens.ts';
import { validateQuery } from '#engine/traceql/validate.ts';

const seed = Number(process.env.SEED ?? Date.now());
/** Of each of the two kinds of input. */
const runs = Number(process.env.RUNS ?? 20_000);
/** Generous: an input takes well below a millisecond, but the machine may be busy. */
const maxInputMs = 2_000;

const read = (name: string) => JSON.parse(readFileSync(new URL(`../../fixtures/traceql/${name}`, import.meta.url), 'utf8'));
const recorded: string[] = [...read('accepted.json'), ...read('rejected.json').map(({ query }: { query: string }) => query)];

const pieces = [
  ...[...keywords, ...operators, ...attributeScopes, ...intrinsicScopes, ...operators],
  ...['.a', 'span.b ', '."q x"', '1', '1.5', '1h', '0x1', '018', '"s"', '`r`', "'c'", 'foo', 'minInt', ' ', '\n', '//c\n', '/*c*/'],
  ...['{}', '{ .a = 1 }', '({})', '({}|{})', 'count()', '|', '|', ' with(x=1)', 'µ', '🚀', '\0', '"', '`', '/*', '\\'],
];

/** True when the place that a message names lies within the text or right behind it. */
function isInside(text: string, line: number, column: number): boolean {
  const lengths = text.split('\n').map((part) => [...part].length);
  if (line === 0) return column >= 1 && column <= Math.max(...lengths) + 1;
  return line <= lengths.length && column >= 1 && column <= lengths[line - 1]! + 1;
}

function refuses(step: () => void): AppError | undefined {
  try {
    step();
    return undefined;
  } catch (thrown) {
    assert.ok(thrown instanceof AppError && thrown.code === 'bad_request', `not a bad request: ${thrown}`);
    return thrown;
  }
}

function check(text: string): void {
  const started = performance.now();
  let query: ReturnType<typeof parseQuery> | undefined;
  const problem = refuses(() => {
    query = parseQuery(text);
  });
  if (query === undefined) {
    const place = /^parse error at line (\d+), col (\d+): ./s.exec(problem!.message);
    if (place === null) assert.ok(text === '' && problem!.message.startsWith('parse error :'), problem!.message);
    else assert.ok(isInside(text, Number(place[1]), Number(place[2])), problem!.message);
  } else {
    const parsed = query;
    refuses(() => validateQuery(parsed));
    assert.deepEqual(parseQuery(printQuery(parsed)), parsed);
  }
  assert.ok(performance.now() - started < maxInputMs, 'took too long');
}

test('token soup is refused or read, never worse', (context) => {
  context.diagnostic(`seed ${seed}`);
  const soup = fc.array(fc.constantFrom(...pieces), { maxLength: 25 }).map((list) => list.join(list.length % 2 ? ' ' : ''));
  fc.assert(fc.property(soup, check), { seed, numRuns: runs });
});

test('recorded queries with random changes are refused or read, never worse', (context) => {
  context.diagnostic(`seed ${seed}`);
  const change = fc.tuple(fc.nat(), fc.nat({ max: 6 }), fc.constantFrom(...pieces));
  const mutated = fc.tuple(fc.constantFrom(...recorded), fc.array(change, { maxLength: 4 })).map(([query, changes]) => {
    let text = query;
    for (const [place, removed, piece] of changes) {
      const start = place % (text.length + 1);
      text = text.slice(0, start) + (place % 3 === 0 ? '' : piece) + text.slice(start + removed);
    }
    return text;
  });
  fc.assert(fc.property(mutated, check), { seed, numRuns: runs });
});

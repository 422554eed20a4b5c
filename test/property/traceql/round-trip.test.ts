import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseQuery } from '#engine/traceql/parse.ts';
import { printQuery } from '#engine/traceql/print-query.ts';
import { arbitraryQuery } from './arbitrary-query.ts';

test('a printed query parses to the same tree', (context) => {
  const seed = Number(process.env.SEED ?? Date.now());
  context.diagnostic(`seed ${seed}`);
  fc.assert(
    fc.property(arbitraryQuery, (query) => {
      assert.deepEqual(parseQuery(printQuery(query)), query);
    }),
    { seed, numRuns: Number(process.env.RUNS ?? 3_000) },
  );
});

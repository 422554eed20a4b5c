import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBench, runCase } from './run-case.ts';

// Goal: a search answers what TraceQL means. Method: blocks of random traces of both versions, random queries with all kinds of stages, in one job and in a
// job for each row group, with and without windows, against a naive evaluation of the same traces (oracle/). `npm run fuzz:search` goes on for longer.

const firstSeed = 1;
const blocks = 120;
/** Seeds that longer runs have found a difference with. */
const foundSeeds = [837359634];

test('random searches find what a naive evaluation finds', async (t) => {
  t.diagnostic(`seeds ${firstSeed} to ${firstSeed + blocks - 1}; one alone: node test/property/search/main.ts --seed <seed> --pairs 10`);
  const bench = createBench();
  const total = { pairs: 0, found: 0, failed: 0 };
  const problems: string[] = [];
  const seeds = [...Array.from({ length: blocks }, (_, i) => firstSeed + i), ...foundSeeds];
  for (const seed of seeds) {
    const result = await runCase(bench, seed);
    total.pairs += result.pairs;
    total.found += result.found;
    total.failed += result.failed;
    problems.push(...result.problems);
  }
  assert.deepEqual(problems, []);
  assert.ok(total.pairs >= 1_000 && total.found > total.pairs / 4, `${total.found} of ${total.pairs} searches found something`);
  assert.ok(total.failed < total.pairs / 50, `${total.failed} of ${total.pairs} searches failed`);
});

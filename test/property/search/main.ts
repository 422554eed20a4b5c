import { parseArgs } from 'node:util';
import { type CaseResult, createBench, runCase } from './run-case.ts';

// Searches of random blocks against the naive evaluation of oracle/, until --pairs queries have been tried. --seed repeats a run.

const { values } = parseArgs({
  options: { seed: { type: 'string' }, pairs: { type: 'string', default: '10000' }, problems: { type: 'string', default: '5' } },
});
const first = values.seed === undefined ? Date.now() % 1_000_000_000 : Number(values.seed);
const wanted = Number(values.pairs);
console.log(`seed ${first}`);

const total = { pairs: 0, found: 0, failed: 0 };
const problems: string[] = [];
const bench = createBench();
for (let seed = first; total.pairs < wanted && problems.length < Number(values.problems); seed++) {
  const result: CaseResult = await runCase(bench, seed);
  total.pairs += result.pairs;
  total.found += result.found;
  total.failed += result.failed;
  problems.push(...result.problems);
}
for (const problem of problems) console.log(problem);
console.log(
  `seed ${first}: ${total.pairs} pairs, ${total.found} with matches, ${total.failed} errors in both, ${problems.length} differences`,
);
process.exitCode = problems.length === 0 ? 0 : 1;

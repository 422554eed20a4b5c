// `npm run sim:kills [-- --queries N --seed N --kill-every MS]`: acceptance 3. Exit status 1 when a query failed, an answer was wrong, or the tail more than doubled.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildFunction } from '../../../infra/local/build-function.mjs';
import { type KillRun, runKills } from './kills.ts';

const { values } = parseArgs({
  options: {
    queries: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    'kill-every': { type: 'string', default: '1500' },
  },
});
buildFunction();
const blocks = join(import.meta.dirname, '../../fixtures/blocks');
const options = {
  blocks,
  tenant: 'rowgroups',
  seed: Number(values.seed),
  queries: Number(values.queries),
  killEveryMs: Number(values['kill-every']),
};
console.log(`seed ${options.seed}, ${options.queries} queries each, four functions`);
const { calm, killing } = await runKills(options);
const row = (name: string, run: KillRun) =>
  `| ${name} | ${run.kills} | ${run.failed.length} | ${run.wrong.length} | ${run.p50Ms.toFixed(1)} | ${run.p99Ms.toFixed(1)} |`;
console.log('| | kills | failed | wrong | p50 ms | p99 ms |\n| --- | --- | --- | --- | --- | --- |');
console.log(`${row('calm', calm)}\n${row('killing', killing)}`);
for (const problem of [...killing.failed, ...killing.wrong].slice(0, 10)) console.log(problem);
process.exitCode = killing.failed.length + killing.wrong.length > 0 || killing.p99Ms > 2 * calm.p99Ms ? 1 : 0;

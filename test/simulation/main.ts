// `npm run sim:spill [-- --seed N] [--quick]`: the acceptance runs of docs/spill-and-hedge.md; exit status 1 when a bound is broken.
// `--write` also renews the plots and tables of the document.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { boundsOf, fullSizes, runSpill, type SpillRuns } from './bounds.ts';
import { putIntoDocument } from './document.ts';
import { spillPlots } from './plots.ts';
import { boundsTable, faultsTable, tailsTable } from './tables.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);
const sizes = values.quick ? { seed, wideSeeds: 10, singleQueries: 3000, faultQueries: 200, exitQueries: 10 } : { ...fullSizes, seed };
console.log(`seed ${seed}: ${sizes.wideSeeds} wide queries, ${sizes.singleQueries} single calls, ${sizes.faultQueries} queries per fault`);
const runs: SpillRuns = await runSpill(sizes, (name) => console.error(`running: ${name}`));
const text = [tailsTable(runs), faultsTable(runs), boundsTable(boundsOf(runs))].join('\n\n');
console.log(`\n${text}\n`);
if (values.write) {
  const folder = join(import.meta.dirname, '../../docs/img');
  for (const [name, svg] of Object.entries(spillPlots(runs))) writeFileSync(join(folder, name), svg);
  putIntoDocument('runs', text);
}
const broken = boundsOf(runs).filter(({ measured, atMost }) => measured > atMost);
for (const { what, measured, atMost } of broken) console.log(`BROKEN: ${what}: ${measured}, at most ${atMost}`);
process.exitCode = broken.length > 0 ? 1 : 0;

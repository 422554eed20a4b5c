// `npm run report:spill [-- --seed N]`: what spilling buys. `--write` renews docs/img/value-*.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { putIntoDocument } from './document.ts';
import { linePlot } from './svg.ts';
import { breakEven, burstyLoad, runLoad, setups, type Value } from './value.ts';

const { values } = parseArgs({ options: { seed: { type: 'string', default: '1' }, write: { type: 'boolean', default: false } } });
const seed = Number(values.seed);
console.error(`seed ${seed}`);
const runs: Value[] = [];
for (const setup of setups) {
  console.error(`running: ${setup.name}`);
  runs.push(await runLoad(setup, burstyLoad, seed));
}
console.error('running: break-even');
const { points, at } = await breakEven(seed);
const s = (ms: number) => (ms / 1000).toFixed(2);
const percent = (share: number) => `${(share * 100).toFixed(0)} %`;
const lines = [
  `| ${runs[0]!.queries} queries of 50 jobs in 20 minutes, seed ${seed} | p50 s | p90 s | p99 s | querier busy | jobs spilled | cold starts | queriers $/h | functions $/h | sum $/h |`,
  '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
  ...runs.map((run) => {
    const { querierDollarsPerHour: here, functionDollarsPerHour: there } = run;
    const costs = [here, there, here + there].map((dollars) => dollars.toFixed(3));
    const times = [run.p50Ms, run.p90Ms, run.p99Ms].map(s);
    const cells = [run.setup.name, ...times, percent(run.utilisation), percent(run.spilled), run.coldStarts, ...costs];
    return `| ${cells.join(' | ')} |`;
  }),
  '',
  '| utilisation of 8 vCPUs | queriers, $ per 1000 jobs | functions, $ per 1000 jobs |',
  '| --- | --- | --- |',
  ...points.map(
    ({ utilisation, querierDollars, functionDollars }) =>
      `| ${percent(utilisation)} | ${querierDollars.toFixed(4)} | ${functionDollars.toFixed(4)} |`,
  ),
  '',
  `Break-even: functions are cheaper while queriers are busy less than ${percent(at)} of the time.`,
];
console.log(lines.join('\n'));
if (values.write) {
  const folder = join(import.meta.dirname, '../../docs/img');
  putIntoDocument('value', lines.join('\n'));
  const cost = (run: Value) => run.querierDollarsPerHour + run.functionDollarsPerHour;
  const shown = runs.map((run) => ({ name: run.setup.name, points: [[cost(run), 0] as const, [cost(run), run.p99Ms / 1000] as const] }));
  writeFileSync(
    join(folder, 'value-setups.svg'),
    linePlot({ title: 'p99 and cost of the same load', x: '$ per hour', y: 'p99, s', logX: true, lines: shown }),
  );
  const line = (name: string, pick: (point: (typeof points)[number]) => number) => ({
    name,
    points: points.map((point) => [point.utilisation * 100, pick(point)] as const),
  });
  const costs = [line('queriers', (point) => point.querierDollars), line('functions', (point) => point.functionDollars)];
  writeFileSync(
    join(folder, 'value-break-even.svg'),
    linePlot({ title: `Cost of 1000 jobs; equal at ${percent(at)}`, x: 'utilisation of queriers, %', y: '$', lines: costs }),
  );
}

import { type PollFigures, simulatePolls, simulateReader } from './simulate-polls.ts';

/*
 * Polls a simulated bucket of a million blocks and prints what it took; every list is checked. `npm run sim:blocklist`; -- --tenants N --slots N --seed N;
 * --reader polls with a process that only reads indexes.
 */
function argument(name: string, standard: number): number {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? standard : Number(process.argv[at + 1]);
}

const options = { seed: argument('seed', 1), tenants: argument('tenants', 3000), slots: argument('slots', 1_020_000) };
const count = (value: number): string => value.toLocaleString('en-US');
const mebibytes = (value: number): string => count(Math.round(value / 2 ** 20));

function show({ poll, live, compacted, counts, cpuMs, heapBytes, maxRssBytes }: PollFigures): void {
  const { listPages, listedEntries, metas, gets, puts } = counts;
  const cells = [
    poll,
    `${count(live)} + ${count(compacted)}`,
    `${count(listPages)} for ${count(listedEntries)}`,
    count(metas),
    count(gets - metas),
    count(puts),
    (cpuMs / 1000).toFixed(1),
    mebibytes(heapBytes),
    String(Math.round(heapBytes / (live + compacted))),
    mebibytes(maxRssBytes),
  ];
  console.log(`| ${cells.join(' | ')} |`);
}

console.log(`seed ${options.seed}, ${count(options.tenants)} tenants`);
console.log(
  '| poll | live + compacted | LIST pages for entries | metas read | other GETs | PUTs | CPU s | heap MiB | bytes a block | peak RSS MiB |',
);
console.log('|---|---|---|---|---|---|---|---|---|---|');
const simulate = process.argv.includes('--reader') ? simulateReader : simulatePolls;
await simulate({ ...options, onPoll: show, gc: globalThis.gc });

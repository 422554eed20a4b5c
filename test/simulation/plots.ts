import type { SpillRuns } from './bounds.ts';
import { percentile } from './random.ts';
import { type LinePlot, linePlot } from './svg.ts';
import type { Tail } from './tails.ts';

const shares = [0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 1];

/** The distribution of a run's latencies: share of queries by time. */
function distribution(tail: Tail, upTo: readonly number[] = shares) {
  return { name: tail.name, points: upTo.map((share) => [percentile(tail.latenciesMs, share), share * 100] as const) };
}

/** The plots of docs/spill-and-hedge.md, by file name. */
export function spillPlots({ wide, single, faults }: SpillRuns): Readonly<Record<string, string>> {
  const wideLines: LinePlot['lines'] = [wide.adaptive, wide.off, wide.tempo, wide.cleanOff].map((tail) => distribution(tail));
  const tails = [0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999];
  const singleLines = [single.adaptive, single.off].map(({ name, latenciesMs }) => ({
    name,
    points: tails.map((share) => [1 / (1 - share), percentile(latenciesMs, share)] as const),
  }));
  const rows = faults.map((run, index) => [index + 1, run.p99Ms] as const);
  const calm = faults.find(({ name }) => name === 'calm')!.p99Ms;
  return {
    'spill-wide.svg': linePlot({
      ...{ title: 'Query of 1000 jobs: share of queries answered by that time', x: 'ms', y: '%', lines: wideLines },
    }),
    'spill-single.svg': linePlot({
      ...{ title: 'Query of one job: the slowest of n', x: 'n (100: p99)', y: 'ms', logX: true, lines: singleLines },
    }),
    'spill-faults.svg': linePlot({
      ...{ title: 'Fault matrix, p99 by row of the table', x: 'row', y: 'ms' },
      lines: [
        { name: 'p99', points: rows },
        {
          name: 'twice the calm one',
          points: [
            [1, 2 * calm],
            [rows.length, 2 * calm],
          ],
          dashed: true,
        },
      ],
    }),
  };
}

import { type FaultRun, faultRows, runFaults } from './faults.ts';
import { percentile } from './random.ts';
import { singleCalls, type Tail, wideQueries } from './tails.ts';
import { type ExitRun, lastStartAfterCancel, runExits, shareAfterAnswer } from './waste.ts';

/** A promise of docs/spill-and-hedge.md, measured. */
export interface Bound {
  readonly what: string;
  readonly measured: number;
  readonly atMost: number;
}

/** Everything that the acceptance runs measure. */
export interface SpillRuns {
  readonly wide: Awaited<ReturnType<typeof wideQueries>>;
  readonly single: Awaited<ReturnType<typeof singleCalls>>;
  readonly faults: readonly FaultRun[];
  readonly exits: readonly ExitRun[];
  readonly lastStartMs: number;
}

/** How long the runs are. */
export interface RunSizes {
  readonly seed: number;
  readonly wideSeeds: number;
  readonly singleQueries: number;
  readonly faultQueries: number;
  readonly exitQueries: number;
}

/** The acceptance runs as they were agreed. */
export const fullSizes: RunSizes = { seed: 1, wideSeeds: 200, singleQueries: 20_000, faultQueries: 1000, exitQueries: 100 };

/** Runs all of it. */
export async function runSpill(sizes: RunSizes, onRun: (name: string) => void): Promise<SpillRuns> {
  onRun('wide queries');
  const wide = await wideQueries(sizes.wideSeeds);
  onRun('single calls');
  const single = await singleCalls(sizes.seed, sizes.singleQueries);
  const faults: FaultRun[] = [];
  for (const [name, options] of faultRows) {
    onRun(name);
    faults.push(await runFaults(name, options, sizes.seed, sizes.faultQueries));
  }
  onRun('early exits');
  const exits = await runExits(sizes.seed, sizes.exitQueries);
  return { wide, single, faults, exits, lastStartMs: await lastStartAfterCancel(sizes.seed) };
}

const p99 = (tail: Tail): number => percentile(tail.latenciesMs, 0.99);

/** What the runs must keep. */
export function boundsOf({ wide, single, faults, exits, lastStartMs }: SpillRuns): readonly Bound[] {
  const row = (name: string): FaultRun => faults.find((run) => run.name === name)!;
  const calm = row('calm').p99Ms;
  const local = row('querier only').p99Ms;
  const ofFaults = faults.flatMap((run): Bound[] => {
    const counted = [
      { what: `${run.name}: failed queries`, measured: run.failed, atMost: 0 },
      { what: `${run.name}: wrong answers`, measured: run.wrong, atMost: 0 },
    ];
    const runsHere = run.name.startsWith('all ') && run.name !== 'all of it at once';
    if (run.name === 'calm' || run.name === 'querier only') return counted;
    // The clock of the world has no noise: what is above the querier alone is what finding out costs.
    const atMost = runsHere ? local * 1.01 : calm * 2;
    return [...counted, { what: `${run.name}: p99, ms`, measured: run.p99Ms, atMost }];
  });
  return [
    { what: 'wide query, 5 % stragglers: p99, ms', measured: p99(wide.adaptive), atMost: 2 * p99(wide.cleanOff) },
    { what: 'wide query, 5 % stragglers: calls per job', measured: wide.adaptive.callsPerJob, atMost: 1.06 },
    { what: 'wide query, all calls ×10: calls per job', measured: wide.slow.callsPerJob, atMost: 1.1 },
    { what: 'single call, 5 % stragglers: p99, ms', measured: p99(single.adaptive), atMost: 17 },
    { what: 'single call, 5 % stragglers: calls per job', measured: single.adaptive.callsPerJob, atMost: 1.09 },
    { what: 'single call, then all calls ×10: calls per job', measured: single.slow.callsPerJob, atMost: 1.1 },
    ...ofFaults,
    ...exits.slice(0, 2).map(({ name, waste }) => ({
      what: `early exit, ${name}: share of billed time after the answer`,
      measured: shareAfterAnswer(waste),
      atMost: 0.05,
    })),
    { what: 'cancelled client: last start of a call afterwards, ms', measured: lastStartMs, atMost: 50 },
  ];
}

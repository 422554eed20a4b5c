import type { Distribution } from './distribution.ts';
import { type Candidate, type Predicted, predict, type TuneModel } from './simulate.ts';

/** The settings in force, predicted, with what other values of each would do, and the ones that are recommended. */
export interface Tuning {
  readonly current: Predicted;
  /** By the name of the setting: the recommended settings with that one changed. */
  readonly sweeps: Readonly<Record<keyof Candidate, readonly Predicted[]>>;
  readonly recommended: Predicted;
}

/** The shares of calls at whose time a hedge may start. */
const hedgeShares = [0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995];
const memories = [512, 1024, 1769, 2560, 3538];
/** A tail that is this much longer than the best one is as good, if it costs less. */
const asGood = 1.05;

/** Rounds to two digits: nobody sets 537.18 ms. */
export function roundMs(ms: number): number {
  return Number(ms.toPrecision(2));
}

function unique(values: readonly number[]): readonly number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}

/** The values of each setting that are tried. */
export function candidateValues(model: TuneModel, current: Candidate): Readonly<Record<keyof Candidate, readonly number[]>> {
  const delays = hedgeShares.map((share) => roundMs(model.call.at(share)));
  const { threads } = model;
  return {
    preferSelf: unique([0, threads, 2 * threads, 4 * threads, current.preferSelf]),
    hedgeAtMs: unique([0, ...delays, current.hedgeAtMs]),
    upTo: unique([1, 2, 3, 4, current.upTo]),
    memoryMb: unique([...memories, current.memoryMb]),
  };
}

/** The cheapest of those whose p99 is as good as the best. */
export function best(all: readonly Predicted[]): Predicted {
  const shortest = Math.min(...all.map(({ p99Ms }) => p99Ms));
  const good = all.filter(({ p99Ms }) => p99Ms <= shortest * asGood);
  return good.reduce((a, b) => (b.dollars < a.dollars ? b : a));
}

/**
 * Looks for settings one after the other, the others held, twice around: the settings hardly depend on each other. Every prediction starts from the same seed, so that
 * candidates differ by their settings and not by luck.
 */
export function tune(makeModel: () => TuneModel, current: Candidate): Tuning {
  const values = candidateValues(makeModel(), current);
  const names = Object.keys(values) as (keyof Candidate)[];
  const sweep = (around: Candidate, name: keyof Candidate): readonly Predicted[] =>
    values[name].map((value) => predict(makeModel(), { ...around, [name]: value }));
  let chosen = current;
  for (let round = 0; round < 2; round++) {
    for (const name of names) chosen = best(sweep(chosen, name)).candidate;
  }
  const sweeps = Object.fromEntries(names.map((name) => [name, sweep(chosen, name)])) as Tuning['sweeps'];
  return { current: predict(makeModel(), current), sweeps, recommended: predict(makeModel(), chosen) };
}

/** A few shares of a distribution, for showing what was measured. */
export function shown(distribution: Distribution): readonly (readonly [string, number])[] {
  return ([0.5, 0.9, 0.99, 0.999] as const).map((share) => [`p${share * 100}`, distribution.at(share)] as const);
}

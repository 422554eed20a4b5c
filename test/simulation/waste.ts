// Acceptance 4: what is paid for after the answer is there, and what is started after the client has gone.
import { AppError } from '#engine/base/errors.ts';
import { callsOf, createWorld, type WorldOptions } from './world.ts';

/** What functions billed, and how much of it nobody wanted. */
export interface Waste {
  readonly queries: number;
  readonly latenciesMs: readonly number[];
  readonly calls: number;
  readonly billedMs: number;
  readonly afterAnswerMs: number;
  /** What the dispatcher believes of the latter. */
  readonly estimatedMs: number;
}

/** A querier's default: 20 streams of 7 jobs. */
const concurrency = 140;

/** Searches over 1000 jobs that have their 20 traces after about 200: every tenth job finds one, unless the options say otherwise. */
export async function earlyExits(seed: number, queries: number, options: Partial<WorldOptions>): Promise<Waste> {
  const world = createWorld({ seed, concurrency, foundEvery: 10, ...options });
  const latenciesMs: number[] = [];
  for (let query = 0; query < queries; query++) {
    const { failure, wrong, latencyMs } = await world.query(1000, { limit: 20 });
    if (failure !== undefined || wrong) throw new Error(`query ${query}: ${failure ?? 'a wrong answer'}`);
    latenciesMs.push(latencyMs);
  }
  await world.clock.runUntil(world.clock.sleep(60_000));
  let billedMs = 0;
  let afterAnswerMs = 0;
  for (const log of world.logs) {
    billedMs += log.billedMs;
    afterAnswerMs += log.billedAfterAbortMs;
  }
  const estimatedMs = world.records.reduce((sum, { wastedMs }) => sum + wastedMs, 0);
  return { queries, latenciesMs, calls: callsOf(world), billedMs, afterAnswerMs, estimatedMs };
}

/** Early exits of one kind. */
export interface ExitRun {
  readonly name: string;
  readonly waste: Waste;
}

const stops: Partial<WorldOptions> = { functions: { rowGroupMs: 0.5 } };
const runsOn: Partial<WorldOptions> = { stopsOnAbort: false };
const straggling = { stragglers: 0.05 };
const unpaced: Partial<WorldOptions> = { config: [['query_frontend.search.pace_jobs', false]] };
/** More streams than a query has jobs: nothing but the pace bounds what runs at once. */
const wide: Partial<WorldOptions> = { concurrency: 1000 };

/** The kinds of early exits; the first two are what was promised. */
export const exitRows = [
  ['functions that see an abort', stops],
  ['platforms that run on', runsOn],
  ['they run on, every third job finds a trace', { ...runsOn, foundEvery: 3 }],
  ['they run on, every job finds a trace', { ...runsOn, foundEvery: 1 }],
  ['they run on, 1000 at once', { ...runsOn, ...wide }],
  ['they run on, 5 % stragglers', { ...runsOn, endpoints: [straggling, straggling, straggling] }],
  ['not paced: functions that see an abort', { ...stops, ...unpaced }],
  ['not paced: they run on', { ...runsOn, ...unpaced }],
  ['not paced: they run on, 1000 at once', { ...runsOn, ...wide, ...unpaced }],
  ['not paced: they run on, every job finds a trace, 1000 at once', { ...runsOn, ...wide, ...unpaced, foundEvery: 1 }],
] as const satisfies readonly (readonly [string, Partial<WorldOptions>])[];

/** Runs {@link exitRows}. */
export async function runExits(seed: number, queries: number): Promise<readonly ExitRun[]> {
  const runs: ExitRun[] = [];
  for (const [name, options] of exitRows) runs.push({ name, waste: await earlyExits(seed, queries, options) });
  return runs;
}

/** Share of the billed time that came after the answer. */
export function shareAfterAnswer({ afterAnswerMs, billedMs }: Waste): number {
  return afterAnswerMs / billedMs;
}

/** The last start of a call after the client has gone, milliseconds; negative: before. The client goes in the middle of a query of 5000 jobs. */
export async function lastStartAfterCancel(seed: number): Promise<number> {
  const world = createWorld({
    seed,
    concurrency,
    endpoints: [{ stragglers: 0.05, throttled: 0.05, serverErrors: 0.05 }, {}, { dead: true }],
  });
  const client = new AbortController();
  const goneAtMs = 60;
  world.clock.after(goneAtMs, () => client.abort(new AppError('cancelled', 'the client has gone')));
  const ended = world.start(5000, { signal: client.signal }).then(
    () => 'answered',
    () => 'cancelled',
  );
  if ((await world.clock.runUntil(ended)) !== 'cancelled') throw new Error('the query was done before the client went');
  await world.clock.runUntil(world.clock.sleep(60_000));
  return Math.max(...world.logs.flatMap(({ startsMs }) => startsMs)) - (world.clock.nowMs() - world.clock.monotonicMs()) - goneAtMs;
}

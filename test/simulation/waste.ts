// Acceptance 4: what is paid for after the answer is there, and what is started after the client has gone.
import { AppError } from '#engine/base/errors.ts';
import { createWorld, type WorldOptions } from './world.ts';

/** What functions billed, and how much of it nobody wanted. */
export interface Waste {
  readonly queries: number;
  readonly billedMs: number;
  readonly afterAnswerMs: number;
  /** What the dispatcher believes of the latter. */
  readonly estimatedMs: number;
}

/** A querier's default: 20 streams of 7 jobs. */
const concurrency = 140;

/** Searches over 1000 jobs that have their 20 traces after about 200: every tenth job finds one. */
export async function earlyExits(seed: number, queries: number, options: Partial<WorldOptions>): Promise<Waste> {
  const world = createWorld({ seed, concurrency, foundEvery: 10, ...options });
  for (let query = 0; query < queries; query++) {
    const { failure, wrong } = await world.query(1000, { limit: 20 });
    if (failure !== undefined || wrong) throw new Error(`query ${query}: ${failure ?? 'a wrong answer'}`);
  }
  await world.clock.runUntil(world.clock.sleep(60_000));
  let billedMs = 0;
  let afterAnswerMs = 0;
  for (const log of world.logs) {
    billedMs += log.billedMs;
    afterAnswerMs += log.billedAfterAbortMs;
  }
  const estimatedMs = world.records.reduce((sum, { wastedMs }) => sum + wastedMs, 0);
  return { queries, billedMs, afterAnswerMs, estimatedMs };
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

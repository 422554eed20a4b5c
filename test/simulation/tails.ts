// Acceptance 1: what hedging does to the tail of wide queries and of single calls, and what it costs.
import { percentile } from './random.ts';
import { callsOf, createWorld, type World, type WorldOptions } from './world.ts';

/** Latencies of queries, and calls per job. */
export interface Tail {
  readonly name: string;
  readonly latenciesMs: readonly number[];
  readonly callsPerJob: number;
}

/** Median and percentiles, to a tenth of a millisecond. */
export function tailOf({ latenciesMs }: Pick<Tail, 'latenciesMs'>): { readonly p50: number; readonly p99: number; readonly p999: number } {
  const at = (share: number) => Math.round(percentile(latenciesMs, share) * 10) / 10;
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999) };
}

const off = [['querier.external.hedging', 'off']] as const;
const stragglers = { stragglers: 0.05 };
const three = [stragglers, stragglers, stragglers];

async function wide(name: string, seeds: number, jobs: number, options: Omit<WorldOptions, 'seed'>, slowdown = 1): Promise<Tail> {
  const latenciesMs: number[] = [];
  let calls = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    const world = createWorld({ ...options, seed });
    world.control.slowdown = slowdown;
    const { latencyMs, failure, wrong } = await world.query(jobs);
    if (failure !== undefined || wrong) throw new Error(`${name}, seed ${seed}: ${failure ?? 'a wrong answer'}`);
    latenciesMs.push(latencyMs);
    calls += callsOf(world);
  }
  return { name, latenciesMs, callsPerJob: calls / seeds / jobs };
}

/** Queries of that many jobs, one per seed, each in a world of its own that knows nothing yet. */
export async function wideQueries(
  seeds: number,
  jobs = 1000,
): Promise<Readonly<Record<'clean' | 'cleanOff' | 'off' | 'tempo' | 'adaptive' | 'slow', Tail>>> {
  const tempo = [
    ['querier.external.hedging', 'static'],
    ['querier.search.external_hedge_requests_at', 11],
  ] as const;
  return {
    cleanOff: await wide('no stragglers, no hedging', seeds, jobs, { config: off }),
    clean: await wide('no stragglers, defaults', seeds, jobs, {}),
    off: await wide('5 % stragglers, no hedging', seeds, jobs, { endpoints: three, config: off }),
    tempo: await wide('5 % stragglers, at 11 ms, up to 2', seeds, jobs, { endpoints: three, config: tempo }),
    adaptive: await wide('5 % stragglers, defaults', seeds, jobs, { endpoints: three }),
    slow: await wide('all calls ×10, defaults', seeds, jobs, {}, 10),
  };
}

async function singles(name: string, world: World, queries: number): Promise<Tail> {
  const latenciesMs: number[] = [];
  const before = callsOf(world);
  for (let query = 0; query < queries; query++) {
    const { latencyMs, failure, wrong } = await world.query(1);
    if (failure !== undefined || wrong) throw new Error(`${name}, query ${query}: ${failure ?? 'a wrong answer'}`);
    latenciesMs.push(latencyMs);
  }
  return { name, latenciesMs, callsPerJob: (callsOf(world) - before) / queries };
}

/** Queries of one job, one after the other; then all calls become slow. */
export async function singleCalls(seed: number, queries: number): Promise<Readonly<Record<'off' | 'adaptive' | 'slow', Tail>>> {
  const world = createWorld({ seed, endpoints: three });
  const adaptive = await singles('5 % stragglers, defaults', world, queries);
  world.control.slowdown = 10;
  const slow = await singles('then all calls ×10', world, queries);
  return {
    off: await singles('5 % stragglers, no hedging', createWorld({ seed, endpoints: three, config: off }), queries),
    adaptive,
    slow,
  };
}

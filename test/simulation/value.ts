// What spilling buys: one load with bursts, served by queriers alone, by functions alone, and by queriers that spill.
import { typedConfig } from '../../querier/config/config.ts';
import { defaultValues } from '../../querier/config/load.ts';
import { priceCall } from '../../querier/cost/prices.ts';
import { lambdaColdStart } from './functions.ts';
import { createRandom, lognormal, lognormalByTail, percentile } from './random.ts';
import { createWorld, type WorldOptions } from './world.ts';

/** A load: queries of fifty jobs, one now and then and many in bursts. */
export interface Load {
  readonly durationMs: number;
  readonly quietEveryMs: number;
  readonly burstEveryMs: number;
  readonly burstLengthMs: number;
  /** Between queries of a burst. */
  readonly inBurstEveryMs: number;
}

/** Twenty minutes: a query every ten seconds, and every five minutes thirty seconds with two a second. */
export const burstyLoad: Load = {
  durationMs: 1_200_000,
  quietEveryMs: 10_000,
  burstEveryMs: 300_000,
  burstLengthMs: 30_000,
  inBurstEveryMs: 500,
};

/** A way to serve it. */
export interface Setup {
  readonly name: string;
  /** vCPUs of queriers that run all the time. */
  readonly vcpus: number;
  /** Jobs that queriers keep; undefined: there are no functions. */
  readonly preferSelf: number | undefined;
  readonly spillBy?: 'slots' | 'predicted_wait';
}

/** How a setup did. */
export interface Value {
  readonly setup: Setup;
  readonly queries: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  /** Share of the queriers' time that jobs took. */
  readonly utilisation: number;
  /** Share of jobs that ran in functions. */
  readonly spilled: number;
  readonly coldStarts: number;
  readonly querierDollarsPerHour: number;
  readonly functionDollarsPerHour: number;
}

/** c7g on demand, us-east-1 list price of November 2026: $0.0725 an hour for two vCPUs. */
const vcpuHourDollars = 0.03625;
const jobsPerQuery = 50;
/** A job of 100 MB on one vCPU, here and there: the engine is the same. */
const job = lognormal(300, 120);
const seconds = 1000;

/** Moments of queries. The same seed gives the same load, whatever serves it. */
export function arrivals(load: Load, seed: number): readonly number[] {
  const random = createRandom(seed);
  const gap = (meanMs: number) => -Math.log(1 - random()) * meanMs;
  const moments: number[] = [];
  for (let at = gap(load.quietEveryMs); at < load.durationMs; at += gap(load.quietEveryMs)) moments.push(at);
  for (let burst = load.burstEveryMs / 2; burst < load.durationMs; burst += load.burstEveryMs) {
    for (let at = burst; at < burst + load.burstLengthMs; at += gap(load.inBurstEveryMs)) moments.push(at);
  }
  return moments.sort((a, b) => a - b);
}

function worldOf({ vcpus, preferSelf, spillBy = 'slots' as const }: Setup, seed: number): WorldOptions {
  return {
    ...{ seed, job, threads: vcpus, endpoints: [{ stragglers: 0.01 }, { stragglers: 0.01 }] },
    functions: { coldStart: lambdaColdStart, overhead: lognormalByTail(15, 60), memoryMb: 1769 },
    ...{ stopsOnAbort: false, noFunctions: preferSelf === undefined },
    // Without functions more jobs at once than threads only cost memory; functions are there to take many.
    concurrency: preferSelf === undefined ? 2 * vcpus : 1000,
    config: [
      ['querier.search.prefer_self', preferSelf ?? 0],
      ['querier.external.spill_by', spillBy],
    ],
  };
}

/** Runs the load on a setup. */
export async function runLoad(setup: Setup, load: Load, seed: number): Promise<Value> {
  const world = createWorld(worldOf(setup, seed));
  const latencies: number[] = [];
  const queries = arrivals(load, seed).map(async (atMs) => {
    await world.clock.sleep(atMs);
    const { latencyMs, failure, wrong } = await world.start(jobsPerQuery);
    if (failure !== undefined || wrong) throw new Error(`${setup.name}: ${failure ?? 'a wrong answer'}`);
    latencies.push(latencyMs);
  });
  await world.clock.runUntil(Promise.all(queries));
  const hours = load.durationMs / (3600 * seconds);
  const { prices } = typedConfig(new Map(defaultValues())).spill;
  let dollars = 0;
  for (const record of world.records) dollars += priceCall(record, prices).dollars;
  const at = (share: number) => percentile(latencies, share);
  return {
    ...{ setup, queries: latencies.length, p50Ms: at(0.5), p90Ms: at(0.9), p99Ms: at(0.99) },
    utilisation: world.counts.selfBusyMs / (setup.vcpus * load.durationMs),
    spilled: 1 - world.counts.selfJobs / (latencies.length * jobsPerQuery),
    coldStarts: world.logs.reduce((sum, { coldStarts }) => sum + coldStarts, 0),
    querierDollarsPerHour: setup.vcpus * vcpuHourDollars,
    functionDollarsPerHour: dollars / hours,
  };
}

/** The setups that the report compares. */
export const setups: readonly Setup[] = [
  { name: 'queriers only, 8 vCPUs', vcpus: 8, preferSelf: undefined },
  { name: 'queriers only, 32 vCPUs', vcpus: 32, preferSelf: undefined },
  { name: 'queriers only, 128 vCPUs', vcpus: 128, preferSelf: undefined },
  { name: 'functions only, 1 vCPU to call them', vcpus: 1, preferSelf: 0 },
  { name: 'spill, 8 vCPUs, prefer_self 8', vcpus: 8, preferSelf: 8 },
  { name: 'spill, 8 vCPUs, prefer_self 32', vcpus: 8, preferSelf: 32 },
  { name: 'spill, 8 vCPUs, by predicted wait', vcpus: 8, preferSelf: 8, spillBy: 'predicted_wait' },
  { name: 'spill, 4 vCPUs, prefer_self 4', vcpus: 4, preferSelf: 4 },
];

/** A steady load at one utilisation of eight vCPUs: what a thousand jobs cost here and there. */
export interface BreakEvenPoint {
  readonly utilisation: number;
  readonly querierDollars: number;
  readonly functionDollars: number;
}

/** Costs of steady loads, and the utilisation at which both are equal. */
export async function breakEven(seed: number): Promise<{ readonly points: readonly BreakEvenPoint[]; readonly at: number }> {
  const points: BreakEvenPoint[] = [];
  for (const everyMs of [40_000, 20_000, 10_000, 6000, 4500, 3500, 2800, 2300]) {
    const load: Load = {
      durationMs: 600_000,
      quietEveryMs: everyMs,
      burstEveryMs: Number.POSITIVE_INFINITY,
      burstLengthMs: 0,
      inBurstEveryMs: 1,
    };
    const here = await runLoad({ name: 'queriers', vcpus: 8, preferSelf: undefined }, load, seed);
    const there = await runLoad({ name: 'functions', vcpus: 1, preferSelf: 0 }, load, seed);
    const jobs = (runs: Value) => (runs.queries * jobsPerQuery * 3600 * seconds) / load.durationMs / 1000;
    points.push({
      utilisation: here.utilisation,
      querierDollars: here.querierDollarsPerHour / jobs(here),
      functionDollars: there.functionDollarsPerHour / jobs(there),
    });
  }
  // The cost of queriers is inverse to their utilisation: where it crosses the functions', the mean of the products tells.
  const product = points.reduce((sum, { utilisation, querierDollars }) => sum + utilisation * querierDollars, 0) / points.length;
  const functions = points.reduce((sum, { functionDollars }) => sum + functionDollars, 0) / points.length;
  return { points, at: product / functions };
}

// Acceptance 2: what goes wrong with functions must not go wrong with queries.
import type { Faults } from './functions.ts';
import { percentile } from './random.ts';
import { callsOf, createWorld, type WorldOptions } from './world.ts';

/** How a row of the matrix went. */
export interface FaultRun {
  readonly name: string;
  readonly queries: number;
  readonly failed: number;
  readonly wrong: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly callsPerJob: number;
  /** Jobs that no function answered. */
  readonly cameBack: number;
}

/** Jobs of a query of the matrix. */
export const matrixJobs = 20;

const everywhere = (faults: Faults): readonly Faults[] => [faults, faults, faults];

/** The matrix: three endpoints with these faults. */
export const faultRows: readonly (readonly [name: string, options: Omit<WorldOptions, 'seed'>])[] = [
  ['calm', {}],
  ['1 of 3 endpoints dead', { endpoints: [{ dead: true }, {}, {}] }],
  ['1 of 3 endpoints hangs', { endpoints: [{ hangs: 1 }, {}, {}] }],
  ['5 % answer 500', { endpoints: everywhere({ serverErrors: 0.05 }) }],
  ['10 % answer 429, Retry-After 1 s', { endpoints: everywhere({ throttled: 0.1, retryAfterMs: 1000 }) }],
  ['1 % hang', { endpoints: everywhere({ hangs: 0.01 }) }],
  ['1 % truncated', { endpoints: everywhere({ truncated: 0.01 }) }],
  ['1 of 3 has another version', { endpoints: [{ wrongVersion: true }, {}, {}] }],
  ['1 of 3 has its clock an hour ahead', { endpoints: [{ clockSkewMs: 3_600_000 }, {}, {}] }],
  [
    'all of it at once',
    { endpoints: [{ dead: true }, ...everywhere({ serverErrors: 0.05, throttled: 0.1, hangs: 0.01, truncated: 0.01 })] },
  ],
  ['querier only', { noFunctions: true }],
  ['all endpoints dead', { endpoints: everywhere({ dead: true }) }],
  ['all have another version', { endpoints: everywhere({ wrongVersion: true }) }],
];

/** Runs a row: queries one after the other in one world, as a process lives. */
export async function runFaults(name: string, options: Omit<WorldOptions, 'seed'>, seed: number, queries: number): Promise<FaultRun> {
  const world = createWorld({ ...options, seed });
  const latencies: number[] = [];
  let failed = 0;
  let wrong = 0;
  for (let query = 0; query < queries; query++) {
    const run = await world.query(matrixJobs);
    if (run.failure !== undefined) failed++;
    if (run.wrong) wrong++;
    latencies.push(run.latencyMs);
  }
  const { cameBack } = world.counts;
  const callsPerJob = callsOf(world) / queries / matrixJobs;
  const at = (share: number) => percentile(latencies, share);
  return { name, queries, failed, wrong, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), callsPerJob, cameBack };
}

// Runs the cases of a range of seeds, one after the other. The shared numbers say which one runs now, so that the parent sees when it hangs.
import { parentPort, workerData } from 'node:worker_threads';
import { createCaseRunner } from './try-case.ts';

/** What the parent gives and what it gets back. */
export interface WorkerInput {
  readonly fromSeed: number;
  readonly toSeed: number;
  /** [0]: the seed that runs now; written with Atomics. */
  readonly current: Int32Array<SharedArrayBuffer>;
}
/** Posted once, when all is done. */
export interface WorkerResult {
  readonly codes: Readonly<Record<string, number>>;
  readonly problems: readonly string[];
}

const { fromSeed, toSeed, current } = workerData as WorkerInput;
const runCase = await createCaseRunner();
const codes: Record<string, number> = {};
const problems: string[] = [];
for (let seed = fromSeed; seed < toSeed; seed++) {
  Atomics.store(current, 0, seed);
  const outcome = await runCase(seed);
  if (outcome.ok) codes[outcome.code] = (codes[outcome.code] ?? 0) + 1;
  else problems.push(outcome.problem);
}
parentPort?.postMessage({ codes, problems } satisfies WorkerResult);

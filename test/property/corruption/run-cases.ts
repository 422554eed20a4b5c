import { Worker } from 'node:worker_threads';
import type { WorkerInput, WorkerResult } from './worker.ts';

const caseLimitMs = 2_000;
const startLimitMs = 20_000;
const heapLimitMb = 192;

/** Runs the seeds `[fromSeed, toSeed)` in a worker with 192 MB of heap. A case that takes longer than two seconds, or that ends the worker, is a problem. */
export function runCases(fromSeed: number, toSeed: number): Promise<WorkerResult> {
  const current = new Int32Array(new SharedArrayBuffer(4)).fill(-1);
  const workerData: WorkerInput = { fromSeed, toSeed, current };
  const worker = new Worker(new URL('worker.ts', import.meta.url), { workerData, resourceLimits: { maxOldGenerationSizeMb: heapLimitMb } });
  return new Promise((resolve) => {
    let seen = { seed: -1, since: performance.now() };
    const finish = (result: WorkerResult): void => {
      clearInterval(watch);
      resolve(result);
      void worker.terminate();
    };
    const fail = (what: string): void => finish({ codes: {}, problems: [`seed ${Atomics.load(current, 0)}: ${what}`] });
    const watch = setInterval(() => {
      const seed = Atomics.load(current, 0);
      if (seed !== seen.seed) seen = { seed, since: performance.now() };
      else if (performance.now() - seen.since > (seed === -1 ? startLimitMs : caseLimitMs)) fail(`still running after ${caseLimitMs} ms`);
    }, 100);
    worker.on('message', finish);
    worker.on('error', (error) => fail(`ended the worker: ${(error as Error).stack}`));
    worker.on('exit', () => fail('ended the worker'));
  });
}

import { AppError, toAppError } from '#engine/base/errors.ts';
import type { Kernels } from '#engine/kernels/kernels.ts';
import { loadKernels } from '#engine/kernels/load.ts';

/** Kernel instances for jobs that run side by side: each job has one of its own while it runs. */
export interface KernelPool {
  /** Runs work on a free instance, waiting for one if need be. Rejects with what the signal says when it is aborted meanwhile. */
  readonly use: <Result>(work: (kernels: Kernels) => Promise<Result>, signal?: AbortSignal) => Promise<Result>;
}

/** Limits of a {@link KernelPool}. */
export interface KernelPoolOptions {
  /** Jobs that may run at once. */
  readonly maxInstances: number;
  /** WASM memory of one instance. */
  readonly maxBytes: number;
  /** An instance that has grown beyond this is not kept: WASM memory never shrinks. */
  readonly maxIdleBytes: number;
}

/** Creates a pool. Instances are made when they are first needed. */
export function createKernelPool({ maxInstances, maxBytes, maxIdleBytes }: KernelPoolOptions): KernelPool {
  const idle: Kernels[] = [];
  const waiting: (() => void)[] = [];
  let running = 0;

  const acquire = async (signal: AbortSignal | undefined): Promise<Kernels> => {
    if (running >= maxInstances) await waitForTurn(waiting, signal);
    else running++;
    return idle.pop() ?? loadKernels({ maxBytes });
  };
  const release = (kernels: Kernels): void => {
    if (kernels.memory.buffer.byteLength <= maxIdleBytes) idle.push(kernels);
    const next = waiting.shift();
    if (next === undefined) running--;
    else next();
  };
  return {
    use: async (work, signal) => {
      const kernels = await acquire(signal);
      const mark = kernels.mark();
      try {
        return await work(kernels);
      } catch (thrown) {
        // A trap is a bug in a kernel or damage that it did not see; the instance's state is unknown, but its arena is reset below.
        if (thrown instanceof WebAssembly.RuntimeError) {
          throw new AppError('corrupt_block', `reading the block failed: ${thrown.message}`, { cause: thrown });
        }
        throw thrown;
      } finally {
        kernels.release(mark);
        release(kernels);
      }
    },
  };
}

function waitForTurn(waiting: (() => void)[], signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const turn = () => {
      signal?.removeEventListener('abort', abort);
      resolve();
    };
    const abort = () => {
      waiting.splice(waiting.indexOf(turn), 1);
      reject(toAppError(signal?.reason));
    };
    if (signal?.aborted) return reject(toAppError(signal.reason));
    signal?.addEventListener('abort', abort, { once: true });
    waiting.push(turn);
  });
}

import { AppError } from '#engine/base/errors.ts';
import { createSlots } from '#engine/base/slots.ts';
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
  const slots = createSlots(maxInstances);

  const run = async <Result>(work: (kernels: Kernels) => Promise<Result>): Promise<Result> => {
    const kernels = idle.pop() ?? loadKernels({ maxBytes });
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
      if (kernels.memory.buffer.byteLength <= maxIdleBytes) idle.push(kernels);
    }
  };
  return { use: (work, signal) => slots.run(() => run(work), signal) };
}

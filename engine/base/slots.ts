import { toAppError } from './errors.ts';

/** A bounded number of things that may run at once. */
export interface Slots {
  /** Runs the work when a slot is free, first come, first served. Rejects with what the signal says when that comes before a slot. */
  readonly run: <Result>(work: () => Promise<Result>, signal?: AbortSignal) => Promise<Result>;
}

/** Creates that many {@link Slots}. */
export function createSlots(count: number): Slots {
  let used = 0;
  const waiting = new Set<() => void>();
  const acquire = (signal: AbortSignal | undefined): Promise<void> | undefined => {
    if (used < count) {
      used++;
      return undefined;
    }
    return new Promise((resolve, reject) => {
      const take = () => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        waiting.delete(take);
        reject(toAppError(signal?.reason));
      };
      if (signal?.aborted) return leave();
      waiting.add(take);
      signal?.addEventListener('abort', leave, { once: true });
    });
  };
  const release = (): void => {
    for (const next of waiting) {
      waiting.delete(next);
      next(); // the slot goes over to it
      return;
    }
    used--;
  };
  return {
    run: async (work, signal) => {
      const pending = acquire(signal);
      if (pending !== undefined) await pending;
      try {
        return await work();
      } finally {
        release();
      }
    },
  };
}

import type { Clock } from '#engine/base/clock.ts';
import { toAppError } from '#engine/base/errors.ts';

/** A clock of a simulated world: time stands still while anything is ready to run, then jumps to the next timer. */
export interface SimulatedClock extends Clock {
  /** Runs timers in the order of their time until `done` settles or none is left. Rejects with what `done` rejects with, and when it never settles. */
  readonly runUntil: <Result>(done: Promise<Result>) => Promise<Result>;
  /** Runs a callback after that time, without a promise. */
  readonly after: (durationMs: number, callback: () => void) => { readonly cancel: () => void };
}

interface Timer {
  readonly atMs: number;
  readonly order: number;
  fire: (() => void) | undefined;
}

function before(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** A binary heap of timers: simulations have hundreds of thousands. */
function createTimers() {
  const heap: Timer[] = [];
  return {
    push: (timer: Timer): void => {
      let index = heap.push(timer) - 1;
      while (index > 0) {
        const parent = (index - 1) >> 1;
        if (!before(timer, heap[parent]!)) break;
        heap[index] = heap[parent]!;
        index = parent;
      }
      heap[index] = timer;
    },
    pop: (): Timer | undefined => {
      const first = heap[0];
      const lastTimer = heap.pop();
      if (first === undefined || lastTimer === undefined || heap.length === 0) return first;
      let index = 0;
      for (;;) {
        let child = 2 * index + 1;
        if (child >= heap.length) break;
        if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
        if (!before(heap[child]!, lastTimer)) break;
        heap[index] = heap[child]!;
        index = child;
      }
      heap[index] = lastTimer;
      return first;
    },
    peek: (): Timer | undefined => heap[0],
  };
}

/** Seconds since the epoch at which simulated worlds begin. */
export const worldStartSeconds = 1_768_000_000;

/** Creates a clock at 0; as a time of day, at {@link worldStartSeconds}. */
export function createSimulatedClock(): SimulatedClock {
  const timers = createTimers();
  let now = 0;
  let order = 0;
  const after = (durationMs: number, callback: () => void) => {
    const timer: Timer = { atMs: now + Math.max(0, durationMs), order: order++, fire: callback };
    timers.push(timer);
    return {
      cancel: () => {
        timer.fire = undefined;
      },
    };
  };
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    nowMs: () => worldStartSeconds * 1000 + now,
    monotonicMs: () => now,
    after,
    sleep: (durationMs, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(toAppError(signal.reason));
        const onAbort = () => {
          timer.cancel();
          reject(toAppError(signal!.reason));
        };
        const timer = after(durationMs, () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        });
        signal?.addEventListener('abort', onAbort, { once: true });
      }),
    runUntil: async (done) => {
      let settled = false;
      const mark = () => {
        settled = true;
      };
      done.then(mark, mark);
      for (;;) {
        await settle();
        if (settled) return done;
        while (timers.peek()?.fire === undefined && timers.peek() !== undefined) timers.pop();
        const next = timers.pop();
        if (next === undefined) throw new Error(`the simulated world stands still at ${now} ms: nothing will ever happen again`);
        now = Math.max(now, next.atMs);
        next.fire!();
        // What is due at the same moment happens before anything that it leads to.
        for (let same = timers.peek(); same !== undefined && same.atMs <= now; same = timers.peek()) timers.pop()!.fire?.();
      }
    },
  };
}

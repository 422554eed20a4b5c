import type { Clock } from '#engine/base/clock.ts';
import { toAppError } from '#engine/base/errors.ts';

interface Timer {
  readonly atMs: number;
  readonly fire: () => void;
}

/** A clock that stands still until it is run: time jumps from one timer to the next. */
export interface VirtualClock extends Clock {
  /** Lets everything that is ready run, then fires timers in order of time, until none is left or that time is reached. */
  readonly run: (untilMs?: number) => Promise<void>;
  /** Timers that wait. */
  readonly pending: () => number;
}

/** Creates a {@link VirtualClock} that starts at 0. */
export function createVirtualClock(startMs = 0): VirtualClock {
  let now = startMs;
  const timers = new Set<Timer>();
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    nowMs: () => now,
    monotonicMs: () => now,
    pending: () => timers.size,
    sleep: (durationMs, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(toAppError(signal.reason));
        const timer = { atMs: now + durationMs, fire: resolve };
        timers.add(timer);
        signal?.addEventListener('abort', () => {
          timers.delete(timer);
          reject(toAppError(signal.reason));
        });
      }),
    run: async (untilMs = Number.POSITIVE_INFINITY) => {
      for (;;) {
        await settle();
        const next = [...timers].sort((a, b) => a.atMs - b.atMs)[0];
        if (next === undefined || next.atMs > untilMs) break;
        timers.delete(next);
        now = Math.max(now, next.atMs);
        next.fire();
      }
      if (untilMs !== Number.POSITIVE_INFINITY) now = Math.max(now, untilMs);
    },
  };
}

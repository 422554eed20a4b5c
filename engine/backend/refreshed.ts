import type { Clock } from '#engine/base/clock.ts';
import { toAppError } from '#engine/base/errors.ts';

/** A value and when it stops being good. */
export interface Expiring<Value> {
  readonly value: Value;
  /** Milliseconds since the epoch. */
  readonly expiresMs: number;
}

/** Gives a value that is good for now: credentials, tokens. */
export interface Refreshed<Value> {
  /** Rejects with what fetching rejects with, once the last value has expired, and with what the signal says. */
  readonly get: (signal?: AbortSignal) => Promise<Value>;
  /** The other side does not accept this value: the next `get` fetches anew. */
  readonly invalidate: (rejected: Value) => void;
}

/** What {@link createRefreshed} needs. */
export interface RefreshedOptions<Value> {
  /** Has a time limit of its own. */
  readonly fetch: () => Promise<Expiring<Value>>;
  /** Fetched anew so long before it expires. */
  readonly refreshAheadMs: number;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** Keeps a value until shortly before it expires; while fetching anew fails, also until it has expired. All that wait share one fetch. */
export function createRefreshed<Value>({ fetch, refreshAheadMs, clock }: RefreshedOptions<Value>): Refreshed<Value> {
  let held: Expiring<Value> | undefined;
  let fetching: Promise<Expiring<Value>> | undefined;
  const refresh = async (): Promise<Value> => {
    // Not tied to the first caller's signal: the others still want it.
    fetching ??= fetch().finally(() => {
      fetching = undefined;
    });
    try {
      held = await fetching;
    } catch (thrown) {
      if (held === undefined || held.expiresMs <= clock.nowMs()) throw toAppError(thrown);
    }
    return held.value;
  };
  return {
    get: async (signal) => {
      if (held !== undefined && held.expiresMs - clock.nowMs() > refreshAheadMs) return held.value;
      return signal === undefined ? refresh() : raceSignal(refresh(), signal);
    },
    invalidate: (rejected) => {
      if (held?.value === rejected) held = undefined;
    },
  };
}

/** The work's result, or what the signal says if that comes first; the work itself goes on. */
export async function raceSignal<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(toAppError(signal.reason));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop);
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

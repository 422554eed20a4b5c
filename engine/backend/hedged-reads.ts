import type { Clock } from '#engine/base/clock.ts';
import { type AppError, toAppError } from '#engine/base/errors.ts';
import { hedge } from '#engine/base/hedge.ts';
import { isTransportFailure } from './transport-failure.ts';

/** `hedge_requests_at` and `hedge_requests_up_to` (spec read-path §7): a further read after each `afterMs`, `upTo` in all. Off unless both say more. */
export interface ReadHedge {
  readonly afterMs: number;
  readonly upTo: number;
}

/** Sends one request for an object or a part of one, maybe several times. Rejects as the request does. */
export type SendRead = <Value>(send: (signal?: AbortSignal) => Promise<Value>, signal: AbortSignal | undefined) => Promise<Value>;

/** What {@link createHedgedReads} needs. */
export interface HedgedReadsOptions extends ReadHedge {
  readonly clock: Clock;
  /** Told of each request beyond the first one. */
  readonly onHedge: () => void;
}

/** Sends a request as it is. */
export const sendOnce: SendRead = (send, signal) => send(signal);

/** Whether these settings ever start a second request. */
export function isHedged({ afterMs, upTo }: ReadHedge): boolean {
  return afterMs > 0 && upTo > 1;
}

/**
 * Hedges single requests, below retries (spec read-path §6.2). The first answer counts, whatever its status: an error that the store has answered with is
 * thrown at once, so that a fast error beats a slow success. A request that gets no answer starts the next one immediately. The others are aborted.
 */
export function createHedgedReads({ afterMs, upTo, clock, onHedge }: HedgedReadsOptions): SendRead {
  return async <Value>(send: (signal?: AbortSignal) => Promise<Value>, signal: AbortSignal | undefined) => {
    const attempt = async (index: number, own: AbortSignal): Promise<Answered<Value>> => {
      if (index > 0) onHedge();
      try {
        return { value: await send(own) };
      } catch (thrown) {
        const error = toAppError(thrown);
        if (own.aborted || isTransportFailure(error)) throw error;
        return { error };
      }
    };
    const { value } = await hedge(attempt, { afterMs, upTo, clock, ...(signal && { signal }) });
    if ('error' in value) throw value.error;
    return value.value;
  };
}

/** What the store has answered with. */
type Answered<Value> = { readonly value: Value } | { readonly error: AppError };

import type { Backend } from '#engine/backend/backend.ts';
import type { Clock } from '#engine/base/clock.ts';
import { hedge } from '#engine/base/hedge.ts';

/** When a read is tried a second time beside the first (spec serverless §4, `hedge_requests_at` and `hedge_requests_up_to`). */
export interface HedgedReadOptions {
  readonly afterMs: number;
  /** Requests in total. */
  readonly upTo: number;
  readonly clock: Clock;
}

/** The backend with hedged reads: the first answer counts, the other requests are aborted. Listings are not hedged. */
export function withHedgedReads(backend: Backend, options: HedgedReadOptions): Backend {
  const first = async <Value>(run: (signal: AbortSignal) => Promise<Value>, signal: AbortSignal | undefined): Promise<Value> => {
    const { value } = await hedge((_, attemptSignal) => run(attemptSignal), { ...options, ...(signal && { signal }) });
    return value;
  };
  return {
    ...backend,
    read: (key, signal) => first((own) => backend.read(key, own), signal),
    readRange: (key, start, end, signal) => first((own) => backend.readRange(key, start, end, own), signal),
  };
}

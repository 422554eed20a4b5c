import type { Gauge } from 'prom-client';

/** A tenant whose queue was empty for so long is no longer shown. */
const idleMs = 10 * 60 * 1000;

/** Shows lengths of queues by tenant, and drops tenants that have none for a while: there may be thousands over the days (spec metrics §2). */
export function createQueueLengths(gauge: Gauge<'user'>, monotonicMs: () => number): (user: string, length: number) => void {
  // In the order in which queues became empty.
  const emptySince = new Map<string, number>();
  return (user, length) => {
    gauge.set({ user }, length);
    emptySince.delete(user);
    if (length > 0) return;
    const nowMs = monotonicMs();
    emptySince.set(user, nowMs);
    for (const [oldest, sinceMs] of emptySince) {
      if (nowMs - sinceMs < idleMs) break;
      emptySince.delete(oldest);
      gauge.remove({ user: oldest });
    }
  };
}

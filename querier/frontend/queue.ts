import { AppError, throwIfAborted, toAppError } from '#engine/base/errors.ts';

/** What happens in a queue, for metrics. */
export interface QueueEvents {
  readonly onLength: (tenant: string, length: number) => void;
  readonly onRefused: (tenant: string) => void;
  /** A job has left the queue after that time. */
  readonly onWaited: (waitedMs: number) => void;
}

/** Limits of a {@link JobQueue}. */
export interface QueueOptions extends QueueEvents {
  /** Jobs that run at once. */
  readonly concurrency: number;
  /** Jobs of one tenant that may wait. */
  readonly maxOutstandingPerTenant: number;
  readonly monotonicMs: () => number;
}

/** Runs jobs in turn: one first-in-first-out list per tenant, tenants round robin (spec read-path §3.5). */
export interface JobQueue {
  /**
   * Runs `work` when its turn comes and gives its result. Rejects with `too_many_requests` `job queue full` when too many wait, and at once when the
   * signal is aborted before its turn.
   */
  readonly run: <Result>(tenant: string, work: () => Promise<Result>, signal: AbortSignal) => Promise<Result>;
  readonly running: () => number;
  /** Says whose jobs those of this signal are, before the first of them. Only where jobs leave the process. */
  readonly announce?: (query: QueryTicket, signal: AbortSignal) => void;
}

/** Whose jobs these are, and what each counts of a batch (spec read-path §3.5). */
export interface QueryTicket {
  /** Name of the queue: the tenant, or several joined with `|`. */
  readonly tenantLabel: string;
  readonly weight: number;
}

interface Waiting {
  readonly start: () => void;
}

/** Creates an empty {@link JobQueue}. */
export function createJobQueue(options: QueueOptions): JobQueue {
  // A Map keeps insertion order: the tenant that was served goes to the back.
  const tenants = new Map<string, Set<Waiting>>();
  let running = 0;

  const setLength = (tenant: string, list: Set<Waiting>): void => {
    tenants.delete(tenant);
    if (list.size > 0) tenants.set(tenant, list);
    options.onLength(tenant, list.size);
  };

  const startNext = (): void => {
    for (const [tenant, list] of tenants) {
      if (running >= options.concurrency) return;
      const next = list.values().next().value!;
      list.delete(next);
      setLength(tenant, list);
      next.start();
    }
  };

  const turn = (tenant: string, signal: AbortSignal): Promise<void> => {
    const list = tenants.get(tenant) ?? new Set();
    if (list.size >= options.maxOutstandingPerTenant) {
      options.onRefused(tenant);
      throw new AppError('too_many_requests', 'job queue full');
    }
    const sinceMs = options.monotonicMs();
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        list.delete(waiting);
        setLength(tenant, list);
        reject(toAppError(signal.reason));
      };
      const waiting: Waiting = {
        start: () => {
          signal.removeEventListener('abort', onAbort);
          options.onWaited(options.monotonicMs() - sinceMs);
          running++;
          resolve();
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      list.add(waiting);
      if (list.size === 1) tenants.set(tenant, list);
      options.onLength(tenant, list.size);
    });
  };

  return {
    running: () => running,
    run: async (tenant, work, signal) => {
      throwIfAborted(signal);
      if (running < options.concurrency && tenants.size === 0) running++;
      else await turn(tenant, signal);
      try {
        return await work();
      } finally {
        running--;
        startNext();
      }
    },
  };
}

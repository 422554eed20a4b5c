import type { SendJob, WireAnswer } from '#engine/api/job-wire.ts';
import { AppError, throwIfAborted, toAppError } from '#engine/base/errors.ts';
import { encodeGet, encodeHeaders, type WorkerResponse } from '../worker-protocol/messages.ts';
import type { PendingJob, WorkerPool } from './worker-pool.ts';

/** Whose jobs these are: the queue's name, and what each counts of a batch (spec read-path §3.5). */
export interface QueryTicket {
  /** The tenant, or several joined with `|`. */
  readonly tenantLabel: string;
  readonly weight: number;
}

/** What {@link createDispatcher} needs. */
export interface DispatcherOptions {
  readonly pool: WorkerPool;
  readonly monotonicMs: () => number;
  readonly onRefused: (tenant: string) => void;
}

/** Makes what sends the jobs of one query to queriers. */
export type Dispatcher = (ticket: QueryTicket) => SendJob;

type Waiting = PendingJob & { readonly cancelled: (error: AppError) => void };

function wireAnswer({ status, headers, body }: WorkerResponse): WireAnswer {
  const contentType = headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '';
  return { status, contentType, body };
}

/** One listener per signal, however many jobs of a query wait: there may be thousands. */
function createGroups(pool: WorkerPool): (signal: AbortSignal) => Set<Waiting> {
  const groups = new WeakMap<AbortSignal, Set<Waiting>>();
  return (signal) => {
    const known = groups.get(signal);
    if (known !== undefined) return known;
    const group = new Set<Waiting>();
    groups.set(signal, group);
    const abandon = () => {
      const error = toAppError(signal.reason);
      for (const job of group) {
        pool.abandon(job);
        job.cancelled(error);
      }
      group.clear();
    };
    signal.addEventListener('abort', abandon, { once: true });
    return group;
  };
}

/** Encodes the headers of jobs once per tenant and format. */
function createHeaders(): (tenant: string, accept: string) => Uint8Array {
  const made = new Map<string, Uint8Array>();
  return (tenant, accept) => {
    const key = `${accept} ${tenant}`;
    let headers = made.get(key);
    if (headers === undefined) {
      headers = encodeHeaders([
        ['X-Scope-OrgID', tenant],
        ['Accept', accept],
      ]);
      made.set(key, headers);
    }
    return headers;
  };
}

/**
 * Sends jobs through the pool. A job rejects with `too_many_requests` when the tenant's queue is full, with `unavailable` when the stream ends before the answer,
 * and with what its signal says.
 */
export function createDispatcher({ pool, monotonicMs, onRefused }: DispatcherOptions): Dispatcher {
  const groupOf = createGroups(pool);
  return ({ tenantLabel, weight }) => {
    const headersOf = createHeaders();
    /** URLs of jobs that failed and may come again: they count more then. */
    const failed = new Set<string>();
    return ({ tenant, url, accept }, signal) =>
      new Promise((resolve, reject) => {
        throwIfAborted(signal);
        const group = groupOf(signal);
        const job: Waiting = {
          tenant: tenantLabel,
          weight: failed.size > 0 && failed.has(url) ? weight + 1 : weight,
          request: encodeGet(url, headersOf(tenant, accept)),
          sinceMs: monotonicMs(),
          member: undefined,
          answered: (response) => {
            group.delete(job);
            if (response.status >= 500) failed.add(url);
            resolve(wireAnswer(response));
          },
          failed: (error) => {
            group.delete(job);
            failed.add(url);
            reject(error);
          },
          cancelled: reject,
        };
        group.add(job);
        if (pool.push(job)) return;
        group.delete(job);
        onRefused(tenantLabel);
        throw new AppError('too_many_requests', 'job queue full');
      });
  };
}

import type { SendJob, WireAnswer } from '#engine/api/job-wire.ts';
import { AppError, throwIfAborted, toAppError } from '#engine/base/errors.ts';
import { costHeader, currentLedger, type Ledger, parseCost } from '../cost/ledger.ts';
import { encodeGet, encodeHeaders, type WorkerResponse } from '../worker-protocol/messages.ts';
import { plainWeight } from './query-weight.ts';
import type { JobQueue, QueryTicket } from './queue.ts';
import type { PendingJob, WorkerPool } from './worker-pool.ts';

/** What {@link createJobSender} needs. */
export interface JobSenderOptions {
  readonly pool: WorkerPool;
  readonly monotonicMs: () => number;
  readonly onRefused: (tenant: string) => void;
  /** A job that is tried again counts 1 more. */
  readonly retryWithWeights: boolean;
}

/** Sends jobs to queriers. */
export interface JobSender {
  /** Jobs are known to belong to a query by their signal: see {@link JobQueue.announce}. */
  readonly announce: NonNullable<JobQueue['announce']>;
  /**
   * Rejects with `too_many_requests` when the tenant's queue is full, with `unavailable` when the stream ends before the answer, and with what the signal says.
   */
  readonly send: SendJob;
}

type Waiting = PendingJob & { readonly cancelled: (error: AppError) => void };

/** The jobs of a query that have no answer yet. */
interface RunningQuery extends QueryTicket {
  readonly waiting: Set<Waiting>;
  /** URLs of jobs that failed and may come again. */
  readonly failed: Set<string>;
  readonly headersOf: (tenant: string, accept: string, traceparent: string | undefined) => Uint8Array;
}

function wireAnswer({ status, headers, body }: WorkerResponse): WireAnswer {
  const contentType = headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '';
  return { status, contentType, body };
}

/** Writes what a querier says that the job has cost in functions. */
function bookCost(ledger: Ledger, { headers }: WorkerResponse): void {
  const cost = headers.find(([name]) => name.toLowerCase() === costHeader.toLowerCase())?.[1];
  if (cost !== undefined) ledger.add(parseCost(cost));
}

/** Encodes the headers of jobs once per tenant and format: all jobs of a query belong to the same span. */
function createHeaders(): RunningQuery['headersOf'] {
  const made = new Map<string, Uint8Array>();
  return (tenant, accept, traceparent) => {
    const key = `${accept} ${tenant}`;
    let headers = made.get(key);
    if (headers === undefined) {
      headers = encodeHeaders([
        ['X-Scope-OrgID', tenant],
        ['Accept', accept],
        ...(traceparent === undefined ? [] : [['traceparent', traceparent] as const]),
      ]);
      made.set(key, headers);
    }
    return headers;
  };
}

/** Queries by their signals: one listener each, however many jobs wait. There may be thousands. */
function createQueries(pool: WorkerPool) {
  const queries = new WeakMap<AbortSignal, RunningQuery>();
  const start = (ticket: QueryTicket, signal: AbortSignal): RunningQuery => {
    const { tenantLabel, weight } = ticket;
    const query: RunningQuery = { tenantLabel, weight, waiting: new Set(), failed: new Set(), headersOf: createHeaders() };
    queries.set(signal, query);
    const abandon = () => {
      const error = toAppError(signal.reason);
      for (const job of query.waiting) {
        pool.abandon(job);
        job.cancelled(error);
      }
      query.waiting.clear();
    };
    signal.addEventListener('abort', abandon, { once: true });
    return query;
  };
  const find = (signal: AbortSignal, tenant: string): RunningQuery =>
    queries.get(signal) ?? start({ tenantLabel: tenant, weight: plainWeight }, signal);
  return { start, find };
}

/** Puts the sender of a frontend before its pool. */
export function createJobSender({ pool, monotonicMs, onRefused, retryWithWeights }: JobSenderOptions): JobSender {
  const queries = createQueries(pool);
  const send: SendJob = ({ tenant, url, accept, traceparent }, signal) =>
    new Promise((resolve, reject) => {
      throwIfAborted(signal);
      const { tenantLabel, weight, waiting, failed, headersOf } = queries.find(signal, tenant);
      const ledger = currentLedger();
      const again = retryWithWeights && failed.size > 0 && failed.has(url);
      const job: Waiting = {
        tenant: tenantLabel,
        weight: again ? weight + 1 : weight,
        request: encodeGet(url, headersOf(tenant, accept, traceparent)),
        sinceMs: monotonicMs(),
        member: undefined,
        answered: (response) => {
          waiting.delete(job);
          if (ledger !== undefined) bookCost(ledger, response);
          if (response.status >= 500) failed.add(url);
          resolve(wireAnswer(response));
        },
        failed: (error) => {
          waiting.delete(job);
          failed.add(url);
          reject(error);
        },
        cancelled: reject,
      };
      waiting.add(job);
      if (pool.push(job)) return;
      waiting.delete(job);
      onRefused(tenantLabel);
      throw new AppError('too_many_requests', 'job queue full');
    });
  return { announce: (ticket, signal) => void queries.start(ticket, signal), send };
}

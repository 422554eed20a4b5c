import type { BlockPart } from '#engine/api/search-request.ts';
import type { Clock } from '#engine/base/clock.ts';
import { AppError } from '#engine/base/errors.ts';
import type { LimitsConfig, LimitsOf } from '../config/limits.ts';
import type { Runners } from '../worker/runners.ts';
import { createLedger, currentLedger, type Ledger, withLedger } from './ledger.ts';
import type { Spending, Used } from './spending.ts';

/** Limits of what a query and a tenant may use; 0 is no limit. */
export type Caps = Pick<LimitsConfig, 'maxBytesPerQuery' | 'maxDollarsPerQuery' | 'maxBytesPerHour' | 'maxDollarsPerHour'>;

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toPrecision(3)} GB`;
}

function dollars(amount: number): string {
  return `$${amount.toPrecision(3)}`;
}

/** Why another job may not run, as an error that says which limit and what to do; undefined: it may. Pure. */
export function capProblem(caps: Caps, query: Used, lastHour: Used): AppError | undefined {
  const narrow = 'narrow the time range, or raise the limit';
  if (caps.maxBytesPerQuery > 0 && query.bytes > caps.maxBytesPerQuery) {
    const limit = `${gigabytes(caps.maxBytesPerQuery)} of blocks (read.max_bytes_per_query)`;
    return new AppError('unprocessable', `the query covers more than ${limit}: ${narrow}`);
  }
  if (caps.maxDollarsPerQuery > 0 && query.dollars >= caps.maxDollarsPerQuery) {
    const limit = `the limit is ${dollars(caps.maxDollarsPerQuery)} (read.max_cost_per_query)`;
    return new AppError('unprocessable', `the query has cost ${dollars(query.dollars)} so far, ${limit}: ${narrow}`);
  }
  const later = 'try again later, or raise the limit';
  if (caps.maxBytesPerHour > 0 && lastHour.bytes > caps.maxBytesPerHour) {
    const limit = `${gigabytes(caps.maxBytesPerHour)} (read.max_bytes_per_hour)`;
    return new AppError('too_many_requests', `the tenant's queries of the last hour cover more than ${limit}: ${later}`);
  }
  if (caps.maxDollarsPerHour > 0 && lastHour.dollars >= caps.maxDollarsPerHour) {
    const limit = `the limit is ${dollars(caps.maxDollarsPerHour)} (read.max_cost_per_hour)`;
    return new AppError(
      'too_many_requests',
      `the tenant's queries of the last hour have cost ${dollars(lastHour.dollars)}, ${limit}: ${later}`,
    );
  }
  return undefined;
}

function coveredBytes({ sizeBytes, totalRecords, startPage, pagesToSearch }: BlockPart): number {
  const pages = Math.max(0, Math.min(pagesToSearch, totalRecords - startPage));
  return totalRecords > 0 ? (sizeBytes * pages) / totalRecords : 0;
}

interface Query {
  readonly ledger: Ledger;
  bytes: number;
}

/**
 * Puts the caps before runners, wherever those run jobs. Jobs of one query share their signal; a query that has used up its share, or whose tenant has, fails with
 * its next job: 422 and 429.
 */
export function capRunners(runners: Runners, limits: LimitsOf, spending: Spending, clock: Clock): Runners {
  const queries = new WeakMap<AbortSignal, Query>();
  const queryOf = (tenant: string, signal: AbortSignal): Query => {
    const known = queries.get(signal);
    if (known !== undefined) return known;
    const parent = currentLedger();
    const count: Ledger = {
      add: (totals) => {
        spending.add(tenant, { bytes: 0, dollars: totals.dollars }, clock.nowMs());
        parent?.add(totals);
      },
      totals: () => parent!.totals(),
    };
    const query = { ledger: createLedger(count), bytes: 0 };
    queries.set(signal, query);
    return query;
  };
  const run = async <Answer>(tenant: string, bytes: number, signal: AbortSignal, work: () => Promise<Answer>): Promise<Answer> => {
    const query = queryOf(tenant, signal);
    query.bytes += bytes;
    spending.add(tenant, { bytes, dollars: 0 }, clock.nowMs());
    const caps = limits(tenant);
    const used = { bytes: query.bytes, dollars: query.ledger.totals().dollars };
    const problem = capProblem(caps, used, spending.lastHour(tenant, clock.nowMs()));
    if (problem !== undefined) throw problem;
    return withLedger(query.ledger, work);
  };
  return {
    search: (job, signal) => run(job.tenant, coveredBytes(job.request.block), signal, () => runners.search(job, signal)),
    metrics: (job, signal) => run(job.tenant, coveredBytes(job.request.block), signal, () => runners.metrics(job, signal)),
    tags: {
      names: (tenant, job, signal) => run(tenant, coveredBytes(job.block), signal, () => runners.tags.names(tenant, job, signal)),
      values: (tenant, job, signal) => run(tenant, coveredBytes(job.block), signal, () => runners.tags.values(tenant, job, signal)),
    },
    trace: (job, signal) => run(job.tenant, 0, signal, () => runners.trace(job, signal)),
  };
}

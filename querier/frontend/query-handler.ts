import { wireStatuses } from '#engine/api/status.ts';
import { AppError, toAppError } from '#engine/base/errors.ts';
import { withDeadline } from '../deadline.ts';
import { errorAnswer, type Handler, type ServerAnswer, type ServerRequest, textAnswer } from '../server/exchange.ts';
import { readTenants, type Tenants } from '../server/tenancy.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { JobFailure } from './run-jobs.ts';
import type { SearchEnvironment } from './search.ts';

/** What every query endpoint of the frontend needs. */
export interface QueryHandlerOptions {
  readonly environment: Pick<SearchEnvironment, 'config' | 'clock'>;
  readonly multitenancyEnabled: boolean;
  /** `server.http_server_write_timeout`: Tempo cuts the connection then; 0 is never. */
  readonly writeTimeoutMs: number;
  readonly metrics: Pick<Metrics, 'queries' | 'bytesInspected' | 'jobsPerQuery'>;
  readonly logger: Logger;
}

/** A query's end: an answer and what it took, or the first job that failed. */
export type QueryOutcome =
  | { readonly kind: 'answered'; readonly answer: ServerAnswer; readonly inspectedBytes: number; readonly totalJobs: number }
  | ({ readonly kind: 'jobFailed' } & JobFailure);

/** Answers a query of these tenants. Throws AppError for bad requests, and what the signal says. */
export type RunQuery = (request: ServerRequest, tenants: Tenants, signal: AbortSignal) => Promise<QueryOutcome>;

/** What is said when `query_frontend.api_timeout` is over. */
export const apiTimeout = () => new AppError('unavailable', 'unable to process request in the configured timeout');
const writeTimeout = () =>
  new AppError('deadline_exceeded', 'context deadline exceeded: raise server.http_server_write_timeout for longer queries');

/** The shorter of both times, and what is said when it is over. */
function timeoutOf({ environment, writeTimeoutMs }: QueryHandlerOptions): { readonly ms: number; readonly reason: () => AppError } {
  const { apiTimeoutMs } = environment.config;
  const api = apiTimeoutMs > 0 && (writeTimeoutMs <= 0 || apiTimeoutMs <= writeTimeoutMs);
  return api ? { ms: apiTimeoutMs, reason: apiTimeout } : { ms: writeTimeoutMs, reason: writeTimeout };
}

/** Throws `bad_request` for a path and query string that `query_frontend.url_deny_list` has. */
export function refuseDenied(denied: readonly RegExp[], target: string): void {
  if (!denied.some((pattern) => pattern.test(target))) return;
  throw new AppError(
    'bad_request',
    `Invalid request ${target}. This query has been identified as one that destabilizes our system. Contact your system administrator for more information`,
  );
}

/**
 * Puts what all query endpoints share around a query: tenants, the deny list, the deadline, the two flavours of errors (spec http-api §2), metrics and the log.
 * `op` is the label of metrics: traces, metadata or metrics.
 */
export function createQueryHandler(options: QueryHandlerOptions, op: string, run: RunQuery): Handler {
  const { environment, metrics, logger } = options;
  const { config, clock } = environment;
  const denied = config.urlDenyList.map((pattern) => new RegExp(pattern));
  const timeout = timeoutOf(options);
  const tenancy = { multitenancyEnabled: options.multitenancyEnabled, multiTenantQueriesEnabled: config.multiTenantQueriesEnabled };

  const finish = (request: ServerRequest, tenants: Tenants, outcome: QueryOutcome | AppError, durationMs: number): void => {
    const failed = outcome instanceof AppError;
    const result = failed && outcome.code === 'cancelled' ? 'canceled' : 'completed';
    metrics.queries.inc({ tenant: tenants.label, op, result });
    const answered = !failed && outcome.kind === 'answered' ? outcome : undefined;
    if (answered !== undefined) {
      metrics.bytesInspected.inc({ tenant: tenants.label, op }, answered.inspectedBytes);
      metrics.jobsPerQuery.observe({ op }, answered.totalJobs);
    }
    logger.info(`${op} response`, {
      tenant: tenants.label,
      path: request.path,
      query: request.query,
      duration_seconds: durationMs / 1000,
      total_requests: answered?.totalJobs,
      inspected_bytes: answered?.inspectedBytes,
      status_code: failed ? wireStatuses[outcome.code].http : outcome.kind === 'jobFailed' ? outcome.status : outcome.answer.status,
      error: failed || outcome.kind === 'jobFailed' ? outcome.message : 'null',
    });
  };

  return async (request) => {
    const startedMs = clock.monotonicMs();
    let tenants: Tenants | undefined;
    try {
      const read = readTenants(request.headers['x-scope-orgid'] as string | undefined, tenancy);
      tenants = read;
      refuseDenied(denied, request.target);
      const outcome = await withDeadline(clock, timeout.ms, request.signal, (signal) => run(request, read, signal), timeout.reason);
      finish(request, read, outcome, clock.monotonicMs() - startedMs);
      const answer = outcome.kind === 'answered' ? outcome.answer : errorAnswer(outcome.status, outcome.message);
      return { ...answer, compressible: true };
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code === 'unauthenticated') throw error;
      if (error.code === 'internal') logger.error(`${op} query failed`, { err: error.message, stack: error.stack });
      if (tenants !== undefined) finish(request, tenants, error, clock.monotonicMs() - startedMs);
      return { ...textAnswer(wireStatuses[error.code].http, error.message), compressible: true };
    }
  };
}

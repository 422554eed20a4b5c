import { wireStatuses } from '#engine/api/status.ts';
import { printGoDuration } from '#engine/base/duration.ts';
import { AppError, toAppError } from '#engine/base/errors.ts';
import { currentLedger, loggedCost } from '../cost/ledger.ts';
import { withDeadline } from '../deadline.ts';
import { errorAnswer, type Handler, type ServerAnswer, type ServerRequest, textAnswer } from '../server/exchange.ts';
import { readTenants, type Tenants } from '../server/tenancy.ts';
import type { LogValue } from '../telemetry/log.ts';
import { currentSpan } from '../telemetry/tracing.ts';
import { createQueryEnd, type EndedQuery, type QueryEndOptions, type QueryKind } from './query-end.ts';
import type { QueryCost, QueryLog } from './query-log.ts';
import type { JobFailure } from './run-jobs.ts';
import type { SearchEnvironment } from './search.ts';

/** What every query endpoint of the frontend needs. */
export interface QueryHandlerOptions extends Pick<QueryEndOptions, 'metrics' | 'logger'> {
  readonly environment: Pick<SearchEnvironment, 'config' | 'clock'>;
  readonly multitenancyEnabled: boolean;
  /** `server.http_server_write_timeout`: Tempo cuts the connection then; 0 is never. */
  readonly writeTimeoutMs: number;
}

/** A query's end: an answer and what it took, or the first job that failed. */
export type QueryOutcome =
  | { readonly kind: 'answered'; readonly answer: ServerAnswer; readonly cost: QueryCost }
  | ({ readonly kind: 'jobFailed' } & JobFailure);

/** Answers a query of these tenants; calls `tell` when the request could be read. Throws AppError for bad requests, and what the signal says. */
export type RunQuery = (
  request: ServerRequest,
  tenants: Tenants,
  signal: AbortSignal,
  tell: (log: QueryLog) => void,
) => Promise<QueryOutcome>;

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

/** A query that is being answered. */
interface Running {
  readonly request: ServerRequest;
  readonly startedMs: number;
  tenants: Tenants | undefined;
  log: QueryLog | undefined;
}

/** The line `query stats`, one per HTTP query; errors have status 500 there, whatever the client sees (spec metrics §7). */
function createStatsLine({ environment: { config }, logger }: QueryHandlerOptions) {
  return ({ request, tenants, log }: Running, durationMs: number, answer: ServerAnswer | undefined, error?: string): void => {
    const extras: Record<string, LogValue> = {};
    for (const name of config.logRequestHeaders) {
      const value = request.headers[name.toLowerCase()];
      if (value !== undefined) extras[`header_${name.toLowerCase().replaceAll('-', '_')}`] = String(value);
    }
    logger.info('query stats', {
      tenant: tenants?.label ?? '',
      method: request.method,
      traceID: currentSpan()?.traceId ?? '',
      url: log?.url ?? request.target,
      duration: printGoDuration(BigInt(Math.round(durationMs * 1e6))),
      ...extras,
      ...(error === undefined
        ? { response_size: Buffer.byteLength(answer?.body ?? ''), status: answer?.status ?? 0 }
        : { status: 500, error, response_size: 0 }),
      ...loggedCost(currentLedger()?.totals()),
    });
  };
}

/**
 * Puts what all query endpoints share around a query: tenants, the deny list, the deadline, the two flavours of errors (spec http-api §2), metrics and the log.
 */
export function createQueryHandler(options: QueryHandlerOptions, kind: QueryKind, run: RunQuery): Handler {
  const { environment, logger } = options;
  const { config, clock } = environment;
  const denied = config.urlDenyList.map((pattern) => new RegExp(pattern));
  const timeout = timeoutOf(options);
  const tenancy = { multitenancyEnabled: options.multitenancyEnabled, multiTenantQueriesEnabled: config.multiTenantQueriesEnabled };
  const end = createQueryEnd({ ...options, slo: config.slos[kind.op] }, kind);
  const statsLine = createStatsLine(options);

  const finish = (running: Running, ended: EndedQuery, answer: ServerAnswer | undefined): void => {
    const { tenants, startedMs, log } = running;
    const durationMs = clock.monotonicMs() - startedMs;
    if (tenants !== undefined) end({ tenant: tenants.label, traceId: currentSpan()?.traceId ?? '', durationMs, log }, ended);
    statsLine(running, durationMs, answer, ended instanceof AppError ? ended.message : undefined);
  };
  const start = (running: Running, tenants: Tenants) => {
    running.tenants = tenants;
    refuseDenied(denied, running.request.target);
    const tell = (log: QueryLog) => {
      running.log = log;
      const { message, fields } = log.asked(tenants.label);
      logger.info(message, fields);
    };
    const { request } = running;
    return withDeadline(clock, timeout.ms, request.signal, (signal) => run(request, tenants, signal, tell), timeout.reason);
  };

  return async (request) => {
    const running: Running = { request, startedMs: clock.monotonicMs(), tenants: undefined, log: undefined };
    try {
      const outcome = await start(running, readTenants(request.headers['x-scope-orgid'] as string | undefined, tenancy));
      const answer = outcome.kind === 'answered' ? outcome.answer : errorAnswer(outcome.status, outcome.message);
      finish(running, outcome.kind === 'answered' ? { ...outcome, status: answer.status } : outcome, answer);
      return { ...answer, compressible: true };
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code === 'unauthenticated') throw error;
      finish(running, error, undefined);
      return { ...textAnswer(wireStatuses[error.code].http, error.message), compressible: true };
    }
  };
}

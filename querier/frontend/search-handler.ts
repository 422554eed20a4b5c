import { encodeSearchAnswer } from '#engine/api/search-body.ts';
import { wireStatuses } from '#engine/api/status.ts';
import { AppError, toAppError } from '#engine/base/errors.ts';
import { withDeadline } from '../deadline.ts';
import { acceptedFormat } from '../server/accept.ts';
import { errorAnswer, type Handler, type ServerAnswer, type ServerRequest, textAnswer } from '../server/exchange.ts';
import { readTenants, type Tenants } from '../server/tenancy.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { type SearchEnvironment, type SearchOutcome, search } from './search.ts';

/** What {@link createSearchHandler} needs. */
export interface SearchHandlerOptions {
  readonly environment: SearchEnvironment;
  readonly multitenancyEnabled: boolean;
  /** `server.http_server_write_timeout`: Tempo cuts the connection then; 0 is never. */
  readonly writeTimeoutMs: number;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

const apiTimeout = () => new AppError('unavailable', 'unable to process request in the configured timeout');
const writeTimeout = () =>
  new AppError('deadline_exceeded', 'context deadline exceeded: raise server.http_server_write_timeout for longer queries');

/** The shorter of both times, and what is said when it is over. */
function timeoutOf({ environment, writeTimeoutMs }: SearchHandlerOptions): { readonly ms: number; readonly reason: () => AppError } {
  const { apiTimeoutMs } = environment.config;
  const api = apiTimeoutMs > 0 && (writeTimeoutMs <= 0 || apiTimeoutMs <= writeTimeoutMs);
  return api ? { ms: apiTimeoutMs, reason: apiTimeout } : { ms: writeTimeoutMs, reason: writeTimeout };
}

/** An answer's body, or the text of the failed job with the line end that a querier writes (spec http-api §2). */
function answerOf(outcome: SearchOutcome): ServerAnswer {
  if (outcome.kind === 'jobFailed') return errorAnswer(outcome.status, outcome.message);
  const { contentType, body } = encodeSearchAnswer(outcome.answer, { emptyTraces: true, rootPlaceholder: true });
  return { status: 200, headers: { 'Content-Type': contentType }, body, compressible: true };
}

/** Makes the handler of `GET /api/search` (spec http-api §4). */
export function createSearchHandler(options: SearchHandlerOptions): Handler {
  const { environment, metrics, logger } = options;
  const { config } = environment;
  const denied = config.urlDenyList.map((pattern) => new RegExp(pattern));
  const timeout = timeoutOf(options);
  const tenancy = { multitenancyEnabled: options.multitenancyEnabled, multiTenantQueriesEnabled: config.multiTenantQueriesEnabled };

  const run = async (request: ServerRequest, tenants: Tenants): Promise<SearchOutcome> => {
    if (denied.some((pattern) => pattern.test(request.target))) {
      throw new AppError(
        'bad_request',
        `Invalid request ${request.target}. This query has been identified as one that destabilizes our system. Contact your system administrator for more information`,
      );
    }
    const call = {
      tenantLabel: tenants.label,
      tenants: tenants.ids,
      query: request.query,
      format: acceptedFormat(request.headers.accept),
    };
    return withDeadline(environment.clock, timeout.ms, request.signal, (signal) => search(environment, call, signal), timeout.reason);
  };

  const finish = (request: ServerRequest, tenants: Tenants, outcome: SearchOutcome | AppError, durationMs: number): void => {
    const failed = outcome instanceof AppError;
    const result = failed && outcome.code === 'cancelled' ? 'canceled' : 'completed';
    metrics.queries.inc({ tenant: tenants.label, op: 'search', result });
    const status = failed ? wireStatuses[outcome.code].http : outcome.kind === 'jobFailed' ? outcome.status : 200;
    const found = !failed && outcome.kind === 'answered' ? outcome.answer.metrics : undefined;
    if (found !== undefined) {
      metrics.bytesInspected.inc({ tenant: tenants.label, op: 'search' }, found.inspectedBytes);
      metrics.jobsPerQuery.observe({ op: 'search' }, found.totalJobs);
    }
    logger.info('search response', {
      tenant: tenants.label,
      query: failed ? request.query : (outcome.request.query ?? ''),
      range_seconds: failed ? undefined : outcome.request.endSeconds - outcome.request.startSeconds,
      duration_seconds: durationMs / 1000,
      total_requests: found?.totalJobs,
      total_blockBytes: found?.totalBlockBytes,
      total_blocks: found?.totalBlocks,
      completed_requests: found?.completedJobs,
      inspected_bytes: found?.inspectedBytes,
      inspected_traces: found?.inspectedTraces,
      status_code: status,
      error: failed ? outcome.message : outcome.kind === 'jobFailed' ? outcome.message : 'null',
    });
  };

  return async (request) => {
    const startedMs = environment.clock.monotonicMs();
    let tenants: Tenants | undefined;
    try {
      tenants = readTenants(request.headers['x-scope-orgid'] as string | undefined, tenancy);
      const outcome = await run(request, tenants);
      finish(request, tenants, outcome, environment.clock.monotonicMs() - startedMs);
      return { ...answerOf(outcome), compressible: true };
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code === 'unauthenticated') throw error;
      if (error.code === 'internal') logger.error('search failed', { err: error.message, stack: error.stack });
      if (tenants !== undefined) finish(request, tenants, error, environment.clock.monotonicMs() - startedMs);
      return { ...textAnswer(wireStatuses[error.code].http, error.message), compressible: true };
    }
  };
}

import { errorCodeOfStatus, wireStatuses } from '#engine/api/status.ts';
import { AppError, toAppError } from '#engine/base/errors.ts';
import { withDeadline } from '../deadline.ts';
import { readTenants, type Tenants } from '../server/tenancy.ts';
import { type PartialAnswer, type ProgressiveQuery, partialAnswers } from './partial-answers.ts';
import { apiTimeout, type QueryHandlerOptions, refuseDenied } from './query-handler.ts';
import type { JobFailure } from './run-jobs.ts';

/** A request for a streamed answer, over gRPC or HTTP. */
export interface StreamRequest {
  /** Path of the endpoint that gives the same answer at once, percent escapes kept: what deny lists and parsers see. */
  readonly path: string;
  /** Query string of that endpoint, without `?`. */
  readonly query: string;
  /** Metadata or header `x-scope-orgid`. */
  readonly tenant: string | undefined;
  /** Aborted when the client goes away or its deadline passes. */
  readonly signal: AbortSignal;
}

/** A planned query: what runs, what has been found, and what it took so far. */
export interface StreamedQuery<Answer> extends Omit<ProgressiveQuery<Answer>, 'run'> {
  readonly run: (onProgress: () => void, signal: AbortSignal) => Promise<JobFailure | undefined>;
  readonly cost: () => { readonly inspectedBytes: number; readonly totalJobs: number };
}

/** Plans the query of a request. Throws AppError for bad requests. */
export type PlanStream<Answer> = (request: StreamRequest, tenants: Tenants) => StreamedQuery<Answer>;

/** Parts of an answer. Throws AppError for bad requests at once, what happens later when a part is asked for. */
export type AnswerStream<Answer> = (request: StreamRequest) => AsyncGenerator<PartialAnswer<Answer>, void, void>;

/** What {@link createQueryStream} needs. A stream has no write timeout: the client sees progress. */
export type QueryStreamOptions = Omit<QueryHandlerOptions, 'writeTimeoutMs'>;

const abandoned = () => new AppError('cancelled', 'context canceled');

/**
 * Puts what all streams share around a query: tenants, the deny list, `api_timeout`, partial answers, metrics and the log. `op` is the label of metrics: search,
 * metadata or metrics.
 */
export function createQueryStream<Answer>(options: QueryStreamOptions, op: string, plan: PlanStream<Answer>): AnswerStream<Answer> {
  const { environment, metrics, logger } = options;
  const { config, clock } = environment;
  const denied = config.urlDenyList.map((pattern) => new RegExp(pattern));
  const tenancy = { multitenancyEnabled: options.multitenancyEnabled, multiTenantQueriesEnabled: config.multiTenantQueriesEnabled };

  const finish = (
    request: StreamRequest,
    tenants: Tenants,
    query: StreamedQuery<Answer> | undefined,
    startedMs: number,
    error?: AppError,
  ) => {
    metrics.queries.inc({ tenant: tenants.label, op, result: error?.code === 'cancelled' ? 'canceled' : 'completed' });
    const cost = query?.cost();
    if (cost !== undefined && error === undefined) {
      metrics.bytesInspected.inc({ tenant: tenants.label, op }, cost.inspectedBytes);
      metrics.jobsPerQuery.observe({ op }, cost.totalJobs);
    }
    if (error?.code === 'internal') logger.error(`${op} query failed`, { err: error.message, stack: error.stack });
    logger.info(`${op} stream response`, {
      tenant: tenants.label,
      path: request.path,
      query: request.query,
      duration_seconds: (clock.monotonicMs() - startedMs) / 1000,
      total_requests: cost?.totalJobs,
      inspected_bytes: cost?.inspectedBytes,
      status_code: error === undefined ? 200 : wireStatuses[error.code].http,
      error: error?.message ?? 'null',
    });
  };

  const follow = async function* (request: StreamRequest, tenants: Tenants, query: StreamedQuery<Answer>, startedMs: number) {
    const run = async (onProgress: () => void, signal: AbortSignal): Promise<void> => {
      const work = (inner: AbortSignal) => query.run(onProgress, inner);
      const failure = await withDeadline(clock, config.apiTimeoutMs, signal, work, apiTimeout);
      if (failure !== undefined) throw new AppError(errorCodeOfStatus(failure.status), failure.message);
    };
    let error: AppError | undefined = abandoned();
    try {
      for await (const part of partialAnswers(clock, { ...query, run }, request.signal)) {
        if (part.kind === 'final') error = undefined;
        yield part;
      }
    } catch (thrown) {
      error = toAppError(thrown);
      throw error;
    } finally {
      finish(request, tenants, query, startedMs, error);
    }
  };

  return (request) => {
    const startedMs = clock.monotonicMs();
    const tenants = readTenants(request.tenant, tenancy);
    try {
      refuseDenied(denied, request.query === '' ? request.path : `${request.path}?${request.query}`);
      return follow(request, tenants, plan(request, tenants), startedMs);
    } catch (thrown) {
      const error = toAppError(thrown);
      finish(request, tenants, undefined, startedMs, error);
      throw error;
    }
  };
}

import { errorCodeOfStatus } from '#engine/api/status.ts';
import { AppError, toAppError } from '#engine/base/errors.ts';
import { createLedger, type Ledger, loggedCost, withLedger } from '../cost/ledger.ts';
import type { CallTotals } from '../cost/prices.ts';
import { withDeadline } from '../deadline.ts';
import { readTenants, type Tenants } from '../server/tenancy.ts';
import { currentSpan } from '../telemetry/tracing.ts';
import { type PartialAnswer, type ProgressiveQuery, partialAnswers } from './partial-answers.ts';
import { createQueryEnd, type QueryKind } from './query-end.ts';
import { apiTimeout, type QueryHandlerOptions, refuseDenied } from './query-handler.ts';
import type { QueryCost, QueryLog } from './query-log.ts';
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
  readonly cost: () => QueryCost;
  readonly log: QueryLog;
}

/** Plans the query of a request. Throws AppError for bad requests. */
export type PlanStream<Answer> = (request: StreamRequest, tenants: Tenants) => StreamedQuery<Answer>;

/** A part of an answer; the last one says what its calls of functions cost, if there were any. */
export type StreamPart<Answer> = PartialAnswer<Answer> & { readonly calls?: CallTotals };

/** Parts of an answer. Throws AppError for bad requests at once, what happens later when a part is asked for. */
export type AnswerStream<Answer> = (request: StreamRequest) => AsyncGenerator<StreamPart<Answer>, void, void>;

/** What {@link createQueryStream} needs. A stream has no write timeout: the client sees progress. */
export type QueryStreamOptions = Omit<QueryHandlerOptions, 'writeTimeoutMs'>;

const abandoned = () => new AppError('cancelled', 'context canceled');

/**
 * Puts what all streams share around a query: tenants, the deny list, `api_timeout`, partial answers, metrics and the log.
 */
export function createQueryStream<Answer>(options: QueryStreamOptions, kind: QueryKind, plan: PlanStream<Answer>): AnswerStream<Answer> {
  const { environment, logger } = options;
  const { config, clock } = environment;
  const denied = config.urlDenyList.map((pattern) => new RegExp(pattern));
  const tenancy = { multitenancyEnabled: options.multitenancyEnabled, multiTenantQueriesEnabled: config.multiTenantQueriesEnabled };
  const end = createQueryEnd({ ...options, slo: config.slos[kind.op] }, kind);

  const finish = (
    tenants: Tenants,
    query: StreamedQuery<Answer> | undefined,
    startedMs: number,
    error: AppError | undefined,
    ledger?: Ledger,
  ) => {
    const durationMs = clock.monotonicMs() - startedMs;
    const more = loggedCost(ledger?.totals());
    const ended = query !== undefined && error === undefined ? ({ kind: 'answered', status: 200, cost: query.cost() } as const) : error;
    end({ tenant: tenants.label, traceId: currentSpan()?.traceId ?? '', durationMs, log: query?.log, more }, ended ?? abandoned());
  };

  const follow = async function* (request: StreamRequest, tenants: Tenants, query: StreamedQuery<Answer>, startedMs: number) {
    const ledger = createLedger();
    const run = async (onProgress: () => void, signal: AbortSignal): Promise<void> => {
      const work = (inner: AbortSignal) => withLedger(ledger, () => query.run(onProgress, inner));
      const failure = await withDeadline(clock, config.apiTimeoutMs, signal, work, apiTimeout);
      if (failure !== undefined) throw new AppError(errorCodeOfStatus(failure.status), failure.message);
    };
    let error: AppError | undefined = abandoned();
    try {
      for await (const part of partialAnswers(clock, { ...query, run }, request.signal)) {
        if (part.kind === 'final') error = undefined;
        const calls = ledger.totals();
        yield part.kind === 'final' && calls.calls > 0 ? { ...part, calls } : part;
      }
    } catch (thrown) {
      error = toAppError(thrown);
      throw error;
    } finally {
      finish(tenants, query, startedMs, error, ledger);
    }
  };

  return (request) => {
    const startedMs = clock.monotonicMs();
    const tenants = readTenants(request.tenant, tenancy);
    try {
      refuseDenied(denied, request.query === '' ? request.path : `${request.path}?${request.query}`);
      const query = plan(request, tenants);
      const { message, fields } = query.log.asked(tenants.label);
      logger.info(message, fields);
      return follow(request, tenants, query, startedMs);
    } catch (thrown) {
      const error = toAppError(thrown);
      finish(tenants, undefined, startedMs, error);
      throw error;
    }
  };
}

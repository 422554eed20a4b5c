import type { AnswerFormat, SearchAnswer } from '#engine/api/search-answer.ts';
import { createSearchCombiner, type SearchCombiner } from '#engine/api/search-combiner.ts';
import { parseSearchParams, type SearchParamLimits } from '#engine/api/search-params.ts';
import type { SearchRequest } from '#engine/api/search-request.ts';
import { wireStatuses } from '#engine/api/status.ts';
import type { Clock } from '#engine/base/clock.ts';
import { AppError, throwIfAborted, toAppError } from '#engine/base/errors.ts';
import type { TenantId } from '#engine/base/units.ts';
import type { TenantBlocklist } from '#engine/blocklist/list.ts';
import { compileQuery } from '#engine/traceql/compile.ts';
import { isConstantFalse, planSearch } from '#engine/traceql/plan.ts';
import type { LimitsConfig, QueryFrontendConfig } from '../config/config.ts';
import type { RunJob } from '../worker/job.ts';
import { checkQuerySize } from './query-size.ts';
import type { JobQueue } from './queue.ts';
import type { JobFailure } from './run-jobs.ts';
import { type SearchJob, type SearchPlan, shardSearch } from './sharder.ts';

/** What a search needs of the process. */
export interface SearchEnvironment {
  readonly config: QueryFrontendConfig;
  readonly limits: LimitsConfig;
  readonly clock: Clock;
  readonly blocklist: (tenant: TenantId) => TenantBlocklist;
  readonly queue: JobQueue;
  readonly runJob: RunJob;
  /** Told how often a job was tried again, if it was. */
  readonly onRetries: (retries: number) => void;
}

/** Whom and what a search is for. */
export interface SearchCall {
  /** Name of the queue. */
  readonly tenantLabel: string;
  readonly tenants: readonly TenantId[];
  /** Query string of the request, without `?`. */
  readonly query: string;
  readonly format: AnswerFormat;
}

/** A search's end: an answer, or the status and text of the first job that failed (spec read-path §3.5). */
export type SearchOutcome =
  | { readonly kind: 'answered'; readonly request: SearchRequest; readonly answer: SearchAnswer }
  | { readonly kind: 'jobFailed'; readonly request: SearchRequest; readonly status: number; readonly message: string };

const nanosPerSecond = 1_000_000_000n;

function paramLimits({ config, limits }: SearchEnvironment): SearchParamLimits {
  const { search } = config;
  return {
    defaultLimit: search.defaultLimit,
    maxLimit: search.maxLimit,
    defaultSpss: search.defaultSpansPerSpanSet,
    maxSpss: search.maxSpansPerSpanSet,
    maxDurationSeconds: (limits.maxSearchDurationMs || search.maxDurationMs) / 1000,
  };
}

/** What the query itself says about how to run it. */
interface CheckedQuery {
  readonly mostRecent: boolean;
  readonly constantFalse: boolean;
}

/** Compiles the query before any job is made. Throws `bad_request` `invalid TraceQL query: …`, or `unimplemented`. */
function checkQuery(query: string | undefined, maxBytes: number): CheckedQuery {
  if (query === undefined) return { mostRecent: false, constantFalse: false };
  checkQuerySize(query, maxBytes);
  const compiled = compile(query);
  const plan = planSearch(compiled);
  return { mostRecent: plan.mostRecent === true, constantFalse: isConstantFalse(plan.spansets) };
}

function compile(query: string): ReturnType<typeof compileQuery> {
  try {
    return compileQuery(query);
  } catch (thrown) {
    const error = toAppError(thrown);
    if (error.code !== 'bad_request') throw error;
    throw new AppError('bad_request', `invalid TraceQL query: ${error.message}`, { cause: thrown });
  }
}

/** The status a failed job gives the query: client errors that only a job can have made are the server's fault (spec read-path §3.5). */
function statusOfJob(error: AppError): number {
  const { http } = wireStatuses[error.code];
  return http >= 400 && http < 500 && http !== 422 && http !== 429 ? 500 : http;
}

function mayRetry(error: AppError): boolean {
  return wireStatuses[error.code].http >= 500 && error.code !== 'unimplemented';
}

async function runWithRetries(
  environment: SearchEnvironment,
  call: SearchCall,
  job: SearchJob,
  signal: AbortSignal,
): Promise<SearchAnswer> {
  const attempts = Math.max(1, environment.config.maxRetries);
  const { tenant, request } = job;
  for (let attempt = 1; ; attempt++) {
    try {
      const run = () => environment.runJob({ tenant, request, format: call.format }, signal);
      return await environment.queue.run(call.tenantLabel, run, signal);
    } catch (thrown) {
      const error = toAppError(thrown);
      if (attempt >= attempts || signal.aborted || !mayRetry(error)) throw error;
      environment.onRetries(attempt);
    }
  }
}

/** Follows which shards are done; tells through which time everything that starts later has been seen. */
function trackShards(plan: SearchPlan): (shard: number) => bigint | undefined {
  const left = plan.shards.map((shard) => shard.jobCount);
  let first = 0;
  let through: bigint | undefined;
  return (shard) => {
    left[shard]!--;
    for (; first < left.length && left[first] === 0; first++) {
      const seconds = plan.shards[first]!.completedThroughSeconds;
      // Block times are whole seconds, so a block may hold traces up to the end of its last one.
      if (Number.isFinite(seconds)) through = (BigInt(seconds) + 1n) * nanosPerSecond - 1n;
    }
    return through;
  };
}

/**
 * Runs jobs side by side until all are done, the combiner needs no more, one fails or the signal ends it. Then what still runs is aborted, and not waited for:
 * a scan notices only between row groups.
 */
async function runJobs(
  environment: SearchEnvironment,
  call: SearchCall,
  plan: SearchPlan,
  combiner: SearchCombiner,
  onAnswer: (completedThroughNanos: bigint | undefined) => void,
  signal: AbortSignal,
): Promise<JobFailure | undefined> {
  const stop = new AbortController();
  const jobs = plan.jobs();
  const completed = trackShards(plan);
  let failure: JobFailure | undefined;
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = () => {
      if (!stop.signal.aborted) stop.abort(new AppError('cancelled', 'context canceled'));
      resolve();
    };
  });
  const runLane = async (): Promise<void> => {
    for (let next = jobs.next(); !next.done && !stop.signal.aborted; next = jobs.next()) {
      try {
        const answer = await runWithRetries(environment, call, next.value, stop.signal);
        if (stop.signal.aborted) return;
        combiner.add(answer);
        const completedThrough = completed(next.value.shard);
        if (combiner.done(completedThrough)) end();
        else onAnswer(completedThrough);
      } catch (thrown) {
        if (stop.signal.aborted) return;
        const error = toAppError(thrown);
        failure = { status: statusOfJob(error), message: error.message };
        end();
      }
    }
  };
  signal.addEventListener('abort', end, { once: true });
  try {
    throwIfAborted(signal);
    const lanes = Math.min(environment.config.search.concurrentJobs, plan.totalJobs);
    await Promise.race([ended, Promise.all(Array.from({ length: lanes }, runLane))]);
    throwIfAborted(signal);
    return failure;
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** A search that has been read and cut into jobs. */
export interface PlannedSearch {
  readonly request: SearchRequest;
  readonly mostRecent: boolean;
  readonly plan: SearchPlan;
}

/** Reads a request and plans jobs over the blocks of all its tenants. Throws `bad_request` for a bad request, `unimplemented` for a query beyond the engine. */
export function planSearchCall(environment: SearchEnvironment, call: SearchCall): PlannedSearch {
  const { config, clock } = environment;
  const nowSeconds = Math.floor(clock.nowMs() / 1000);
  const queryBackendAfterSeconds = config.search.queryBackendAfterMs / 1000;
  const request = parseSearchParams(call.query, paramLimits(environment), {
    nowSeconds,
    queryEndCutoffSeconds: config.queryEndCutoffMs / 1000,
    queryBackendAfterSeconds,
  });
  const { mostRecent, constantFalse } = checkQuery(request.query, config.maxQueryExpressionBytes);
  const lists = constantFalse ? [] : call.tenants.map(environment.blocklist);
  const plan = shardSearch(request, lists, {
    nowSeconds,
    queryBackendAfterSeconds,
    targetBytesPerJob: config.search.targetBytesPerJob,
    mostRecentShards: config.search.mostRecentShards,
  });
  return { request, mostRecent, plan };
}

/** A search that can be looked at while its jobs run. */
export interface StartedSearch {
  readonly request: SearchRequest;
  /** Runs all jobs that are needed, once; tells of answers that may be followed by more. Rejects with what the signal says. */
  readonly run: (onAnswer: () => void, signal: AbortSignal) => Promise<JobFailure | undefined>;
  /** Traces that are new or changed since the last call. */
  readonly changes: () => SearchAnswer;
  /** Everything so far. */
  readonly result: () => SearchAnswer;
}

/** Plans a search. Throws what {@link planSearchCall} throws. */
export function startSearch(environment: SearchEnvironment, call: SearchCall): StartedSearch {
  const { request, mostRecent, plan } = planSearchCall(environment, call);
  const combiner = createSearchCombiner({ limit: request.limit, mostRecent, format: call.format });
  const { totalBlocks, totalJobs, totalBlockBytes } = plan;
  const withTotals = ({ traces, metrics }: SearchAnswer) => ({ traces, metrics: { ...metrics, totalBlocks, totalJobs, totalBlockBytes } });
  let completedThroughNanos: bigint | undefined;
  return {
    request,
    run: (onAnswer, signal) =>
      runJobs(
        environment,
        call,
        plan,
        combiner,
        (through) => {
          completedThroughNanos = through;
          onAnswer();
        },
        signal,
      ),
    changes: () => withTotals(combiner.changes(completedThroughNanos)),
    result: () => withTotals(combiner.result()),
  };
}

/** A whole search: plans jobs, runs them, combines (spec read-path §3). Rejects with what {@link planSearchCall} throws and what the signal says. */
export async function search(environment: SearchEnvironment, call: SearchCall, signal: AbortSignal): Promise<SearchOutcome> {
  const { request, run, result } = startSearch(environment, call);
  const failure = await run(() => {}, signal);
  return failure === undefined ? { kind: 'answered', request, answer: result() } : { kind: 'jobFailed', request, ...failure };
}

import { padTraceIds } from '#engine/api/pad-trace-ids.ts';
import type { AnswerFormat, SearchAnswer } from '#engine/api/search-answer.ts';
import { createSearchCombiner, type SearchCombiner } from '#engine/api/search-combiner.ts';
import { parseSearchParams, type SearchParamLimits } from '#engine/api/search-params.ts';
import type { SearchRequest } from '#engine/api/search-request.ts';
import type { Clock } from '#engine/base/clock.ts';
import { AppError, toAppError } from '#engine/base/errors.ts';
import type { TenantId } from '#engine/base/units.ts';
import type { TenantBlocklist } from '#engine/blocklist/list.ts';
import { compileQuery } from '#engine/traceql/compile.ts';
import { isConstantFalse, planSearch } from '#engine/traceql/plan.ts';
import type { QueryFrontendConfig } from '../config/config.ts';
import type { LimitsConfig, LimitsOf } from '../config/limits.ts';
import type { RecentData } from '../recent/recent-data.ts';
import type { RunJob } from '../worker/job.ts';
import { jobsAtOnce } from './job-pace.ts';
import { queryLimits } from './query-limits.ts';
import { checkQuerySize } from './query-size.ts';
import { plainWeight, queryWeight } from './query-weight.ts';
import type { JobQueue } from './queue.ts';
import { shardRecent } from './recent-sharder.ts';
import { type JobFailure, runJobs } from './run-jobs.ts';
import { type SearchJob, type SearchPlan, shardSearch } from './sharder.ts';

/** What a search needs of the process. */
export interface SearchEnvironment {
  readonly config: QueryFrontendConfig;
  readonly limits: LimitsOf;
  readonly clock: Clock;
  readonly blocklist: (tenant: TenantId) => TenantBlocklist;
  readonly queue: JobQueue;
  readonly runJob: RunJob;
  /** What is not in blocks yet; undefined where nobody is known to have it. */
  readonly recent?: RecentData | undefined;
  /** Told at the end of each job how often it was tried again. */
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

function paramLimits({ search }: QueryFrontendConfig, limits: LimitsConfig): SearchParamLimits {
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
  readonly weight: number;
  readonly mostRecent: boolean;
  readonly constantFalse: boolean;
}

/** Compiles the query before any job is made. Throws `bad_request` `invalid TraceQL query: …`, or `unimplemented`. */
function checkQuery(query: string | undefined, { maxQueryExpressionBytes, weights }: QueryFrontendConfig): CheckedQuery {
  if (query === undefined) return { mostRecent: false, constantFalse: false, weight: plainWeight };
  checkQuerySize(query, maxQueryExpressionBytes);
  const compiled = compile(query);
  const plan = planSearch(compiled);
  return { mostRecent: plan.mostRecent === true, constantFalse: isConstantFalse(plan.spansets), weight: queryWeight(compiled, weights) };
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

/** Follows which shards are done; tells through which time everything that starts later has been seen. */
function trackShards(plan: SearchPlan): (shard: number) => bigint | undefined {
  const left = plan.shards.map((shard) => shard.jobCount);
  let first = 0;
  let through: bigint | undefined;
  return (shard) => {
    left[shard]!--;
    for (; first < left.length && left[first] === 0; first++) through = completedThrough(plan, first) ?? through;
    return through;
  };
}

/** The time through which all has been seen that starts later when that shard and those before it are done; undefined: no later than the shards before say. */
function completedThrough({ shards }: SearchPlan, shard: number): bigint | undefined {
  const seconds = shards[shard]?.completedThroughSeconds ?? Number.NEGATIVE_INFINITY;
  // Block times are whole seconds, so a block may hold traces up to the end of its last one.
  return Number.isFinite(seconds) ? (BigInt(seconds) + 1n) * nanosPerSecond - 1n : undefined;
}

/** As {@link trackShards}, over recent data too: before that is complete, nothing is. */
function trackCompleted(plan: SearchPlan, recentCount: number): (job: SearchJob | RecentSearch) => bigint | undefined {
  const completed = trackShards(plan);
  let recentLeft = recentCount;
  let through: bigint | undefined;
  return (job) => {
    if ('recent' in job) recentLeft--;
    else through = completed(job.shard);
    return recentLeft > 0 ? undefined : through;
  };
}

function* allJobs(recent: readonly RecentSearch[], plan: SearchPlan): Generator<SearchJob | RecentSearch, void, void> {
  yield* recent;
  yield* plan.jobs();
}

function runSearchJob(
  environment: SearchEnvironment,
  job: SearchJob | RecentSearch,
  format: AnswerFormat,
  signal: AbortSignal,
): Promise<SearchAnswer> {
  const { tenant } = job;
  if ('recent' in job) return environment.recent!.search(tenant, job.recent, format, signal);
  return environment.runJob({ tenant, request: job.request, format }, signal);
}

/** A search that has been read and cut into jobs. */
export interface PlannedSearch {
  readonly request: SearchRequest;
  readonly mostRecent: boolean;
  /** What each job counts of a batch. */
  readonly weight: number;
  readonly plan: SearchPlan;
  /** Jobs over recent data, before all others. */
  readonly recent: readonly RecentSearch[];
}

/** A piece of a search over recent data. */
interface RecentSearch {
  readonly tenant: TenantId;
  readonly recent: SearchRequest;
}

/** Reads a request and plans jobs over the blocks of all its tenants. Throws `bad_request` for a bad request, `unimplemented` for a query beyond the engine. */
export function planSearchCall(environment: SearchEnvironment, call: SearchCall): PlannedSearch {
  const { config, clock } = environment;
  const nowSeconds = Math.floor(clock.nowMs() / 1000);
  const queryBackendAfterSeconds = config.search.queryBackendAfterMs / 1000;
  const request = parseSearchParams(call.query, paramLimits(config, queryLimits(environment.limits, config, call.tenants)), {
    nowSeconds,
    queryEndCutoffSeconds: config.queryEndCutoffMs / 1000,
    queryBackendAfterSeconds,
  });
  const { mostRecent, constantFalse, weight } = checkQuery(request.query, config);
  const lists = constantFalse ? [] : call.tenants.map(environment.blocklist);
  const plan = shardSearch(request, lists, {
    nowSeconds,
    queryBackendAfterSeconds,
    targetBytesPerJob: config.search.targetBytesPerJob,
    mostRecentShards: config.search.mostRecentShards,
  });
  const window = { nowSeconds, boundarySeconds: queryBackendAfterSeconds, pieces: config.search.ingesterShards };
  const pieces = environment.recent === undefined || constantFalse ? [] : shardRecent(request, window);
  const recent = call.tenants.flatMap((tenant) => pieces.map((piece) => ({ tenant, recent: { ...request, ...piece } })));
  return { request, mostRecent, weight, plan, recent };
}

/** Tells whether another job should start while others run. `answered`: jobs that have. */
function createPace({ request, mostRecent, plan }: PlannedSearch, { count, done }: SearchCombiner, answered: () => number) {
  const { limit } = request;
  return (job: SearchJob | RecentSearch, running: number): boolean => {
    const found = count();
    // The newest traces are found once enough are: then only jobs that may hold newer ones are needed, and those all are.
    if (mostRecent && found >= limit) return 'recent' in job || !done(completedThrough(plan, job.shard - 1));
    return running < jobsAtOnce({ limit, found, answered: answered() });
  };
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
  const { config } = environment;
  const planned = planSearchCall(environment, call);
  const { request, mostRecent, weight, plan, recent } = planned;
  const combiner = createSearchCombiner({ limit: request.limit, mostRecent, format: call.format });
  const { totalBlocks, totalBlockBytes } = plan;
  const totalJobs = plan.totalJobs + recent.length;
  const { leftPadTraceIds } = queryLimits(environment.limits, config, call.tenants);
  const withTotals = ({ traces, metrics }: SearchAnswer) => ({
    traces: leftPadTraceIds ? padTraceIds(traces) : traces,
    metrics: { ...metrics, totalBlocks, totalJobs, totalBlockBytes },
  });
  let completedThroughNanos: bigint | undefined;
  let answered = 0;
  return {
    request,
    run: (onAnswer, signal) => {
      const completed = trackCompleted(plan, recent.length);
      return runJobs(
        {
          tenantLabel: call.tenantLabel,
          weight,
          queue: environment.queue,
          jobs: allJobs(recent, plan),
          concurrency: Math.min(config.search.concurrentJobs, totalJobs),
          ...(config.search.paceJobs ? { mayStart: createPace(planned, combiner, () => answered) } : {}),
          maxRetries: config.maxRetries,
          run: (job, inner) => runSearchJob(environment, job, call.format, inner),
          onAnswer: (answer, job) => {
            combiner.add(answer);
            answered++;
            completedThroughNanos = completed(job);
            if (combiner.done(completedThroughNanos)) return true;
            onAnswer();
            return false;
          },
          onRetries: environment.onRetries,
        },
        signal,
      );
    },
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

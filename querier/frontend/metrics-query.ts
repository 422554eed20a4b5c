import type { MetricsBody } from '#engine/api/metrics-body.ts';
import { createMetricsCombiner, type MetricsCombiner } from '#engine/api/metrics-combiner.ts';
import type { MetricsInstantRequest, MetricsRangeRequest } from '#engine/api/metrics-params.ts';
import { type MetricsRange, metricsGrid } from '#engine/api/metrics-request.ts';
import { intervalMs, type MetricsGrid, type MetricsSeries } from '#engine/api/metrics-series.ts';
import type { TenantId } from '#engine/base/units.ts';
import { combineRule, isSeriesLimited, metricsResult } from '#engine/jobs/metrics-result.ts';
import type { Query } from '#engine/traceql/ast.ts';
import { isConstantFalse } from '#engine/traceql/plan.ts';
import { type MetricsQuery, planMetrics } from '#engine/traceql/plan-metrics.ts';
import type { LimitsConfig } from '../config/limits.ts';
import type { Tenants } from '../server/tenancy.ts';
import type { RunMetricsJob } from '../worker/metrics-job.ts';
import { type CompleteIntervals, createCompleteIntervals } from './complete-intervals.ts';
import { type RequestEnvironment, readMetricsInstant, readMetricsRange } from './metrics-request.ts';
import { type MetricsJob, type MetricsJobs, shardMetrics } from './metrics-sharder.ts';
import { queryLimits } from './query-limits.ts';
import { metricsLog, type QueryCost, type QueryLog, rangeUrl } from './query-log.ts';
import { queryWeight } from './query-weight.ts';
import { recentMetrics } from './recent-sharder.ts';
import { type JobFailure, runJobs } from './run-jobs.ts';
import type { SearchEnvironment } from './search.ts';

/** What a metrics query needs of the process. */
export interface MetricsEnvironment {
  readonly environment: Omit<SearchEnvironment, 'runJob'>;
  readonly runMetricsJob: RunMetricsJob;
}

/** Over a range, or one value for all of it. */
export type MetricsKind = 'range' | 'instant';

/** A checked query and its range. */
interface Asked {
  readonly query: MetricsQuery;
  readonly range: MetricsRange;
}

/** Number of exemplars: the hint wins over the parameter and is capped, too; false is none (spec traceql §8.10). */
function wantedExemplars({ hints }: Query, asked: number, most: number): number {
  const hint = hints.find(({ name }) => name === 'exemplars')?.value;
  if (hint?.kind === 'int') return Math.min(Number(hint.value), most);
  return hint?.kind === 'boolean' && !hint.value ? 0 : asked;
}

/** One step more is read before the first sample. */
function askedRange(request: MetricsRangeRequest, query: MetricsQuery, maxExemplars: number): Asked {
  const { startNanos, stepNanos } = request;
  const exemplars = wantedExemplars(query, request.exemplars, maxExemplars);
  return { query, range: { ...request, startNanos: startNanos - stepNanos, instant: false, exemplars } };
}

function askedInstant(request: MetricsInstantRequest, query: MetricsQuery): Asked {
  const { startNanos, endNanos } = request;
  return { query, range: { ...request, stepNanos: endNanos - startNanos, instant: true, exemplars: 0 } };
}

function ask(environment: RequestEnvironment, kind: MetricsKind, queryString: string): Asked {
  if (kind === 'range') {
    const { request, query } = readMetricsRange(environment, queryString);
    return askedRange(request, query, environment.config.metrics.maxExemplars);
  }
  const { request, query } = readMetricsInstant(environment, queryString);
  return askedInstant(request, query);
}

/** Bytes of a job: the hint `job_size` counts where the tenant may use unsafe hints (spec read-path §5.3). */
function bytesPerJob({ hints }: Query, { unsafeQueryHints }: LimitsConfig, configured: number): number {
  const hint = hints.find(({ name }) => name === 'job_size')?.value;
  return unsafeQueryHints && hint?.kind === 'int' && hint.value > 0n ? Number(hint.value) : configured;
}

function planJobs({ environment }: MetricsEnvironment, { query, range }: Asked, tenants: Tenants, limits: LimitsConfig): MetricsJobs {
  const { config, clock, blocklist } = environment;
  const { queryBackendAfterMs } = config.metrics;
  const targetBytesPerJob = bytesPerJob(query, limits, config.metrics.targetBytesPerJob);
  const lists = isConstantFalse(planMetrics(query).search.spansets) ? [] : tenants.ids.map(blocklist);
  const cutoffNanos = BigInt(Math.floor(clock.nowMs() - queryBackendAfterMs)) * 1_000_000n;
  // As in Tempo, one step more is read of blocks: series that have spans only there are answered, with zeros (recorded answers show it; the specification does not).
  const readRange = range.instant ? range : { ...range, startNanos: range.startNanos - range.stepNanos };
  return shardMetrics(readRange, lists, { cutoffNanos, targetBytesPerJob });
}

/** The jobs over recent data, one for each tenant. */
function recentJobs({ environment }: MetricsEnvironment, { query, range }: Asked, tenants: Tenants): readonly RecentMetrics[] {
  if (environment.recent === undefined || isConstantFalse(planMetrics(query).search.spansets)) return [];
  const cutoffNanos = BigInt(Math.floor(environment.clock.nowMs() - environment.config.metrics.queryBackendAfterMs)) * 1_000_000n;
  const request = recentMetrics(range, cutoffNanos);
  return request === undefined ? [] : tenants.ids.map((tenant) => ({ tenant, request, isRecent: true }));
}

/** A job over recent data. */
interface RecentMetrics {
  readonly tenant: TenantId;
  readonly request: MetricsRange;
  readonly isRecent: true;
}

function* allJobs(recent: readonly RecentMetrics[], plan: MetricsJobs): Generator<MetricsJob | RecentMetrics, void, void> {
  yield* recent;
  yield* plan.jobs();
}

/** A metrics query that can be looked at while its jobs run. */
export interface StartedMetrics {
  /** What the log says of it. */
  readonly log: QueryLog;
  /** Runs all jobs that are needed, once; tells of each answer. Rejects with what the signal says. */
  readonly run: (onAnswer: () => void, signal: AbortSignal) => Promise<JobFailure | undefined>;
  /** Samples of intervals that became complete since the last call; of an instant query everything so far (spec http-api §9.1). */
  readonly changes: () => MetricsBody;
  /** Everything so far. */
  readonly result: () => MetricsBody;
}

function bodyOf({ query, range }: Asked, plan: MetricsJobs, combiner: MetricsCombiner): MetricsBody {
  const { maxSeries, exemplars, instant } = range;
  const grid = metricsGrid(range);
  const { series, partial } = metricsResult(query, combiner.series(), { grid, maxSeries, maxExemplars: exemplars });
  const { totalBlocks, totalJobs, totalBlockBytes } = plan;
  const metrics = {
    inspectedBytes: combiner.inspectedBytes(),
    totalBlocks,
    completedJobs: combiner.completedJobs(),
    totalJobs,
    totalBlockBytes,
    inspectedSpans: combiner.inspectedSpans(),
  };
  const partialMessage = `Response exceeds maximum series limit of ${maxSeries}, a partial response is returned. Warning: the accuracy of each individual value is not guaranteed.`;
  return { grid, instant, series, metrics, ...(partial ? { partialMessage } : {}) };
}

/** The samples and exemplars of some intervals; series without any are left out. */
function onlyIntervals(series: readonly MetricsSeries[], grid: MetricsGrid, wanted: Uint8Array): readonly MetricsSeries[] {
  const firstMs = intervalMs(grid, 0);
  const stepMs = Number(grid.stepNanos) / 1e6;
  const intervalOf = (timeMs: number) => Math.min(grid.count - 1, Math.max(0, Math.ceil((timeMs - firstMs) / stepMs)));
  return series.flatMap((one) => {
    const values = one.values.map((value, i) => (wanted[i] === 1 ? value : Number.NaN));
    if (values.every(Number.isNaN)) return [];
    return [{ ...one, values, exemplars: one.exemplars.filter(({ timeMs }) => wanted[intervalOf(timeMs)] === 1) }];
  });
}

function changesOf(asked: Asked, whole: MetricsBody, intervals: CompleteIntervals): MetricsBody {
  if (whole.instant) return whole;
  const { partialMessage: _, ...body } = whole;
  // Which values compare() shows depends on all intervals, so that none is complete before the last one.
  if (asked.query.metrics.function === 'compare') return { ...body, series: [] };
  return { ...body, series: onlyIntervals(whole.series, whole.grid, intervals.take()) };
}

function logOf(kind: MetricsKind, range: MetricsRange, queryString: string): QueryLog {
  const { startNanos, endNanos, stepNanos } = range;
  // The step that is read before the first sample was not asked for.
  const first = kind === 'range' ? startNanos + stepNanos : startNanos;
  const url = rangeUrl(kind === 'range' ? '/api/metrics/query_range' : '/api/metrics/query', queryString, first, endNanos);
  return metricsLog(kind, { ...range, startNanos: first }, url);
}

/** What a metrics answer took. */
export function metricsCost({ metrics, series, partialMessage }: MetricsBody): QueryCost {
  const { inspectedBytes = 0, totalJobs = 0 } = metrics;
  return { ...metrics, inspectedBytes, totalJobs, series: series.length, partialMessage };
}

/** Reads and plans a metrics query (spec http-api §6, read-path §5). Throws `bad_request` for a bad one. */
export function startMetrics(options: MetricsEnvironment, kind: MetricsKind, queryString: string, tenants: Tenants): StartedMetrics {
  const { environment, runMetricsJob } = options;
  const { config, queue, onRetries } = environment;
  const limits = queryLimits(environment.limits, config, tenants.ids);
  const asked = ask({ ...environment, limits }, kind, queryString);
  const { query, range } = asked;
  const recent = recentJobs(options, asked, tenants);
  const blocks = planJobs(options, asked, tenants, limits);
  const plan = { ...blocks, totalJobs: blocks.totalJobs + recent.length };
  const maxSeries = isSeriesLimited(query) ? range.maxSeries : 0;
  const grid = metricsGrid(range);
  const combiner = createMetricsCombiner({ grid, rule: combineRule(query), maxSeries });
  const intervals = createCompleteIntervals(grid, () => allJobs(recent, plan).map(({ request }) => request));
  const run = (onAnswer: () => void, signal: AbortSignal) =>
    runJobs(
      {
        tenantLabel: tenants.label,
        weight: queryWeight(query, config.weights),
        queue,
        jobs: allJobs(recent, plan),
        concurrency: Math.min(config.metrics.concurrentJobs, plan.totalJobs),
        maxRetries: config.maxRetries,
        run: (job, inner) => ('isRecent' in job ? environment.recent!.metrics(job.tenant, job.request, inner) : runMetricsJob(job, inner)),
        onAnswer: (answer, { request }) => {
          combiner.add(answer);
          intervals.finish(request);
          onAnswer();
          return combiner.full();
        },
        onRetries,
      },
      signal,
    );
  const result = () => bodyOf(asked, plan, combiner);
  return { log: logOf(kind, range, queryString), run, result, changes: () => changesOf(asked, result(), intervals) };
}

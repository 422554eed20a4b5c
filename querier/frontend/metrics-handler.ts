import { encodeMetricsBody } from '#engine/api/metrics-body.ts';
import { createMetricsCombiner, type MetricsCombiner } from '#engine/api/metrics-combiner.ts';
import type { MetricsInstantRequest, MetricsRangeRequest } from '#engine/api/metrics-params.ts';
import { type MetricsRange, metricsGrid } from '#engine/api/metrics-request.ts';
import { combineRule, isSeriesLimited, metricsResult } from '#engine/jobs/metrics-result.ts';
import type { Query } from '#engine/traceql/ast.ts';
import { isConstantFalse } from '#engine/traceql/plan.ts';
import { type MetricsQuery, planMetrics } from '#engine/traceql/plan-metrics.ts';
import type { Handler } from '../server/exchange.ts';
import type { Tenants } from '../server/tenancy.ts';
import type { RunMetricsJob } from '../worker/metrics-job.ts';
import { readMetricsInstant, readMetricsRange } from './metrics-request.ts';
import { type MetricsJobs, shardMetrics } from './metrics-sharder.ts';
import { createQueryHandler, type QueryHandlerOptions, type QueryOutcome } from './query-handler.ts';
import { runJobs } from './run-jobs.ts';
import type { SearchEnvironment } from './search.ts';

/** What {@link createMetricsHandler} needs. */
export interface MetricsHandlerOptions extends QueryHandlerOptions {
  readonly environment: Omit<SearchEnvironment, 'runJob'>;
  readonly runMetricsJob: RunMetricsJob;
}

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

function planJobs({ environment }: MetricsHandlerOptions, { query, range }: Asked, tenants: Tenants): MetricsJobs {
  const { config, clock, blocklist } = environment;
  const { targetBytesPerJob, queryBackendAfterMs } = config.metrics;
  const lists = isConstantFalse(planMetrics(query).search.spansets) ? [] : tenants.ids.map(blocklist);
  const cutoffNanos = BigInt(Math.floor(clock.nowMs() - queryBackendAfterMs)) * 1_000_000n;
  return shardMetrics(range, lists, { cutoffNanos, targetBytesPerJob });
}

function answerOf({ query, range }: Asked, plan: MetricsJobs, combiner: MetricsCombiner): QueryOutcome {
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
  const body = encodeMetricsBody({ grid, instant, series, metrics, ...(partial ? { partialMessage } : {}) });
  const answer = { status: 200, headers: { 'Content-Type': 'application/json' }, body, compressible: true };
  return { kind: 'answered', answer, inspectedBytes: metrics.inspectedBytes, totalJobs };
}

/** Makes the handler of `GET /api/metrics/query_range`, or of `GET /api/metrics/query` (spec http-api §6, read-path §5). Always JSON. */
export function createMetricsHandler(options: MetricsHandlerOptions, kind: 'range' | 'instant'): Handler {
  const { environment, runMetricsJob } = options;
  const { config, queue, onRetries } = environment;
  const ask = (queryString: string): Asked => {
    if (kind === 'range') {
      const { request, query } = readMetricsRange(environment, queryString);
      return askedRange(request, query, config.metrics.maxExemplars);
    }
    const { request, query } = readMetricsInstant(environment, queryString);
    return askedInstant(request, query);
  };
  return createQueryHandler(options, 'metrics', async (request, tenants, signal) => {
    const asked = ask(request.query);
    const { query, range } = asked;
    const plan = planJobs(options, asked, tenants);
    const maxSeries = isSeriesLimited(query) ? range.maxSeries : 0;
    const combiner = createMetricsCombiner({ grid: metricsGrid(range), rule: combineRule(query), maxSeries });
    const failure = await runJobs(
      {
        tenantLabel: tenants.label,
        queue,
        jobs: plan.jobs(),
        concurrency: Math.min(config.metrics.concurrentJobs, plan.totalJobs),
        maxRetries: config.maxRetries,
        run: runMetricsJob,
        onAnswer: (answer) => {
          combiner.add(answer);
          return combiner.full();
        },
        onRetries,
      },
      signal,
    );
    return failure === undefined ? answerOf(asked, plan, combiner) : { kind: 'jobFailed', ...failure };
  });
}

import type { JobEnvironment } from '#engine/jobs/environment.ts';
import { queryRangeBlock } from '#engine/jobs/query-range-block.ts';
import type { Config } from './config/config.ts';
import { createMetricsHandler, type MetricsHandlerOptions } from './frontend/metrics-handler.ts';
import type { Lookups } from './lookups.ts';
import type { Metrics } from './telemetry/metrics.ts';
import { jobResult, type RecentJobs } from './telemetry/recent-jobs.ts';
import { createMetricsJobHandler } from './worker/metrics-handler.ts';
import { createMetricsExecutor, type RunMetricsJob } from './worker/metrics-job.ts';

/** What {@link createMetricsQueries} needs of the process. */
export interface MetricsQueriesOptions extends Omit<MetricsHandlerOptions, 'runMetricsJob'> {
  readonly config: Config;
  readonly jobs: JobEnvironment;
  /** Why this process runs no jobs, if it does not. */
  readonly cannotRun: (() => Promise<never>) | undefined;
  readonly metrics: Metrics;
  readonly recentJobs: RecentJobs;
}

function metricsExecutor({ config, environment, jobs, metrics, recentJobs }: MetricsQueriesOptions): RunMetricsJob {
  return createMetricsExecutor({
    queryRange: ({ tenant, request }, signal) => queryRangeBlock(jobs, tenant, request, signal),
    queryTimeoutMs: config.querier.queryTimeoutMs,
    clock: environment.clock,
    onJob: (report) => {
      metrics.jobsExecuted.inc();
      metrics.jobs.inc({ where: 'self', result: jobResult(report.errorCode) });
      recentJobs.add(report);
    },
  });
}

/** TraceQL metrics: range and instant queries, and their jobs. */
export function createMetricsQueries(options: MetricsQueriesOptions): Lookups & { readonly runMetricsJob: RunMetricsJob } {
  const runMetricsJob: RunMetricsJob = options.cannotRun ?? metricsExecutor(options);
  const { queue } = options.environment;
  const { multitenancyEnabled } = options;
  return {
    runMetricsJob,
    served: {
      '/api/metrics/query_range': createMetricsHandler({ ...options, runMetricsJob }, 'range'),
      '/api/metrics/query': createMetricsHandler({ ...options, runMetricsJob }, 'instant'),
    },
    servedJobs: { '/api/metrics/query_range': createMetricsJobHandler({ runMetricsJob, queue, multitenancyEnabled }) },
  };
}

import { createMetricsHandler, type MetricsHandlerOptions } from './frontend/metrics-handler.ts';
import type { Lookups } from './lookups.ts';
import { createMetricsJobHandler } from './worker/metrics-handler.ts';

/** TraceQL metrics: range and instant queries, and their jobs. */
export function createMetricsQueries(options: MetricsHandlerOptions): Lookups {
  const { runMetricsJob } = options;
  const { queue } = options.environment;
  const { multitenancyEnabled } = options;
  return {
    served: {
      '/api/metrics/query_range': createMetricsHandler({ ...options, runMetricsJob }, 'range'),
      '/api/metrics/query': createMetricsHandler({ ...options, runMetricsJob }, 'instant'),
    },
    servedJobs: { '/api/metrics/query_range': createMetricsJobHandler({ runMetricsJob, queue, multitenancyEnabled }) },
  };
}

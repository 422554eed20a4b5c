import type { TraceBlockRequest } from '#engine/api/trace-block-params.ts';
import type { JobEnvironment } from '#engine/jobs/environment.ts';
import { lookUpInBlock } from '#engine/jobs/wire-trace.ts';
import type { Config } from './config/config.ts';
import { withDeadline } from './deadline.ts';
import type { QueryHandlerOptions } from './frontend/query-handler.ts';
import { createTagNamesHandler, createTagValuesHandler, type TagsHandlerOptions } from './frontend/tags-handler.ts';
import { createTraceHandler } from './frontend/trace-handler.ts';
import type { Handler } from './server/exchange.ts';
import type { Metrics } from './telemetry/metrics.ts';
import type { Runners } from './worker/runners.ts';
import { createTagNamesJobHandler, createTagValuesJobHandler } from './worker/tags-handler.ts';
import { createTraceJobHandler } from './worker/trace-handler.ts';
import type { TraceJob } from './worker/trace-job.ts';

/** What {@link createLookups} needs of the process. */
export interface LookupOptions extends QueryHandlerOptions {
  readonly config: Config;
  readonly environment: TagsHandlerOptions['environment'];
  readonly jobs: JobEnvironment;
  readonly runners: Runners;
  readonly metrics: Metrics;
}

/** Handlers by path, of the frontend and of jobs. */
export interface Lookups {
  readonly served: Readonly<Record<string, Handler>>;
  readonly servedJobs: Readonly<Record<string, Handler>>;
}

/** Everything that reads blocks beside search and metrics: traces by id, names and values of tags. */
export function createLookups(options: LookupOptions): Lookups {
  const { config, environment, multitenancyEnabled } = options;
  const { trace: runTraceJob, tags: runTags } = options.runners;
  const { queue } = environment;
  const tags = { ...options, runTags };
  const tagJobs = { environment, runTags, queue, multitenancyEnabled };
  const traceJobs = {
    runTraceJob,
    lookUpInBlock: (job: TraceJob, request: TraceBlockRequest, signal: AbortSignal) =>
      withDeadline(environment.clock, config.querier.traceByIdTimeoutMs, signal, (inner) =>
        lookUpInBlock(options.jobs, job, request, inner),
      ),
    queue,
    limits: environment.limits,
    multitenancyEnabled,
  };
  return {
    served: {
      '/api/traces/{traceID}': createTraceHandler({ ...options, runTraceJob }, 1),
      '/api/v2/traces/{traceID}': createTraceHandler({ ...options, runTraceJob }, 2),
      '/api/search/tags': createTagNamesHandler(tags, 1),
      '/api/v2/search/tags': createTagNamesHandler(tags, 2),
      '/api/search/tag/{tagName}/values': createTagValuesHandler(tags, 1),
      '/api/v2/search/tag/{tagName}/values': createTagValuesHandler(tags, 2),
    },
    servedJobs: {
      '/api/traces/{traceID}': createTraceJobHandler({ ...traceJobs, version: 1 }),
      '/api/v2/traces/{traceID}': createTraceJobHandler({ ...traceJobs, version: 2 }),
      '/api/search/tags': createTagNamesJobHandler(tagJobs, 1),
      '/api/v2/search/tags': createTagNamesJobHandler(tagJobs, 2),
      '/api/search/tag/{tagName}/values': createTagValuesJobHandler(tagJobs, 1),
      '/api/v2/search/tag/{tagName}/values': createTagValuesJobHandler(tagJobs, 2),
    },
  };
}

import type { Poller } from '#engine/blocklist/poller.ts';
import type { JobEnvironment } from '#engine/jobs/environment.ts';
import { findTraceInBlock } from '#engine/jobs/find-trace-block.ts';
import type { Config } from './config/config.ts';
import type { QueryHandlerOptions } from './frontend/query-handler.ts';
import { createTraceHandler, type TraceHandlerOptions } from './frontend/trace-handler.ts';
import type { Handler } from './server/exchange.ts';
import type { Metrics } from './telemetry/metrics.ts';
import { createTraceJobHandler } from './worker/trace-handler.ts';
import { createTraceExecutor, type RunTraceJob } from './worker/trace-job.ts';

/** What {@link createLookups} needs of the process. */
export interface LookupOptions extends QueryHandlerOptions {
  readonly config: Config;
  readonly environment: TraceHandlerOptions['environment'];
  readonly jobs: JobEnvironment;
  readonly blocks: Poller;
  /** Why this process runs no jobs, if it does not. */
  readonly cannotRun: (() => Promise<never>) | undefined;
  readonly metrics: Metrics;
}

/** Handlers by path, of the frontend and of jobs. */
export interface Lookups {
  readonly served: Readonly<Record<string, Handler>>;
  readonly servedJobs: Readonly<Record<string, Handler>>;
}

/** Blocks that one lookup reads at once. */
const blocksAtOnce = 16;

function traceExecutor({ config, environment, jobs, blocks, metrics }: LookupOptions): RunTraceJob {
  return createTraceExecutor({
    blocklist: blocks.blocklist,
    findTrace: (tenant, block, traceId, signal) => findTraceInBlock(jobs, tenant, block, traceId, signal),
    maxBytesPerTrace: config.limits.maxBytesPerTrace,
    queryTimeoutMs: config.querier.traceByIdTimeoutMs,
    concurrency: blocksAtOnce,
    blocklistPollMs: config.blocklist.pollMs,
    clock: environment.clock,
    onJob: (failed) => {
      metrics.jobsExecuted.inc();
      metrics.jobs.inc({ where: 'self', result: failed ? 'failed' : 'ok' });
    },
  });
}

/** Everything that reads blocks beside search and metrics: traces by id. */
export function createLookups(options: LookupOptions): Lookups {
  const { config, environment, multitenancyEnabled } = options;
  const runTraceJob: RunTraceJob = options.cannotRun ?? traceExecutor(options);
  const traceJobs = {
    runTraceJob,
    queue: environment.queue,
    maxBytesPerTrace: config.limits.maxBytesPerTrace,
    multitenancyEnabled,
  };
  return {
    served: {
      '/api/traces/{traceID}': createTraceHandler({ ...options, runTraceJob }, 1),
      '/api/v2/traces/{traceID}': createTraceHandler({ ...options, runTraceJob }, 2),
    },
    servedJobs: {
      '/api/traces/{traceID}': createTraceJobHandler({ ...traceJobs, version: 1 }),
      '/api/v2/traces/{traceID}': createTraceJobHandler({ ...traceJobs, version: 2 }),
    },
  };
}

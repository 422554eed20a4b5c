import type { TraceBlockRequest } from '#engine/api/trace-block-params.ts';
import { type ErrorCode, toAppError } from '#engine/base/errors.ts';
import type { Poller } from '#engine/blocklist/poller.ts';
import type { JobEnvironment } from '#engine/jobs/environment.ts';
import { findTraceInBlock } from '#engine/jobs/find-trace-block.ts';
import { tagNamesInBlock } from '#engine/jobs/tag-names-block.ts';
import { tagValuesInBlock } from '#engine/jobs/tag-values-block.ts';
import { lookUpInBlock } from '#engine/jobs/wire-trace.ts';
import type { Config } from './config/config.ts';
import { withDeadline } from './deadline.ts';
import type { QueryHandlerOptions } from './frontend/query-handler.ts';
import { createTagNamesHandler, createTagValuesHandler, type TagsHandlerOptions } from './frontend/tags-handler.ts';
import { createTraceHandler } from './frontend/trace-handler.ts';
import type { Handler } from './server/exchange.ts';
import type { Metrics } from './telemetry/metrics.ts';
import { jobResult } from './telemetry/recent-jobs.ts';
import { createTagNamesJobHandler, createTagValuesJobHandler } from './worker/tags-handler.ts';
import type { TagsRunner } from './worker/tags-job.ts';
import { createTraceJobHandler } from './worker/trace-handler.ts';
import { createTraceExecutor, type RunTraceJob, type TraceJob } from './worker/trace-job.ts';

/** What {@link createLookups} needs of the process. */
export interface LookupOptions extends QueryHandlerOptions {
  readonly config: Config;
  readonly environment: TagsHandlerOptions['environment'];
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
    limits: environment.limits,
    queryTimeoutMs: config.querier.traceByIdTimeoutMs,
    concurrency: blocksAtOnce,
    blocklistPollMs: config.blocklist.pollMs,
    clock: environment.clock,
    onJob: (failed) => countJob(metrics, failed ? 'internal' : undefined),
  });
}

function countJob(metrics: Metrics, error: ErrorCode | undefined): void {
  metrics.jobsExecuted.inc();
  metrics.jobs.inc({ where: 'self', result: jobResult(error) });
}

/** Runs tag jobs in this process, each with the time that searches have. */
function tagsRunner({ config, environment, jobs, metrics }: LookupOptions): TagsRunner {
  const limited = async <Answer>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<Answer>): Promise<Answer> => {
    try {
      const answer = await withDeadline(environment.clock, config.querier.queryTimeoutMs, signal, work);
      countJob(metrics, undefined);
      return answer;
    } catch (thrown) {
      countJob(metrics, toAppError(thrown).code);
      throw thrown;
    }
  };
  return {
    names: (tenant, job, signal) => limited(signal, (inner) => tagNamesInBlock(jobs, tenant, job, inner)),
    values: (tenant, job, signal) => limited(signal, (inner) => tagValuesInBlock(jobs, tenant, job, inner)),
  };
}

/** Everything that reads blocks beside search and metrics: traces by id, names and values of tags. */
export function createLookups(options: LookupOptions): Lookups & { readonly runTags: TagsRunner } {
  const { config, environment, multitenancyEnabled } = options;
  const runTraceJob: RunTraceJob = options.cannotRun ?? traceExecutor(options);
  const { queue } = environment;
  const runTags: TagsRunner =
    options.cannotRun === undefined ? tagsRunner(options) : { names: options.cannotRun, values: options.cannotRun };
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
    runTags,
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

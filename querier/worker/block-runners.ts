import type { JobEnvironment } from '#engine/jobs/environment.ts';
import { findTraceInBlock } from '#engine/jobs/find-trace-block.ts';
import { queryRangeBlock } from '#engine/jobs/query-range-block.ts';
import { tagNamesInBlock } from '#engine/jobs/tag-names-block.ts';
import { tagValuesInBlock } from '#engine/jobs/tag-values-block.ts';
import type { BlockRunners } from './execute.ts';
import type { RunJob } from './job.ts';

/** Runs jobs of every kind over one block in this process. */
export function createBlockRunners(jobs: JobEnvironment, search: RunJob): BlockRunners {
  return {
    search,
    metrics: ({ tenant, request }, signal) => queryRangeBlock(jobs, tenant, request, signal),
    tags: {
      names: (tenant, job, signal) => tagNamesInBlock(jobs, tenant, job, signal),
      values: (tenant, job, signal) => tagValuesInBlock(jobs, tenant, job, signal),
    },
    findTrace: (tenant, block, traceId, signal) => findTraceInBlock(jobs, tenant, block, traceId, signal),
  };
}

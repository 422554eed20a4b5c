import { createLocalBackend } from '#engine/backend/local.ts';
import { systemClock } from '#engine/base/clock.ts';
import type { TenantBlocklist } from '#engine/blocklist/list.ts';
import { createPoller, type Poller } from '#engine/blocklist/poller.ts';
import { defaultPollSettings } from '#engine/blocklist/settings.ts';
import { createJobEnvironment } from '#engine/jobs/environment.ts';
import { findTraceInBlock } from '#engine/jobs/find-trace-block.ts';
import { queryRangeBlock } from '#engine/jobs/query-range-block.ts';
import { searchBlock } from '#engine/jobs/search-block.ts';
import { tagNamesInBlock } from '#engine/jobs/tag-names-block.ts';
import { tagValuesInBlock } from '#engine/jobs/tag-values-block.ts';
import { typedLimits } from '../../../querier/config/limits.ts';
import type { Runners } from '../../../querier/worker/runners.ts';
import { createTraceExecutor } from '../../../querier/worker/trace-job.ts';

/** Runners over a folder of blocks in this process, and its block lists. */
export interface LocalRunners {
  readonly runners: Runners;
  readonly blocklist: (tenant: Parameters<Poller['blocklist']>[0]) => TenantBlocklist;
  readonly tenants: () => readonly string[];
}

/** Reads the block lists of the folder and makes runners without time-outs or reports. */
export async function createLocalRunners(path: string): Promise<LocalRunners> {
  const backend = await createLocalBackend({ path, monotonicMs: systemClock.monotonicMs });
  const poller = createPoller({ backend, settings: defaultPollSettings, clock: systemClock, random: () => 0, onEvent: () => {} });
  await poller.pollOnce(new AbortController().signal);
  const jobs = createJobEnvironment({ backend, maxMemoryBytes: 1 << 28, cacheBytes: 64 << 20 });
  const trace = createTraceExecutor({
    blocklist: poller.blocklist,
    findTrace: (tenant, block, traceId, signal) => findTraceInBlock(jobs, tenant, block, traceId, signal),
    limits: () => typedLimits(new Map(), ''),
    queryTimeoutMs: 0,
    concurrency: 4,
    blocklistPollMs: 1e12,
    clock: systemClock,
    onJob: () => {},
  });
  return {
    runners: {
      search: ({ tenant, request, format }, signal) => searchBlock(jobs, tenant, request, format, signal),
      metrics: ({ tenant, request }, signal) => queryRangeBlock(jobs, tenant, request, signal),
      tags: {
        names: (tenant, job, signal) => tagNamesInBlock(jobs, tenant, job, signal),
        values: (tenant, job, signal) => tagValuesInBlock(jobs, tenant, job, signal),
      },
      trace,
    },
    blocklist: poller.blocklist,
    tenants: () => [...poller.tenants()].map(([tenant]) => tenant),
  };
}

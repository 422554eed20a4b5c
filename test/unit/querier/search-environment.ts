import type { SearchAnswer } from '#engine/api/search-answer.ts';
import { systemClock } from '#engine/base/clock.ts';
import { tenantId } from '#engine/base/units.ts';
import type { TenantBlocklist } from '#engine/blocklist/list.ts';
import type { Config } from '../../../querier/config/config.ts';
import { typedConfig } from '../../../querier/config/config.ts';
import { defaultValues } from '../../../querier/config/load.ts';
import type { ConfigValue } from '../../../querier/config/schema/key.ts';
import { createJobQueue } from '../../../querier/frontend/queue.ts';
import type { SearchEnvironment } from '../../../querier/frontend/search.ts';
import type { Job } from '../../../querier/worker/job.ts';
import { block, list, shop } from './blocks.ts';

/** Answers a job; `call` counts from 0. */
export type Run = (job: Job, signal: AbortSignal, call: number) => Promise<SearchAnswer>;

/** The defaults without limits of time, with changes. */
export function config(...values: readonly (readonly [string, ConfigValue])[]): Config {
  const zero = ['query_frontend.query_end_cutoff', 'query_frontend.search.query_backend_after', 'query_frontend.search.max_duration'];
  return typedConfig(new Map([...defaultValues(), ...zero.map((path) => [path, 0] as const), ...values]));
}

/** A search's surroundings over blocks, and what was asked of them. */
export function environment(run: Run, blocks: TenantBlocklist, settings: Config = config()) {
  const seen: { job: Job; signal: AbortSignal }[] = [];
  const retries: number[] = [];
  let running = 0;
  const peak = { running: 0 };
  const created: SearchEnvironment = {
    config: settings.queryFrontend,
    limits: () => settings.limits,
    clock: systemClock,
    blocklist: (tenant) => (tenant === shop ? blocks : list(block(90, { tenant, endSeconds: 1100 }))),
    queue: createJobQueue({
      concurrency: 100,
      maxOutstandingPerTenant: 1000,
      monotonicMs: () => 0,
      onLength: () => {},
      onRefused: () => {},
      onWaited: () => {},
    }),
    runJob: async (job, signal) => {
      seen.push({ job, signal });
      peak.running = Math.max(peak.running, ++running);
      try {
        return await run(job, signal, seen.length - 1);
      } finally {
        running--;
      }
    },
    onRetries: (count) => retries.push(count),
  };
  return { created, seen, retries, peak };
}

/** A search of the shop, or of tenants. */
export function call(query: string, ...tenants: readonly string[]) {
  const ids = tenants.length === 0 ? [shop] : tenants.map(tenantId);
  return { tenantLabel: 'label', tenants: ids, query: `start=1000&end=3000&${query}`, format: 'json' as const };
}

/** Matches every span. */
export const matchAll = 'q=%7B%7D';
/** Is never aborted. */
export const live = new AbortController().signal;
/** So many blocks, newest first, each older than the one before. */
export const blocks = (count: number) => list(...Array.from({ length: count }, (_, index) => block(index, { endSeconds: 2900 - index })));
/** Rejects when aborted and never answers otherwise. */
export const hang: Run = (_job, signal) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

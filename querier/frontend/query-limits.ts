import type { TenantId } from '#engine/base/units.ts';
import type { QueryFrontendConfig } from '../config/config.ts';
import type { LimitsConfig, LimitsOf } from '../config/limits.ts';

/** The smallest of limits of which 0 is none. */
function smallest(limits: readonly number[]): number {
  const set = limits.filter((limit) => limit > 0);
  return set.length === 0 ? 0 : Math.min(...set);
}

/**
 * The limits of a query. Of several tenants the joined id counts, which has the defaults unless the file names it (spec http-api §2.1); the time range must be
 * allowed to each of them. Their jobs have the limits of their own tenant.
 */
export function queryLimits(limits: LimitsOf, config: QueryFrontendConfig, tenants: readonly TenantId[]): LimitsConfig {
  const joined = limits(tenants.join('|'));
  if (tenants.length < 2) return joined;
  const each = tenants.map(limits);
  return {
    ...joined,
    maxSearchDurationMs: smallest(each.map(({ maxSearchDurationMs }) => maxSearchDurationMs || config.search.maxDurationMs)),
    maxMetricsDurationMs: smallest(each.map(({ maxMetricsDurationMs }) => maxMetricsDurationMs || config.metrics.maxDurationMs)),
  };
}

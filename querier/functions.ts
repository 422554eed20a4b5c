import type { VersionProbe } from '#engine/api/function-version.ts';
import type { Poller } from '#engine/blocklist/poller.ts';
import type { Config } from './config/config.ts';
import type { FunctionsConfig } from './config/pools.ts';
import { type OpenPools, type OpenPoolsOptions, openPools } from './external/pools.ts';
import type { Logger } from './telemetry/log.ts';
import type { Metrics } from './telemetry/metrics.ts';

/** Opens the configured functions; what there is to say of them goes into metrics and log. Rejects with `config`. */
export function openFunctions(
  options: Omit<OpenPoolsOptions, 'onRoundTrip' | 'onComplaint'> & { readonly metrics: Metrics; readonly logger: Logger },
): Promise<OpenPools> {
  const { metrics, logger } = options;
  return openPools({
    ...options,
    onRoundTrip: (endpoint, durationMs) => metrics.externalDuration.observe({ endpoint }, durationMs / 1000),
    onComplaint: (endpoint, complaint) => logger.warn('external endpoint', { endpoint, complaint }),
  });
}

/** The functions of a process: a query-frontend of its own runs no jobs, so it calls none. */
export function functionsOf({ target, functions }: Pick<Config, 'target' | 'functions'>): FunctionsConfig {
  return target === 'query-frontend' ? { ...functions, pools: [] } : functions;
}

/** A block that functions should be able to read: the newest of some tenant. */
export function blockToProbe(blocks: Pick<Poller, 'tenants'>): VersionProbe | undefined {
  for (const { metas } of blocks.tenants().values()) {
    const meta = metas.find(({ sizeBytes }) => sizeBytes > 0);
    if (meta !== undefined) return { tenant: meta.tenant, blockId: meta.blockId, sizeBytes: meta.sizeBytes };
  }
  return undefined;
}

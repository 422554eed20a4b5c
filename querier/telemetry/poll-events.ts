import type { PollEvent } from '#engine/blocklist/events.ts';
import type { TenantBlocklist } from '#engine/blocklist/list.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';

/** Makes metrics and log lines of what the poller tells (spec read-path §1.5, metrics §4). */
export function createPollListener(metrics: Metrics, logger: Logger): (event: PollEvent) => void {
  let writeFailures = 0;
  return (event) => {
    switch (event.kind) {
      case 'folder_ignored':
        logger.warn('folder of the bucket is no tenant', { folder: event.name, err: event.problem });
        break;
      case 'index_failed':
        if (event.error.code === 'not_found') logger.debug('no tenant index', { tenant: event.tenant });
        else {
          metrics.tenantIndexErrors.inc({ tenant: event.tenant });
          logger.error('failed to read the tenant index', { tenant: event.tenant, err: event.error.message });
        }
        if (event.indexAgeMs === undefined) metrics.tenantIndexAge.remove({ tenant: event.tenant });
        else metrics.tenantIndexAge.set({ tenant: event.tenant }, event.indexAgeMs / 1000);
        break;
      case 'index_written':
        metrics.tenantIndexAge.set({ tenant: event.tenant }, 0);
        break;
      case 'index_write_failed':
        metrics.tenantIndexErrors.inc({ tenant: event.tenant });
        // A bucket that may not be written to fails for all tenants: one line a poll says so.
        logger[writeFailures++ === 0 ? 'error' : 'debug']('failed to write the tenant index', {
          tenant: event.tenant,
          err: event.error.message,
        });
        break;
      case 'meta_skipped':
        logger.error('block left out: its meta cannot be read', { tenant: event.tenant, block: event.block, err: event.error.message });
        break;
      case 'tenant_failed':
        metrics.blocklistPollErrors.inc({ tenant: event.tenant });
        logger.error('failed to poll tenant', { tenant: event.tenant, retry: event.willRetry, err: event.error.message });
        break;
      case 'tenant_polled':
        metrics.blocklistLength.set({ tenant: event.tenant }, event.liveBlocks);
        metrics.tenantIndexBuilder.set({ tenant: event.tenant }, event.builder ? 1 : 0);
        if (event.indexAgeMs !== undefined) metrics.tenantIndexAge.set({ tenant: event.tenant }, event.indexAgeMs / 1000);
        break;
      case 'tenant_removed':
        removeTenant(metrics, event.tenant);
        break;
      case 'poll_finished':
        writeFailures = 0;
        metrics.blocklistPollDuration.observe(event.durationMs / 1000);
        if (event.error === undefined) logger.info('blocklist poll complete', { seconds: event.durationMs / 1000, tenants: event.tenants });
        else logger.error('failed to poll blocklist', { err: event.error.message });
        break;
    }
  };
}

function removeTenant(metrics: Metrics, tenant: string): void {
  metrics.blocklistLength.remove({ tenant });
  metrics.tenantIndexBuilder.remove({ tenant });
  metrics.tenantIndexAge.remove({ tenant });
  for (const status of ['live', 'compacted']) {
    metrics.backendObjects.remove({ tenant, status });
    metrics.backendBytes.remove({ tenant, status });
  }
}

/** Sums of a tenant's blocks, set after each poll. */
export function measureBlocklist(metrics: Metrics, tenant: string, list: TenantBlocklist): void {
  const lists = { live: list.metas, compacted: list.compacted.map(({ meta }) => meta) };
  for (const [status, metas] of Object.entries(lists)) {
    let objects = 0;
    let bytes = 0;
    for (const { totalTraces, sizeBytes } of metas) {
      objects += totalTraces;
      bytes += sizeBytes;
    }
    metrics.backendObjects.set({ tenant, status }, objects);
    metrics.backendBytes.set({ tenant, status }, bytes);
  }
}

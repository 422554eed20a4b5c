import { Counter } from 'prom-client';
import { wireStatuses } from '#engine/api/status.ts';
import type { OnStorageEvent } from '#engine/backend/storage-events.ts';
import { createCacheMetrics } from './cache-metrics.ts';
import type { Metrics } from './metrics.ts';

/** Registers the metrics of requests to the storage and to caches (spec metrics §4); returns what keeps them. */
export function createStorageMetrics({ registry, backendDuration }: Pick<Metrics, 'registry' | 'backendDuration'>): OnStorageEvent {
  const hedged = new Counter({
    name: 'tempodb_backend_hedged_roundtrips_total',
    help: 'Requests to the object storage beyond the first one for the same read.',
    registers: [registry],
  });
  const onCacheEvent = createCacheMetrics(registry);
  return (event) => {
    switch (event.kind) {
      case 'request': {
        const status_code = event.errorCode === undefined ? '200' : String(wireStatuses[event.errorCode].http);
        backendDuration.observe({ operation: event.verb, status_code }, event.durationMs / 1000);
        return;
      }
      case 'hedge':
        hedged.inc();
        return;
      default:
        onCacheEvent(event);
    }
  };
}

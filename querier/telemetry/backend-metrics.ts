import type { Counter, Gauge, Histogram } from 'prom-client';
import { defaultBuckets, exponentialBuckets, type Register } from './register.ts';

/** The object store and the list of blocks (spec metrics §4). Durations are observed in seconds. */
export interface BackendMetrics {
  readonly backendDuration: Histogram<'operation' | 'status_code'>;
  readonly blocklistLength: Gauge<'tenant'>;
  readonly blocklistPollDuration: Histogram;
  readonly blocklistPollErrors: Counter<'tenant'>;
  readonly tenantIndexErrors: Counter<'tenant'>;
  readonly tenantIndexBuilder: Gauge<'tenant'>;
  readonly tenantIndexAge: Gauge<'tenant'>;
  readonly backendObjects: Gauge<'tenant' | 'status'>;
  readonly backendBytes: Gauge<'tenant' | 'status'>;
}

/** Registers {@link BackendMetrics}. */
export function backendMetrics({ counter, gauge, histogram }: Register): BackendMetrics {
  return {
    backendDuration: histogram(
      'tempodb_backend_request_duration_seconds',
      'Object storage requests.',
      exponentialBuckets(0.005, 4, 6),
      'operation',
      'status_code',
    ),
    blocklistLength: gauge('tempodb_blocklist_length', 'Live blocks.', 'tenant'),
    blocklistPollDuration: histogram('tempodb_blocklist_poll_duration_seconds', 'Duration of a poll.', defaultBuckets),
    blocklistPollErrors: counter('tempodb_blocklist_poll_errors_total', 'Failed polls.', 'tenant'),
    tenantIndexErrors: counter(
      'tempodb_blocklist_tenant_index_errors_total',
      'Tenant indexes that could not be read or written.',
      'tenant',
    ),
    tenantIndexBuilder: gauge('tempodb_blocklist_tenant_index_builder', 'Whether this process builds the tenant index.', 'tenant'),
    tenantIndexAge: gauge('tempodb_blocklist_tenant_index_age_seconds', 'Age of the tenant index.', 'tenant'),
    backendObjects: gauge('tempodb_backend_objects_total', 'Objects (traces) in blocks.', 'tenant', 'status'),
    backendBytes: gauge('tempodb_backend_bytes_total', 'Bytes in blocks.', 'tenant', 'status'),
  };
}

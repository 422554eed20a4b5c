import { acceptedKeys, ignoredSections, section } from './key.ts';

/** Top-level keys (spec config §2), of both major versions. */
export const topKeys = [
  ...section('', [
    ['target', 'string', 'all', 'used', 'What this process runs: `all`, `query-frontend` or `querier`.'],
    ['multitenancy_enabled', 'bool', false, 'used', 'Requests name their tenant in `X-Scope-OrgID`.'],
    ['auth_enabled', 'bool', false, 'used', 'Older name of `multitenancy_enabled`: either turns it on.'],
    ['http_api_prefix', 'string', '', 'used', 'Stands before `/api/…`.'],
    ['stream_over_http_enabled', 'bool', false, 'used', 'gRPC on the HTTP port, for streamed answers.'],
    ['shutdown_delay', 'duration', '0s', 'used', '`/ready` answers 503 for so long before the process stops.'],
    ['enable_go_runtime_metrics', 'bool', false, 'accepted', 'There is no Go runtime.'],
    ['span_profiling', 'bool', false, 'accepted'],
    ['memory.automemlimit_enabled', 'bool', false, 'accepted', 'A setting of the Go runtime.'],
    ['memory.automemlimit_ratio', 'float', 0.8, 'accepted', 'A setting of the Go runtime.'],
    ['use_otel_tracer', 'bool', undefined, 'removed', 'Traces of this process: see docs/telemetry.md.'],
    ['search_enabled', 'bool', undefined, 'removed', 'Always on.'],
    ['metrics_generator_enabled', 'bool', undefined, 'removed'],
    ['autocomplete_filtering_enabled', 'bool', undefined, 'removed', 'Always on.'],
    ['memberlist', 'any', undefined, 'accepted', 'There is no ring.'],
    ['cache', 'any', undefined, 'used', 'See docs/caching.md.'],
    ['usage_report.reporting_enabled', 'bool', true, 'accepted', 'Nothing is ever reported.'],
    ['usage_report.backoff', 'any', undefined, 'accepted'],
  ]),
  ...acceptedKeys('', 'any', 'metrics_generator_client live_store_client backend_scheduler_client ingester_client', 'Write path.'),
  ...ignoredSections(
    '',
    'distributor metrics_generator ingest block_builder live_store backend_scheduler backend_worker ingester compactor partition_ring_live_store',
  ),
] as const;

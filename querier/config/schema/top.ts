import { acceptedKeys, ignoredSections, section } from './key.ts';

/** Top-level keys (spec config §2), of both major versions. */
export const topKeys = [
  ...section('', [
    ['target', 'string', 'all'],
    ['multitenancy_enabled', 'bool', false],
    ['auth_enabled', 'bool', false],
    ['http_api_prefix', 'string', ''],
    ['stream_over_http_enabled', 'bool', false],
    ['shutdown_delay', 'duration', '0s'],
    ['enable_go_runtime_metrics', 'bool', false, 'accepted'],
    ['span_profiling', 'bool', false, 'accepted'],
    ['memory.automemlimit_enabled', 'bool', false, 'accepted'],
    ['memory.automemlimit_ratio', 'float', 0.8, 'accepted'],
    ['use_otel_tracer', 'bool', undefined, 'removed'],
    ['search_enabled', 'bool', undefined, 'removed'],
    ['metrics_generator_enabled', 'bool', undefined, 'removed'],
    ['memberlist', 'any', undefined, 'accepted'],
    ['cache', 'any', undefined, 'accepted'],
    ['usage_report.reporting_enabled', 'bool', true, 'accepted'],
    ['usage_report.backoff', 'any', undefined, 'accepted'],
  ]),
  ...acceptedKeys('', 'any', 'metrics_generator_client live_store_client backend_scheduler_client ingester_client'),
  ...ignoredSections(
    '',
    'distributor metrics_generator ingest block_builder live_store backend_scheduler backend_worker ingester compactor',
  ),
] as const;

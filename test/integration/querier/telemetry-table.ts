const second = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const powers = (start: number, factor: number, count: number) => Array.from({ length: count }, (_, i) => start * factor ** i);
const memcache = powers(0.000016, 4, 8);

/** A metric as Tempo 3.0.3 has it. */
export interface ExpectedMetric {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly buckets?: readonly number[];
  /** Whether the traffic of the test must show it; what is not there then must at least not be there otherwise. */
  readonly when: 'always' | 'if used';
}

type Row = readonly [name: string, type: ExpectedMetric['type'], labels: string, when: ExpectedMetric['when'], buckets?: readonly number[]];

const rows: readonly Row[] = [
  [
    'tempo_request_duration_seconds',
    'histogram',
    'method route status_code ws',
    'always',
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2.5, 5, 10, 25, 50, 100],
  ],
  ['tempo_request_message_bytes', 'histogram', 'method route', 'always', powers(4, 4, 15)],
  ['tempo_response_message_bytes', 'histogram', 'method route', 'always', powers(4, 4, 15)],
  ['tempo_inflight_requests', 'gauge', 'method route', 'always'],
  ['tempo_tcp_connections', 'gauge', 'protocol', 'always'],
  ['tempo_tcp_connections_limit', 'gauge', 'protocol', 'always'],
  ['tempo_grpc_concurrent_streams_limit', 'gauge', '', 'always'],
  ['tempo_build_info', 'gauge', 'branch goarch goos goversion revision tags version', 'always'],
  ['tempo_query_frontend_queries_total', 'counter', 'op result tenant', 'always'],
  ['tempo_query_frontend_queries_within_slo_total', 'counter', 'op result tenant', 'always'],
  ['tempo_query_frontend_bytes_processed_per_second', 'counter', 'op tenant', 'always'],
  ['tempo_query_frontend_bytes_inspected_total', 'counter', 'op tenant', 'always'],
  ['tempo_query_frontend_jobs_per_query', 'histogram', 'op', 'always', powers(1, 10, 7)],
  ['tempo_query_frontend_queue_length', 'gauge', 'user', 'if used'],
  ['tempo_query_frontend_discarded_requests_total', 'counter', 'user', 'if used'],
  ['tempo_query_frontend_queue_duration_seconds', 'histogram', '', 'always', second],
  ['tempo_query_frontend_actual_batch_size', 'histogram', '', 'if used', [1, 2.4, 3.8, 5.2, 6.6]],
  ['tempo_query_frontend_batch_weight', 'histogram', 'user', 'if used', [1, 2, 3, 4, 5, 6, 7]],
  ['tempo_query_frontend_connected_clients', 'gauge', '', 'if used'],
  ['tempo_query_frontend_retries', 'histogram', '', 'always', [0, 1, 2, 3, 4, 5]],
  ['tempo_querier_worker_request_executed_total', 'counter', '', 'always'],
  ['tempo_querier_livestore_clients', 'gauge', '', 'if used'],
  ['tempo_querier_ingester_clients', 'gauge', '', 'if used'],
  ['tempo_querier_external_endpoint_duration_seconds', 'histogram', 'endpoint', 'always', second],
  ['tempo_querier_external_endpoint_hedged_roundtrips_total', 'counter', '', 'always'],
  ['tempodb_backend_request_duration_seconds', 'histogram', 'operation status_code', 'always', powers(0.005, 4, 6)],
  ['tempodb_backend_hedged_roundtrips_total', 'counter', '', 'always'],
  ['tempodb_blocklist_length', 'gauge', 'tenant', 'always'],
  ['tempodb_blocklist_poll_duration_seconds', 'histogram', '', 'always', second],
  ['tempodb_blocklist_poll_errors_total', 'counter', 'tenant', 'if used'],
  ['tempodb_blocklist_tenant_index_errors_total', 'counter', 'tenant', 'if used'],
  ['tempodb_blocklist_tenant_index_builder', 'gauge', 'tenant', 'if used'],
  ['tempodb_blocklist_tenant_index_age_seconds', 'gauge', 'tenant', 'always'],
  ['tempodb_backend_objects_total', 'gauge', 'status tenant', 'always'],
  ['tempodb_backend_bytes_total', 'gauge', 'status tenant', 'always'],
  ['tempodb_work_queue_length', 'gauge', '', 'if used'],
  ['tempodb_work_queue_max', 'gauge', '', 'if used'],
  ['tempo_memcache_request_duration_seconds', 'histogram', 'method name status_code', 'if used', memcache],
  ['tempo_memcache_client_servers', 'gauge', 'name', 'if used'],
  ['tempo_memcache_client_set_skip_total', 'counter', 'name', 'if used'],
  ['tempo_rediscache_request_duration_seconds', 'histogram', 'method name status_code', 'if used', memcache],
  ['tempo_cache_background_queue_length', 'gauge', 'name', 'if used'],
  ['tempo_cache_dropped_background_writes_total', 'counter', 'name', 'if used'],
  ['tempo_dns_lookups_total', 'counter', '', 'if used'],
  ['tempo_dns_failures_total', 'counter', '', 'if used'],
  ['tempo_limits_defaults', 'gauge', 'limit_name', 'always'],
  ['tempo_limits_overrides', 'gauge', 'limit_name user', 'always'],
  ['tempo_runtime_config_last_reload_successful', 'gauge', 'config', 'always'],
  ['tempo_runtime_config_hash', 'gauge', 'config sha256', 'always'],
  ['tempo_feature_enabled', 'gauge', 'feature', 'always'],
];

/** Every metric of Tempo's read path that this project has or may have (Tempo 3.0.3; functions: 2.7.2). */
export const expectedMetrics: readonly ExpectedMetric[] = rows.map(([name, type, labels, when, buckets]) => ({
  name,
  type,
  labels: labels.split(' ').filter((label) => label !== ''),
  when,
  ...(buckets === undefined ? {} : { buckets }),
}));

import { type ConfigKey, ignoredSections, type KeyRow, section } from './key.ts';
import { userOverridesKeys } from './storage.ts';

/** Limits that a read path has, below `read` and `global` (spec config §8). Durations may be Prometheus's. */
const limitRows: readonly KeyRow[] = [
  [
    'read.max_search_duration',
    'promDuration',
    '0s',
    'used',
    'Longest time range of searches and tags; 0: `query_frontend.search.max_duration`.',
  ],
  ['read.max_metrics_duration', 'promDuration', '0s', 'used', 'Longest time range of metrics; 0: `query_frontend.metrics.max_duration`.'],
  ['read.max_bytes_per_tag_values_query', 'int', 1000000, 'used', 'Bytes of names or values in one answer; 0 is unlimited.'],
  ['read.max_blocks_per_tag_values_query', 'int', 0, 'used', 'Newest blocks that are searched for values of a tag; 0 is all.'],
  [
    'read.max_condition_groups_per_tag_query',
    'int',
    100,
    'used',
    'Alternatives of a tag filter; 0 is unlimited. Only the value in `defaults` counts.',
  ],
  ['read.unsafe_query_hints', 'bool', false, 'used', 'Obey the hint `job_size` of metrics queries.'],
  [
    'read.max_bytes_per_query',
    'int',
    0,
    'used',
    { own: true, meaning: 'Bytes of block that one query may cover, else 422; 0 is unlimited.' },
  ],
  [
    'read.max_cost_per_query',
    'float',
    0,
    'used',
    { own: true, meaning: 'What functions may cost for one query, US dollars, else 422; 0 is unlimited.' },
  ],
  [
    'read.max_bytes_per_hour',
    'int',
    0,
    'used',
    { own: true, meaning: 'Bytes of block that a tenant’s queries of an hour may cover, else 429; 0 is unlimited.' },
  ],
  [
    'read.max_cost_per_hour',
    'float',
    0,
    'used',
    { own: true, meaning: 'What functions may cost for a tenant in an hour, US dollars, else 429; 0 is unlimited.' },
  ],
  ['read.left_pad_trace_ids', 'bool', false, 'used', 'Trace ids of search results have all 32 digits.'],
  ['read.metrics_spanonly_fetch', 'bool', undefined, 'accepted'],
  ['global.max_bytes_per_trace', 'int', 5000000, 'used', 'Largest trace that is answered whole; 0 is unlimited.'],
];

/** Scopes of the write path. Their values are shown in metrics and on `/status/overrides`. */
const writeScopes = 'ingestion compaction metrics_generator storage forwarders cost_attribution';

/** Limits of the write path in the flat format of 1.x and 2.x (spec config §8). */
const flatWriteLimits = `ingestion_rate_strategy ingestion_rate_limit_bytes
  ingestion_burst_size_bytes ingestion_tenant_shard_size ingestion_max_attribute_bytes ingestion_artificial_delay
  ingestion_retry_info_enabled max_traces_per_user max_global_traces_per_user max_attribute_bytes block_retention compaction_window
  compaction_disabled parquet_dedicated_columns metrics_generator_ring_size metrics_generator_processors
  metrics_generator_max_active_series metrics_generator_collection_interval metrics_generator_disable_collection
  metrics_generator_trace_id_label_name metrics_generator_remote_write_headers metrics_generator_forwarder_queue_size
  metrics_generator_forwarder_workers metrics_generator_generate_native_histograms metrics_generator_ingestion_time_range_slack
  metrics_generator_native_histogram_bucket_factor metrics_generator_native_histogram_max_bucket_number
  metrics_generator_native_histogram_min_reset_duration metrics_generator_max_active_entities max_search_bytes_per_trace search_tags_allow_list
  metrics_generator_processor_service_graphs_histogram_buckets metrics_generator_processor_service_graphs_dimensions
  metrics_generator_processor_service_graphs_peer_attributes metrics_generator_processor_service_graphs_filter_policies
  metrics_generator_processor_service_graphs_enable_client_server_prefix
  metrics_generator_processor_service_graphs_enable_messaging_system_latency_histogram
  metrics_generator_processor_service_graphs_enable_virtual_node_label
  metrics_generator_processor_service_graphs_span_multiplier_key
  metrics_generator_processor_span_metrics_histogram_buckets metrics_generator_processor_span_metrics_dimensions
  metrics_generator_processor_span_metrics_intrinsic_dimensions metrics_generator_processor_span_metrics_filter_policies
  metrics_generator_processor_span_metrics_dimension_mappings metrics_generator_processor_span_metrics_enable_target_info
  metrics_generator_processor_span_metrics_target_info_excluded_dimensions
  metrics_generator_processor_span_metrics_enable_instance_label metrics_generator_processor_span_metrics_span_multiplier_key
  metrics_generator_processor_local_blocks_max_live_traces metrics_generator_processor_local_blocks_max_block_duration
  metrics_generator_processor_local_blocks_max_block_bytes metrics_generator_processor_local_blocks_flush_check_period
  metrics_generator_processor_local_blocks_trace_idle_period metrics_generator_processor_local_blocks_complete_block_timeout
  metrics_generator_processor_host_info_host_identifiers metrics_generator_processor_host_info_metric_name`;

function flatKeys(prefix: string, to: string): readonly ConfigKey[] {
  const limits = limitRows.map(([path, type]): KeyRow => {
    const name = path.slice(path.indexOf('.') + 1);
    return [name, type, undefined, 'relocated', { to: to === '' ? path : `${to}.${path}` }];
  });
  return [...section(prefix, limits), ...ignoredSections(prefix, flatWriteLimits)];
}

/** Limits of one tenant in the file of `per_tenant_override_config`, scoped or flat; what an entry does not mention is 0 (spec config §8). */
export const tenantLimitKeys: readonly ConfigKey[] = [...section('', limitRows), ...ignoredSections('', writeScopes), ...flatKeys('', '')];

/** Keys of `overrides`: scoped and legacy flat (spec config §8). */
export const overridesKeys = [
  ...section('overrides.defaults', limitRows),
  ...ignoredSections('overrides.defaults', writeScopes),
  ...section('overrides', [
    ['per_tenant_override_config', 'string', '', 'used', 'File with limits of single tenants, read again while the process runs.'],
    ['per_tenant_override_period', 'promDuration', '10s', 'used', 'How often that file is read.'],
    ['enable_legacy_overrides', 'bool', false, 'accepted', 'The flat format is taken in any case, with a warning.'],
  ]),
  ...flatKeys('overrides', 'overrides.defaults'),
  ...ignoredSections('overrides', 'forwarders cost_attribution'),
  ...userOverridesKeys,
] as const;

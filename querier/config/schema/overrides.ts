import { ignoredSections, type KeyRow, type KeyType, section } from './key.ts';
import { userOverridesKeys } from './storage.ts';

const readLimits: readonly (readonly [name: string, type: KeyType, value: boolean | number | string | undefined, used: boolean])[] = [
  ['max_search_duration', 'promDuration', '0s', true],
  ['left_pad_trace_ids', 'bool', false, false],
  ['unsafe_query_hints', 'bool', false, false],
  ['max_bytes_per_tag_values_query', 'int', 1000000, true],
  ['max_blocks_per_tag_values_query', 'int', 0, false],
  ['max_condition_groups_per_tag_query', 'int', 100, true],
  ['max_metrics_duration', 'promDuration', '0s', true],
  ['metrics_spanonly_fetch', 'bool', undefined, false],
];

const scoped: readonly KeyRow[] = readLimits.map(([name, type, value, used]) => [`read.${name}`, type, value, used ? 'used' : 'accepted']);
const flat: readonly KeyRow[] = readLimits.map(([name, type]) => [
  name,
  type,
  undefined,
  'relocated',
  { to: `overrides.defaults.read.${name}` },
]);

/** Limits of the write path that the flat format of 1.x and 2.x has at the top of `overrides` (spec config §8). */
const flatWriteLimits = `ingestion_rate_strategy ingestion_rate_limit_bytes ingestion_burst_size_bytes ingestion_tenant_shard_size
  max_traces_per_user max_global_traces_per_user max_attribute_bytes block_retention compaction_window compaction_disabled
  parquet_dedicated_columns forwarders cost_attribution metrics_generator_ring_size metrics_generator_processors
  metrics_generator_max_active_series metrics_generator_collection_interval metrics_generator_disable_collection
  metrics_generator_trace_id_label_name metrics_generator_remote_write_headers metrics_generator_forwarder_queue_size
  metrics_generator_forwarder_workers`;

/** Keys of `overrides`: scoped and legacy flat (spec config §8). */
export const overridesKeys = [
  ...section('overrides.defaults', [...scoped, ['global.max_bytes_per_trace', 'int', 5000000]]),
  ...section('overrides', [
    ...flat,
    ['max_bytes_per_trace', 'int', undefined, 'relocated', { to: 'overrides.defaults.global.max_bytes_per_trace' }],
    ['per_tenant_override_config', 'string', '', 'accepted'],
    ['per_tenant_override_period', 'promDuration', '10s', 'accepted'],
    ['enable_legacy_overrides', 'bool', false, 'accepted'],
  ]),
  ...ignoredSections('overrides.defaults', 'ingestion compaction metrics_generator storage forwarders cost_attribution'),
  ...ignoredSections('overrides', flatWriteLimits),
  ...userOverridesKeys,
] as const;

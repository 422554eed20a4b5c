import { acceptedKeys, type ConfigKey, type KeyStatus, relocatedKeys, section } from './key.ts';

const hedgeAt = 'A read that takes longer is sent again; 0 is never.';
const hedgeUpTo = 'Requests of one read in all.';
const retries = 'Attempts of a request to the store.';

/** Keys of S3 below `prefix` (spec config §6.1). */
function s3Keys(prefix: string, status: KeyStatus): readonly ConfigKey[] {
  return section(`${prefix}.s3`, [
    ['bucket', 'string', '', status, 'Name of the bucket.'],
    ['prefix', 'string', '', status, 'Folder of the bucket.'],
    ['endpoint', 'string', '', status, 'Host and port, without scheme.'],
    ['region', 'string', '', status, 'Region; empty is taken from the endpoint.'],
    ['access_key', 'string', '', status, 'Empty: credentials from environment, files or the instance.'],
    ['secret_key', 'string', '', status, { secret: true, meaning: 'Of `access_key`.' }],
    ['session_token', 'string', '', status, { secret: true, meaning: 'Of temporary credentials.' }],
    ['insecure', 'bool', false, status, 'http in place of https.'],
    ['forcepathstyle', 'bool', false, status, 'The bucket stands in the path, not in the host name.'],
    ['bucket_lookup_type', 'int', 0, status, '0 finds out, 1 host name, 2 path.'],
    ['enable_dual_stack', 'bool', false, 'accepted', 'Use a dual-stack endpoint in place of it.'],
    ['hedge_requests_at', 'duration', '0s', status, hedgeAt],
    ['hedge_requests_up_to', 'int', 2, status, hedgeUpTo],
    ['retry_max_attempts', 'int', 10, status, retries],
    ['retry_backoff_initial', 'duration', '200ms', status, 'Wait before the second attempt.'],
    ['retry_backoff_max', 'duration', '1s', status, 'Longest wait between attempts.'],
    ['list_blocks_concurrency', 'int', 3, 'accepted', 'Tenants and blocks are listed by `blocklist_poll_…`.'],
    ['signature_v2', 'bool', false, 'accepted', 'Requests are signed by version 4 only; `true` is an error.'],
    ['part_size', 'uint', 0, 'accepted', 'Of writes.'],
    ['tags', 'any', undefined, 'accepted', 'Of writes.'],
    ['metadata', 'any', undefined, 'accepted', 'Of writes.'],
    ['storage_class', 'string', '', 'accepted', 'Of writes.'],
    ['checksum_type', 'string', '', 'accepted', 'Of writes.'],
    ['native_aws_auth_enabled', 'bool', undefined, 'removed', 'Always on.'],
    ['sse.type', 'string', '', 'accepted', 'Of writes; `SSE-C`, which reads would need, is an error.'],
    ['sse.kms_key_id', 'string', '', 'accepted', 'Of writes.'],
    ['sse.kms_encryption_context', 'string', '', 'accepted', 'Of writes.'],
    ['sse.encryption_key', 'string', '', 'accepted', { secret: true, meaning: 'Of `SSE-C`.' }],
    ['tls_cert_path', 'string', '', status, 'PEM file of a client certificate.'],
    ['tls_key_path', 'string', '', status, 'PEM file of its key.'],
    ['tls_ca_path', 'string', '', status, 'PEM file of authorities to trust.'],
    ['tls_server_name', 'string', '', status, 'Name that the certificate must have.'],
    ['tls_insecure_skip_verify', 'bool', false, status, 'Take any certificate.'],
    ['tls_cipher_suites', 'string', '', 'accepted', 'TLS 1.2 and later.'],
    ['tls_min_version', 'string', 'VersionTLS12', 'accepted', 'TLS 1.2 and later.'],
  ]);
}

/** Keys of the four backends below `prefix` (spec config §6.1). Overrides storage has the same, without effect here. */
function backendKeys(prefix: string, status: KeyStatus): readonly ConfigKey[] {
  return [
    ...section(prefix, [
      ['backend', 'string', '', status, '`local`, `s3`, `gcs` or `azure`.'],
      ['local.path', 'string', '', status, 'Folder of the blocks.'],
    ]),
    ...s3Keys(prefix, status),
    ...section(`${prefix}.gcs`, [
      ['bucket_name', 'string', '', status, 'Name of the bucket.'],
      ['prefix', 'string', '', status, 'Folder of the bucket.'],
      ['endpoint', 'string', '', status, 'Another server than Google\u2019s.'],
      ['insecure', 'bool', false, status, 'No credentials and no check of certificates: for emulators.'],
      ['hedge_requests_at', 'duration', '0s', status, hedgeAt],
      ['hedge_requests_up_to', 'int', 2, status, hedgeUpTo],
      ['max_retries', 'int', 3, status, retries],
      ['chunk_buffer_size', 'int', 10485760, 'accepted', 'Of writes.'],
      ['object_cache_control', 'string', '', 'accepted', 'Of writes.'],
      ['object_metadata', 'any', undefined, 'accepted', 'Of writes.'],
      ['list_blocks_concurrency', 'int', 3, 'accepted', 'Tenants and blocks are listed by `blocklist_poll_…`.'],
    ]),
    ...section(`${prefix}.azure`, [
      ['storage_account_name', 'string', '', status, 'Or the variable AZURE_STORAGE_ACCOUNT.'],
      ['storage_account_key', 'string', '', status, { secret: true, meaning: 'Or the variable AZURE_STORAGE_KEY.' }],
      ['use_managed_identity', 'bool', false, status, 'Credentials of the machine.'],
      ['use_federated_token', 'bool', false, status, 'Credentials of a workload identity.'],
      ['user_assigned_id', 'string', '', status, 'Which managed identity.'],
      ['container_name', 'string', '', status, 'Name of the container.'],
      ['prefix', 'string', '', status, 'Folder of the container.'],
      ['endpoint_suffix', 'string', 'blob.core.windows.net', status, 'One that does not start with `blob.` is an emulator\u2019s address.'],
      ['hedge_requests_at', 'duration', '0s', status, hedgeAt],
      ['hedge_requests_up_to', 'int', 2, status, hedgeUpTo],
      ['max_buffers', 'int', 4, 'accepted', 'Of writes.'],
      ['buffer_size', 'int', 3145728, 'accepted', 'Of writes.'],
      ['use_v2_sdk', 'bool', undefined, 'removed'],
    ]),
  ];
}

/** Keys of `storage.trace` (spec config §6). */
export const storageKeys = [
  ...backendKeys('storage.trace', 'used'),
  ...relocatedKeys('storage.trace.azure', [
    ['storage-account-name', 'string', 'storage.trace.azure.storage_account_name'],
    ['storage-account-key', 'string', 'storage.trace.azure.storage_account_key'],
    ['use-managed-identity', 'bool', 'storage.trace.azure.use_managed_identity'],
    ['user-assigned-id', 'string', 'storage.trace.azure.user_assigned_id'],
    ['container-name', 'string', 'storage.trace.azure.container_name'],
    ['endpoint-suffix', 'string', 'storage.trace.azure.endpoint_suffix'],
    ['max-buffers', 'int', 'storage.trace.azure.max_buffers'],
    ['buffer-size', 'int', 'storage.trace.azure.buffer_size'],
    ['hedge-requests-at', 'duration', 'storage.trace.azure.hedge_requests_at'],
    ['hedge-requests-up-to', 'int', 'storage.trace.azure.hedge_requests_up_to'],
  ]),
  ...relocatedKeys('storage.trace.s3', [['insecure_skip_verify', 'bool', 'storage.trace.s3.tls_insecure_skip_verify']]),
  ...section('storage.trace', [
    ['blocklist_poll', 'duration', '5m', 'used', 'How often the list of blocks is read; 0 is 5m.'],
    ['blocklist_poll_concurrency', 'uint', 50, 'used', 'Block metas read at once, per tenant.'],
    ['blocklist_poll_tenant_concurrency', 'uint', 1, 'used', 'Tenants read at once.'],
    ['blocklist_poll_fallback', 'bool', true, 'used', 'List the bucket where the tenant index is missing or bad.'],
    ['blocklist_poll_stale_tenant_index', 'duration', '0s', 'used', 'An index older than this is bad; 0 is no limit.'],
    ['blocklist_poll_jitter_ms', 'int', 0, 'used', 'Random wait before each meta, at most.'],
    ['blocklist_poll_tolerate_consecutive_errors', 'int', 1, 'used', 'More attempts per tenant in one poll.'],
    ['blocklist_poll_tolerate_tenant_failures', 'int', 1, 'used', 'More failing tenants than this end a poll.'],
    [
      'blocklist_poll_tenant_index_builders',
      'int',
      2,
      'accepted',
      'There is no ring: blocklist_poll_build_tenant_index says which processes build.',
    ],
    [
      'blocklist_poll_build_tenant_index',
      'string',
      'never',
      'used',
      "Rubato's own. Who writes tenant indexes: never, fallback (after it had to list the bucket), always (a builder).",
    ],
    ['empty_tenant_deletion_enabled', 'bool', false, 'accepted', 'Nothing is ever deleted.'],
    ['empty_tenant_deletion_age', 'duration', '0s', 'accepted', 'Nothing is ever deleted.'],
    ['pool.max_workers', 'int', 400, 'accepted', 'Lookups are limited by `max_concurrent_queries`.'],
    ['pool.queue_depth', 'int', 20000, 'accepted', 'Lookups are limited by `max_concurrent_queries`.'],
    ['search.chunk_size_bytes', 'uint', 1000000, 'accepted', 'Of the `v2` format.'],
    ['search.prefetch_trace_count', 'int', 1000, 'accepted', 'Of the `v2` format.'],
    ['search.read_buffer_count', 'int', 32, 'accepted', 'Reads are planned by pages.'],
    ['search.read_buffer_size_bytes', 'int', 1048576, 'used', 'Longer ranges are not cached as pages.'],
    ['search.cache_control.footer', 'bool', false, 'used', 'With `cache` below.'],
    ['search.cache_control.column_index', 'bool', false, 'used', 'With `cache` below.'],
    ['search.cache_control.offset_index', 'bool', false, 'used', 'With `cache` below.'],
    [
      'cache',
      'string',
      '',
      'used',
      'Deprecated: `memcached` or `redis`, for bloom filters and what `search.cache_control` says; see docs/caching.md.',
    ],
    ['memcached', 'any', undefined, 'used', 'With `cache: memcached`; see docs/caching.md.'],
    ['redis', 'any', undefined, 'used', 'With `cache: redis`; see docs/caching.md.'],
    ['background_cache.writeback_goroutines', 'int', 10, 'used', 'Writes to the cache at once.'],
    ['background_cache.writeback_buffer', 'int', 10000, 'used', 'Writes that wait; more are dropped.'],
    ['cache_min_compaction_level', 'int', 0, 'used', 'Bloom filters of blocks above this level are not cached; 0: all are.'],
    ['cache_max_block_age', 'duration', '0s', 'used', 'Those of older blocks are not cached; 0: all are.'],
    ['maintenance_cycle', 'duration', undefined, 'removed', '`blocklist_poll` since 0.6.'],
  ]),
  ...acceptedKeys('storage.trace', 'any', 'block wal', 'Of writes.'),
] as const;

/** Keys of `overrides.user_configurable_overrides` (spec config §8). */
export const userOverridesKeys = [
  ...section('overrides.user_configurable_overrides', [
    ['enabled', 'bool', false, 'accepted', 'They have limits of the write path only.'],
    ['poll_interval', 'duration', '1m', 'accepted'],
    ['client.confirm_versioning', 'bool', true, 'accepted'],
    ['api.check_for_conflicting_runtime_overrides', 'bool', false, 'accepted'],
  ]),
  ...backendKeys('overrides.user_configurable_overrides.client', 'accepted'),
] as const;

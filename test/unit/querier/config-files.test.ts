// Files as operators of Tempo have them, by version and store: all load, with what their owner should hear of.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Config } from '../../../querier/config/config.ts';
import { parseFlags } from '../../../querier/config/flags.ts';
import { loadConfig } from '../../../querier/config/load.ts';

const fixtures = join(import.meta.dirname, '../../fixtures/config');
const second = 1000;

interface Expected {
  readonly file: string;
  /** Paths of which warnings tell, by what they say. */
  readonly moved?: readonly string[];
  readonly removed?: readonly string[];
  readonly ignored: readonly string[];
  readonly check: (config: Config) => void;
}

const files: readonly Expected[] = [
  {
    file: 'tempo-1.4-gcs.yaml',
    moved: [
      'query_frontend.query_shards',
      'querier.query_timeout',
      'querier.search_query_timeout',
      'querier.search_external_endpoints',
      'querier.search_prefer_self',
      'querier.search_default_result_limit',
      'querier.search_max_result_limit',
      'overrides.max_bytes_per_trace',
    ],
    removed: [
      'search_enabled',
      'metrics_generator_enabled',
      'query_frontend.tolerate_failed_blocks',
      'query_frontend.search.query_ingesters_until',
    ],
    ignored: [
      'distributor',
      'ingester',
      'compactor',
      'overrides.max_traces_per_user',
      'overrides.ingestion_rate_limit_bytes',
      'overrides.ingestion_burst_size_bytes',
      'overrides.metrics_generator_processors',
    ],
    check: ({ queryFrontend, querier, limits, values }) => {
      assert.equal(queryFrontend.traceById.queryShards, 30);
      assert.equal(queryFrontend.search.maxLimit, 500);
      assert.equal(querier.traceByIdTimeoutMs, 15 * second);
      assert.deepEqual([querier.queryTimeoutMs, querier.preferSelf, querier.external.endpoints.length], [30 * second, 2, 2]);
      assert.equal(limits.maxBytesPerTrace, 5_000_000);
      assert.equal(values.get('storage.trace.gcs.hedge_requests_at'), 400);
    },
  },
  {
    file: 'tempo-1.5-s3.yaml',
    moved: ['storage.trace.s3.insecure_skip_verify'],
    removed: [
      'search_enabled',
      'query_frontend.log_queries_longer_than',
      'query_frontend.trace_by_id.hedge_requests_at',
      'query_frontend.trace_by_id.hedge_requests_up_to',
      'query_frontend.search.hedge_requests_at',
    ],
    ignored: [
      'distributor',
      'ingester',
      'compactor',
      'overrides.search_tags_allow_list',
      'overrides.max_search_bytes_per_trace',
      'overrides.metrics_generator_processors',
    ],
    check: ({ querier, queryFrontend, values }) => {
      assert.deepEqual(querier.external, {
        ...querier.external,
        endpoints: ['http://tempo-lambda.internal.example'],
        hedgeRequestsAtMs: 5 * second,
        hedgeRequestsUpTo: 3,
      });
      assert.equal(queryFrontend.search.maxLimit, 0);
      assert.equal(values.get('storage.trace.s3.tls_insecure_skip_verify'), false);
    },
  },
  {
    file: 'tempo-2.0-azure.yaml',
    moved: [
      'storage.trace.azure.storage-account-name',
      'storage.trace.azure.storage-account-key',
      'storage.trace.azure.container-name',
      'storage.trace.azure.endpoint-suffix',
      'storage.trace.azure.max-buffers',
      'storage.trace.azure.hedge-requests-at',
      'overrides.max_search_duration',
    ],
    removed: ['use_otel_tracer'],
    ignored: ['distributor', 'ingester', 'compactor', 'overrides.block_retention'],
    check: ({ multitenancyEnabled, limits, queryFrontend, values }) => {
      assert.equal(multitenancyEnabled, true);
      assert.equal(limits.maxSearchDurationMs, 7 * 86_400 * second);
      assert.equal(queryFrontend.slos.traces.durationMs, 5 * second);
      assert.equal(values.get('storage.trace.azure.storage_account_name'), 'tempostore');
      assert.equal(values.get('storage.trace.azure.storage_account_key'), 'geheim');
    },
  },
  {
    file: 'tempo-2.3-s3.yaml',
    removed: [
      'autocomplete_filtering_enabled',
      'storage.trace.s3.native_aws_auth_enabled',
      'query_frontend.trace_by_id.hedge_requests_at',
      'query_frontend.trace_by_id.hedge_requests_up_to',
    ],
    ignored: [
      'compactor',
      'distributor',
      'ingester',
      'metrics_generator',
      'overrides.defaults.ingestion',
      'overrides.defaults.metrics_generator',
    ],
    check: ({ streamOverHttpEnabled, server, queryFrontend, limits }) => {
      assert.equal(streamOverHttpEnabled, true);
      assert.equal(server.port, 3100);
      assert.deepEqual(queryFrontend.slos.search, { durationMs: 5 * second, throughputBytes: 1_073_741_824 });
      assert.deepEqual([limits.maxSearchDurationMs, limits.maxBytesPerTrace], [14 * 86_400 * second, 30_000_000]);
    },
  },
  {
    file: 'tempo-2.7-local.yaml',
    ignored: ['distributor', 'ingester', 'compactor', 'metrics_generator', 'overrides.defaults.metrics_generator'],
    check: ({ limits, blocklist, queryFrontend }) => {
      assert.deepEqual([limits.unsafeQueryHints, limits.maxMetricsDurationMs], [true, 3 * 86_400 * second]);
      assert.equal(blocklist.tenantConcurrency, 4);
      assert.equal(queryFrontend.slos.metadata.throughputBytes, 1_073_741_824);
    },
  },
  {
    file: 'tempo-3.0-s3.yaml',
    ignored: [
      'distributor',
      'ingest',
      'block_builder',
      'live_store',
      'backend_scheduler',
      'backend_worker',
      'overrides.defaults.ingestion',
      'overrides.defaults.compaction',
      'overrides.defaults.cost_attribution',
    ],
    check: ({ queryFrontend, server }) => {
      assert.equal(queryFrontend.metrics.maxResponseSeries, 1000);
      assert.equal(server.writeTimeoutMs, 300 * second);
    },
  },
];

/** What warnings say of a path: `moved` or `removed`; other warnings have no such form. */
function told(warnings: readonly string[], text: RegExp): readonly string[] {
  return warnings.flatMap((warning) => (text.test(warning) ? [warning.slice(0, warning.indexOf(' '))] : [])).toSorted();
}

for (const { file, moved = [], removed = [], ignored, check } of files) {
  test(`${file} loads`, async () => {
    const flags = parseFlags([`-config.file=${join(fixtures, file)}`, '-config.expand-env=true']);
    const loaded = await loadConfig(flags, (name) => (name === 'ACCOUNT_KEY' ? 'geheim' : undefined));
    assert.deepEqual(told(loaded.warnings, / is now /), moved.toSorted());
    assert.deepEqual(told(loaded.warnings, / was removed and has no effect/), removed.toSorted());
    assert.deepEqual(loaded.ignored.toSorted(), ignored.toSorted());
    check(loaded.config);
  });
}

import type { WeightsConfig } from '../frontend/query-weight.ts';
import { type LimitsConfig, typedLimits } from './limits.ts';
import { type FunctionsConfig, functionsConfig } from './pools.ts';
import type { ConfigValue } from './schema/key.ts';
import { type ServerConfig, serverConfig } from './server-config.ts';
import { type SpillConfig, spillConfig } from './spill.ts';
import { flag, list, number, text, type Values } from './typed-values.ts';

/** What this process runs (spec config §1). */
export const targets = ['all', 'query-frontend', 'querier'] as const;
/** One of {@link targets}. */
export type Target = (typeof targets)[number];

/** `query_frontend.search.*` (spec read-path §3.1). */
export interface SearchConfig {
  readonly concurrentJobs: number;
  readonly targetBytesPerJob: number;
  readonly defaultLimit: number;
  /** 0: no cap. */
  readonly maxLimit: number;
  /** 0: no limit. */
  readonly maxDurationMs: number;
  readonly queryBackendAfterMs: number;
  readonly mostRecentShards: number;
  /** Start only as many jobs as the limit probably needs. */
  readonly paceJobs: boolean;
  /** Pieces of a search over recent data. */
  readonly ingesterShards: number;
  /** 0: unlimited. */
  readonly defaultSpansPerSpanSet: number;
  /** 0: no cap. */
  readonly maxSpansPerSpanSet: number;
}

/** `query_frontend.metrics.*` (spec read-path §5.1). */
export interface MetricsConfig {
  readonly concurrentJobs: number;
  readonly targetBytesPerJob: number;
  /** Younger spans are not looked for in blocks. */
  readonly queryBackendAfterMs: number;
  /** 0: no limit. */
  readonly maxDurationMs: number;
  /** Most steps of a range; 0: no limit. */
  readonly maxIntervals: number;
  readonly maxExemplars: number;
  /** 0: no cap. */
  readonly maxResponseSeries: number;
}

/** `query_frontend.trace_by_id.*` (spec read-path §2.1). */
export interface TraceByIdConfig {
  /** Jobs of a lookup, the one for recent data included. */
  readonly queryShards: number;
  /** Jobs at once; 0 is all. */
  readonly concurrentShards: number;
}

/** Kinds of queries that metrics tell apart. */
export type QueryOp = 'traces' | 'search' | 'metadata' | 'metrics';

/** What a query should take, for metrics only; 0 is no objective. */
export interface SloConfig {
  readonly durationMs: number;
  /** Bytes a second. */
  readonly throughputBytes: number;
}

/** `query_frontend.*` (spec config §4). */
export interface QueryFrontendConfig {
  readonly maxOutstandingPerTenant: number;
  readonly maxBatchSize: number;
  /** Attempts per job; 0 and 1 are one attempt. */
  readonly maxRetries: number;
  readonly multiTenantQueriesEnabled: boolean;
  /** 0: none. */
  readonly apiTimeoutMs: number;
  readonly urlDenyList: readonly string[];
  /** Largest message of a stream; 0: never split. */
  readonly maxGrpcStreamingPacketBytes: number;
  readonly maxQueryExpressionBytes: number;
  readonly queryEndCutoffMs: number;
  /** Jobs for recent data are planned also where no live-stores are configured: real queriers know theirs. */
  readonly recentJobs: boolean;
  readonly weights: WeightsConfig;
  readonly search: SearchConfig;
  readonly metrics: MetricsConfig;
  readonly traceById: TraceByIdConfig;
  readonly slos: Readonly<Record<QueryOp, SloConfig>>;
  /** Request headers that the `query stats` line shows. */
  readonly logRequestHeaders: readonly string[];
}

/** `querier.search.external_*` (spec serverless §1). */
export interface ExternalConfig {
  readonly endpoints: readonly string[];
  /** 0: no hedging. */
  readonly hedgeRequestsAtMs: number;
  /** Requests in total, the first included. */
  readonly hedgeRequestsUpTo: number;
}

/** `querier.frontend_worker.*` (spec read-path §6). */
export interface FrontendWorkerConfig {
  /** '' : this process takes jobs over HTTP only. */
  readonly address: string;
  /** Streams to each frontend, unless `matchMaxConcurrent`. */
  readonly parallelism: number;
  readonly matchMaxConcurrent: boolean;
  readonly dnsLookupMs: number;
  /** '' is the name of the host. */
  readonly id: string;
  readonly maxReceiveBytes: number;
  readonly maxSendBytes: number;
  readonly compression: 'identity' | 'gzip' | 'snappy';
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
  readonly tlsEnabled: boolean;
}

/** `querier.*` (spec config §5). */
export interface QuerierConfig {
  readonly maxConcurrentQueries: number;
  readonly queryTimeoutMs: number;
  /** Of trace lookups. */
  readonly traceByIdTimeoutMs: number;
  readonly preferSelf: number;
  /** Threads that scan; 0 is one per core. */
  readonly scanThreads: number;
  /** Of all jobs that scan at the same time; 0 is no limit but that of each job. */
  readonly maxMemoryBytes: number;
  /** Live-stores, `host:port`. */
  readonly recentAddresses: readonly string[];
  readonly external: ExternalConfig;
  readonly frontendWorker: FrontendWorkerConfig;
}

/** `storage.trace.blocklist_poll*` (spec read-path §1.1). */
export interface BlocklistConfig {
  readonly pollMs: number;
  readonly pollConcurrency: number;
  readonly tenantConcurrency: number;
  readonly fallback: boolean;
  /** `blocklist_poll_build_tenant_index`. */
  readonly buildIndex: 'never' | 'fallback' | 'always';
  /** 0: an index never grows stale. */
  readonly staleTenantIndexMs: number;
  readonly jitterMs: number;
  readonly tolerateConsecutiveErrors: number;
  readonly tolerateTenantFailures: number;
}

/** The file with limits of single tenants (spec config §8). */
export interface OverridesConfig {
  /** '' where there is none. */
  readonly path: string;
  readonly periodMs: number;
  /** `-config.expand-env`: variables in that file are expanded, too. */
  readonly expandEnv: boolean;
}

/** The configuration in force. */
export interface Config {
  readonly target: Target;
  readonly multitenancyEnabled: boolean;
  readonly httpApiPrefix: string;
  readonly streamOverHttpEnabled: boolean;
  readonly shutdownDelayMs: number;
  readonly server: ServerConfig;
  /** Another port for probes and metrics only; absent unless it is enabled. */
  readonly internalServer: ServerConfig | undefined;
  readonly queryFrontend: QueryFrontendConfig;
  readonly querier: QuerierConfig;
  readonly spill: SpillConfig;
  readonly functions: FunctionsConfig;
  readonly blocklist: BlocklistConfig;
  /** `overrides.defaults`: of tenants that have no limits of their own. */
  readonly limits: LimitsConfig;
  readonly overrides: OverridesConfig;
  /** Every key with its value in force, defaults included, by path; for the backend and for printing. */
  readonly values: ReadonlyMap<string, ConfigValue>;
}

/** Puts the values in force into their typed form. They must have passed `validateValues`. */
export function typedConfig(values: Values, expandEnv = false): Config {
  return {
    target: text(values, 'target') as Target,
    multitenancyEnabled: flag(values, 'multitenancy_enabled') || flag(values, 'auth_enabled'),
    httpApiPrefix: text(values, 'http_api_prefix'),
    streamOverHttpEnabled: flag(values, 'stream_over_http_enabled'),
    shutdownDelayMs: number(values, 'shutdown_delay'),
    server: serverConfig(values, 'server'),
    internalServer: flag(values, 'internal_server.enable') ? serverConfig(values, 'internal_server') : undefined,
    queryFrontend: queryFrontendConfig(values),
    querier: querierConfig(values),
    spill: spillConfig(values),
    functions: functionsConfig(values),
    blocklist: blocklistConfig(values),
    limits: typedLimits(values, 'overrides.defaults'),
    overrides: {
      path: text(values, 'overrides.per_tenant_override_config'),
      periodMs: number(values, 'overrides.per_tenant_override_period'),
      expandEnv,
    },
    values,
  };
}

function queryFrontendConfig(values: Values): QueryFrontendConfig {
  const search = 'query_frontend.search';
  const metrics = 'query_frontend.metrics';
  return {
    maxOutstandingPerTenant: number(values, 'query_frontend.max_outstanding_per_tenant'),
    maxBatchSize: number(values, 'query_frontend.max_batch_size'),
    maxRetries: number(values, 'query_frontend.max_retries'),
    multiTenantQueriesEnabled: flag(values, 'query_frontend.multi_tenant_queries_enabled'),
    apiTimeoutMs: number(values, 'query_frontend.api_timeout'),
    urlDenyList: list(values, 'query_frontend.url_deny_list'),
    maxGrpcStreamingPacketBytes: number(values, 'query_frontend.max_grpc_streaming_packet_size'),
    maxQueryExpressionBytes: number(values, 'query_frontend.max_query_expression_size_bytes'),
    queryEndCutoffMs: number(values, 'query_frontend.query_end_cutoff'),
    recentJobs: flag(values, 'query_frontend.recent_jobs'),
    weights: {
      requestWithWeights: flag(values, 'query_frontend.weights.request_with_weights'),
      retryWithWeights: flag(values, 'query_frontend.weights.retry_with_weights'),
      maxConditions: number(values, 'query_frontend.weights.max_traceql_conditions'),
      maxRegexConditions: number(values, 'query_frontend.weights.max_regex_conditions'),
    },
    search: {
      concurrentJobs: number(values, `${search}.concurrent_jobs`),
      targetBytesPerJob: number(values, `${search}.target_bytes_per_job`),
      defaultLimit: number(values, `${search}.default_result_limit`),
      maxLimit: number(values, `${search}.max_result_limit`),
      maxDurationMs: number(values, `${search}.max_duration`),
      queryBackendAfterMs: number(values, `${search}.query_backend_after`),
      mostRecentShards: number(values, `${search}.most_recent_shards`),
      paceJobs: flag(values, `${search}.pace_jobs`),
      ingesterShards: number(values, `${search}.ingester_shards`),
      defaultSpansPerSpanSet: number(values, `${search}.default_spans_per_span_set`),
      maxSpansPerSpanSet: number(values, `${search}.max_spans_per_span_set`),
    },
    metrics: {
      concurrentJobs: number(values, `${metrics}.concurrent_jobs`),
      targetBytesPerJob: number(values, `${metrics}.target_bytes_per_job`),
      queryBackendAfterMs: number(values, `${metrics}.query_backend_after`),
      maxDurationMs: number(values, `${metrics}.max_duration`),
      maxIntervals: number(values, `${metrics}.max_intervals`),
      maxExemplars: number(values, `${metrics}.max_exemplars`),
      maxResponseSeries: number(values, `${metrics}.max_response_series`),
    },
    traceById: {
      queryShards: number(values, 'query_frontend.trace_by_id.query_shards'),
      concurrentShards: number(values, 'query_frontend.trace_by_id.concurrent_shards'),
    },
    slos: {
      traces: sloConfig(values, 'trace_by_id'),
      search: sloConfig(values, 'search'),
      metadata: sloConfig(values, 'search.metadata_slo'),
      metrics: sloConfig(values, 'metrics'),
    },
    logRequestHeaders: text(values, 'query_frontend.log_query_request_headers')
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  };
}

function sloConfig(values: Values, section: string): SloConfig {
  return {
    durationMs: number(values, `query_frontend.${section}.duration_slo`),
    throughputBytes: number(values, `query_frontend.${section}.throughput_bytes_slo`),
  };
}

function querierConfig(values: Values): QuerierConfig {
  return {
    maxConcurrentQueries: number(values, 'querier.max_concurrent_queries'),
    queryTimeoutMs: number(values, 'querier.search.query_timeout'),
    traceByIdTimeoutMs: number(values, 'querier.trace_by_id.query_timeout'),
    preferSelf: number(values, 'querier.search.prefer_self'),
    scanThreads: number(values, 'querier.scan_threads'),
    maxMemoryBytes: number(values, 'querier.max_memory_bytes'),
    recentAddresses: list(values, 'querier.recent.addresses'),
    external: {
      endpoints: list(values, 'querier.search.external_endpoints'),
      hedgeRequestsAtMs: number(values, 'querier.search.external_hedge_requests_at'),
      hedgeRequestsUpTo: number(values, 'querier.search.external_hedge_requests_up_to'),
    },
    frontendWorker: frontendWorkerConfig(values),
  };
}

function frontendWorkerConfig(values: Values): FrontendWorkerConfig {
  const worker = 'querier.frontend_worker';
  const client = `${worker}.grpc_client_config`;
  return {
    address: text(values, `${worker}.frontend_address`),
    parallelism: number(values, `${worker}.parallelism`),
    matchMaxConcurrent: flag(values, `${worker}.match_max_concurrent`),
    dnsLookupMs: number(values, `${worker}.dns_lookup_duration`),
    id: text(values, `${worker}.id`),
    maxReceiveBytes: number(values, `${client}.max_recv_msg_size`),
    maxSendBytes: number(values, `${client}.max_send_msg_size`),
    compression: (text(values, `${client}.grpc_compression`) || 'identity') as FrontendWorkerConfig['compression'],
    minBackoffMs: number(values, `${client}.backoff_config.min_period`),
    maxBackoffMs: number(values, `${client}.backoff_config.max_period`),
    tlsEnabled: flag(values, `${client}.tls_enabled`),
  };
}

function blocklistConfig(values: Values): BlocklistConfig {
  const poll = 'storage.trace.blocklist_poll';
  return {
    pollMs: number(values, poll) || 300_000,
    pollConcurrency: number(values, `${poll}_concurrency`) || 50,
    tenantConcurrency: Math.max(1, number(values, `${poll}_tenant_concurrency`)),
    fallback: flag(values, `${poll}_fallback`),
    buildIndex: values.get(`${poll}_build_tenant_index`) as BlocklistConfig['buildIndex'],
    staleTenantIndexMs: number(values, `${poll}_stale_tenant_index`),
    jitterMs: number(values, `${poll}_jitter_ms`),
    tolerateConsecutiveErrors: number(values, `${poll}_tolerate_consecutive_errors`),
    tolerateTenantFailures: number(values, `${poll}_tolerate_tenant_failures`),
  };
}

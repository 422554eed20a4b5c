import { printGoDuration } from '#engine/base/duration.ts';
import { readPools } from '../external/pool-config.ts';
import { targets } from './config.ts';
import { nearest } from './nearest.ts';
import { tempoExternal } from './pools.ts';
import type { ConfigValue } from './schema/key.ts';

type Values = ReadonlyMap<string, ConfigValue>;
type Check = (values: Values) => string | undefined;

function go(ms: number): string {
  return printGoDuration(BigInt(Math.round(ms * 1e6)));
}

function positive(path: string, message: string): Check {
  return (values) => ((values.get(path) as number) > 0 ? undefined : message);
}

function notNegative(path: string): Check {
  return (values) => ((values.get(path) as number) >= 0 ? undefined : `${path} must not be negative`);
}

function oneOf(path: string, allowed: readonly string[], message: (value: string) => string): Check {
  return (values) => (allowed.includes(values.get(path) as string) ? undefined : message(values.get(path) as string));
}

const otherTargets =
  'live-store block-builder backend-scheduler backend-worker distributor metrics-generator metrics-generator-no-local-blocks ingester compactor';

function target(values: Values): string | undefined {
  const value = values.get('target') as string;
  if ((targets as readonly string[]).includes(value)) return undefined;
  if (otherTargets.split(' ').includes(value)) return `target ${value} is a write path: this program runs all, query-frontend or querier`;
  if (value === 'scalable-single-binary') return 'target scalable-single-binary is not in this version: use all';
  const meant = nearest(value, targets);
  return `unrecognised module name: ${value}${meant === undefined ? '' : `, did you mean ${meant}?`}`;
}

function cutoff(values: Values): string | undefined {
  const after = values.get('query_frontend.search.query_backend_after') as number;
  const end = values.get('query_frontend.query_end_cutoff') as number;
  return end > after ? `QueryBackendAfter (${go(after)}) must be greater than query end cutoff (${go(end)})` : undefined;
}

function shards(values: Values): string | undefined {
  const value = values.get('query_frontend.trace_by_id.query_shards') as number;
  return value >= 2 && value <= 100_000 ? undefined : 'frontend query shards should be between 2 and 100000 (both inclusive)';
}

function externalBackend(values: Values): string | undefined {
  const value = values.get('querier.search.external_backend') as string;
  if (value === '') {
    const list = values.get('querier.search.google_cloud_run.external_endpoints') as readonly string[];
    return list.length > 0 ? 'querier.search.google_cloud_run needs querier.search.external_backend: google_cloud_run' : undefined;
  }
  if (value === 'aws_lambda' || value === 'google_cloud_run') return undefined; // what they need is checked with the pools
  return `unknown external backend configured: ${value}`;
}

function pools(values: Values): string | undefined {
  try {
    readPools(tempoExternal(values), values.get('querier.external.pools'));
    return undefined;
  } catch (thrown) {
    return (thrown as Error).message;
  }
}

function denyList(values: Values): string | undefined {
  for (const pattern of values.get('query_frontend.url_deny_list') as readonly string[]) {
    try {
      new RegExp(pattern);
    } catch (thrown) {
      return `query_frontend.url_deny_list: ${(thrown as Error).message}`;
    }
  }
  return undefined;
}

function storage(values: Values): string | undefined {
  const backend = values.get('storage.trace.backend') as string;
  if (!['local', 's3', 'gcs', 'azure'].includes(backend))
    return `unknown backend ${backend}: storage.trace.backend is local, s3, gcs or azure`;
  const needed = { local: 'local.path', s3: 's3.bucket', gcs: 'gcs.bucket_name', azure: 'azure.container_name' }[backend]!;
  return values.get(`storage.trace.${needed}`) === '' ? `storage.trace.${needed} is required with backend ${backend}` : undefined;
}

/** Settings of S3 without which the blocks could not be read, and which are not there. */
function s3Reads(values: Values): string | undefined {
  if (values.get('storage.trace.backend') !== 's3') return undefined;
  if (values.get('storage.trace.s3.sse.type') === 'SSE-C') {
    return 'storage.trace.s3.sse.type SSE-C is not in this version: blocks that are encrypted with a key of the client cannot be read';
  }
  return values.get('storage.trace.s3.signature_v2') === true
    ? 'storage.trace.s3.signature_v2 is not in this version: requests are signed by version 4'
    : undefined;
}

function prefix(path: string): Check {
  return (values) => {
    const value = values.get(path) as string;
    return value === '' || (value.startsWith('/') && !value.endsWith('/')) ? undefined : `${path} must start with / and not end with it`;
  };
}

function port(values: Values): string | undefined {
  for (const path of ['server.http_listen_port', 'server.grpc_listen_port']) {
    const value = values.get(path) as number;
    if (value < 0 || value > 65_535) return `${path} ${value} is no port number`;
  }
  return undefined;
}

const client = 'querier.frontend_worker.grpc_client_config';
const buildIndex = 'storage.trace.blocklist_poll_build_tenant_index';

const checks: readonly Check[] = [
  target,
  shards,
  positive('query_frontend.search.concurrent_jobs', 'frontend search concurrent requests should be greater than 0'),
  positive('query_frontend.search.target_bytes_per_job', 'frontend search target bytes per request should be greater than 0'),
  positive('query_frontend.search.most_recent_shards', 'most recent shards must be greater than 0'),
  positive('query_frontend.metrics.concurrent_jobs', 'frontend metrics concurrent requests should be greater than 0'),
  positive('query_frontend.metrics.target_bytes_per_job', 'frontend metrics target bytes per request should be greater than 0'),
  positive('query_frontend.metrics.interval', 'frontend metrics interval should be greater than 0'),
  positive('query_frontend.max_batch_size', 'query_frontend.max_batch_size must be greater than 0'),
  positive('query_frontend.search.default_result_limit', 'query_frontend.search.default_result_limit must be greater than 0'),
  positive('query_frontend.max_outstanding_per_tenant', 'query_frontend.max_outstanding_per_tenant must be greater than 0'),
  positive('querier.max_concurrent_queries', 'querier.max_concurrent_queries must be greater than 0'),
  oneOf(buildIndex, ['never', 'fallback', 'always'], (value) => `${buildIndex} must be never, fallback or always, not ${value}`),
  positive('querier.search.query_timeout', 'querier.search.query_timeout must be greater than 0'),
  notNegative('querier.search.external_hedge_requests_at'),
  notNegative('querier.search.external_hedge_requests_up_to'),
  notNegative('querier.search.prefer_self'),
  positive('querier.external.hedge_up_to', 'querier.external.hedge_up_to must be greater than 0'),
  positive('querier.external.max_concurrent_calls', 'querier.external.max_concurrent_calls must be greater than 0'),
  positive('querier.external.max_jobs_per_call', 'querier.external.max_jobs_per_call must be greater than 0'),
  positive('querier.external.target_bytes_per_call', 'querier.external.target_bytes_per_call must be greater than 0'),
  ...['hedge_budget', 'hedge_burst', 'throttle_wait'].map((name) => notNegative(`querier.external.${name}`)),
  oneOf('querier.external.spill_by', ['slots', 'predicted_wait'], (value) => `unknown querier.external.spill_by "${value}"`),
  oneOf('querier.external.hedging', ['auto', 'adaptive', 'static', 'off'], (value) => `unknown querier.external.hedging "${value}"`),
  notNegative('query_frontend.max_retries'),
  notNegative('query_frontend.api_timeout'),
  notNegative('query_frontend.query_end_cutoff'),
  notNegative('query_frontend.search.query_backend_after'),
  notNegative('storage.trace.blocklist_poll'),
  ...['s3', 'gcs', 'azure'].flatMap((store) => ['at', 'up_to'].map((name) => notNegative(`storage.trace.${store}.hedge_requests_${name}`))),
  notNegative('shutdown_delay'),
  notNegative('querier.max_memory_bytes'),
  positive('querier.frontend_worker.parallelism', 'querier.frontend_worker.parallelism must be greater than 0'),
  positive('querier.frontend_worker.dns_lookup_duration', 'querier.frontend_worker.dns_lookup_duration must be greater than 0'),
  positive(`${client}.max_send_msg_size`, `${client}.max_send_msg_size must be greater than 0`),
  positive(`${client}.max_recv_msg_size`, `${client}.max_recv_msg_size must be greater than 0`),
  positive(`${client}.backoff_config.min_period`, `${client}.backoff_config.min_period must be greater than 0`),
  oneOf(`${client}.grpc_compression`, ['', 'snappy', 'gzip'], (value) => `unsupported compression type: ${value}`),
  positive('server.grpc_server_max_recv_msg_size', 'server.grpc_server_max_recv_msg_size must be greater than 0'),
  positive('server.grpc_server_max_concurrent_streams', 'server.grpc_server_max_concurrent_streams must be greater than 0'),
  port,
  cutoff,
  externalBackend,
  pools,
  oneOf('querier.external.version_check', ['refuse', 'warn', 'off'], (value) => `unknown querier.external.version_check "${value}"`),
  denyList,
  s3Reads,
  prefix('http_api_prefix'),
  prefix('server.http_path_prefix'),
  oneOf('server.log_level', ['debug', 'info', 'warn', 'error'], (value) => `unrecognized log level "${value}"`),
  oneOf('server.log_format', ['logfmt', 'json'], (value) => `unrecognized log format "${value}"`),
];

/** Why the values cannot be run with, all reasons; empty when they can (spec config §4 start-up errors, read-path §6.1). */
export function configProblems(values: Values): readonly string[] {
  const found = checks.map((check) => check(values)).filter((problem) => problem !== undefined);
  // A frontend never opens the bucket's blocks, but plans by their metadata: every target needs storage.
  const missing = storage(values);
  return missing === undefined ? found : [...found, missing];
}

/** What is worth a warning, but runs (spec config §10). */
export function configWarnings(values: Values): readonly string[] {
  const warnings: string[] = [];
  const warn = (when: boolean, text: string) => {
    if (when) warnings.push(text);
  };
  const get = (path: string) => values.get(path);
  warn(
    (get('query_frontend.trace_by_id.concurrent_shards') as number) > (get('query_frontend.trace_by_id.query_shards') as number),
    'query_frontend.trace_by_id.concurrent_shards is greater than query_shards and is lowered to it',
  );
  warn(get('storage.trace.backend') === 'local' && get('target') !== 'all', 'storage.trace.backend local works with target all only');
  warn(get('storage.trace.cache') !== '', 'storage.trace.cache is deprecated: use cache.caches');
  warn(
    get('storage.trace.blocklist_poll_concurrency') === 0,
    'storage.trace.blocklist_poll_concurrency is 0: it counts as its default, 50',
  );
  warn(get('query_frontend.mcp_server.enabled') === true, 'query_frontend.mcp_server.enabled has no effect in this version');
  return warnings;
}

import { AppError, toAppError } from '#engine/base/errors.ts';
import { goQuote } from '#engine/base/quote.ts';
import { nearest } from './nearest.ts';
import type { ConfigValue, KeyType } from './schema/key.ts';
import { scalarValue } from './value.ts';

/** The command line, read. */
export interface Flags {
  readonly configFile: string;
  readonly expandEnv: boolean;
  readonly verify: boolean;
  readonly version: boolean;
  readonly help: boolean;
  /** Ask a running process whether it is ready, and end. */
  readonly health: boolean;
  /** '' is this machine's default port. */
  readonly healthUrl: string;
  /** Values of per-key flags by configuration path. */
  readonly values: ReadonlyMap<string, ConfigValue>;
}

type FlagTarget =
  | { readonly path: string; readonly type: KeyType }
  | { readonly ownText: 'configFile' | 'healthUrl' }
  | { readonly own: 'expandEnv' | 'verify' | 'version' | 'help' | 'health' };

function key(path: string, type: KeyType = 'string'): FlagTarget {
  return { path, type };
}

const trace = 'storage.trace';
const read = 'overrides.defaults.read';

/** Flags of Tempo's that set keys which mean something here, and the process's own (spec config §1, §9). */
const flags: Readonly<Record<string, FlagTarget>> = {
  'config.file': { ownText: 'configFile' },
  'config.expand-env': { own: 'expandEnv' },
  'config.verify': { own: 'verify' },
  version: { own: 'version' },
  help: { own: 'help' },
  h: { own: 'help' },
  health: { own: 'health' },
  'health.url': { ownText: 'healthUrl' },
  target: key('target'),
  'auth.enabled': key('auth_enabled', 'bool'),
  'multitenancy.enabled': key('multitenancy_enabled', 'bool'),
  'http-api-prefix': key('http_api_prefix'),
  'log.level': key('server.log_level'),
  'server.http-listen-port': key('server.http_listen_port', 'int'),
  'server.grpc-listen-port': key('server.grpc_listen_port', 'int'),
  'shutdown-delay': key('shutdown_delay', 'duration'),
  'enable-go-runtime-metrics': key('enable_go_runtime_metrics', 'bool'),
  'querier.frontend-address': key('querier.frontend_worker.frontend_address'),
  'querier.max-bytes-per-tag-values-query': key(`${read}.max_bytes_per_tag_values_query`, 'int'),
  'querier.max-blocks-per-tag-values-query': key(`${read}.max_blocks_per_tag_values_query`, 'int'),
  'querier.max-condition-groups-per-tag-query': key(`${read}.max_condition_groups_per_tag_query`, 'int'),
  'ingester.max-bytes-per-trace': key('overrides.defaults.global.max_bytes_per_trace', 'int'),
  'query-frontend.mcp-server.enabled': key('query_frontend.mcp_server.enabled', 'bool'),
  'config.per-user-override-config': key('overrides.per_tenant_override_config'),
  'config.per-user-override-period': key('overrides.per_tenant_override_period', 'promDuration'),
  'config.enable-legacy-overrides': key('overrides.enable_legacy_overrides', 'bool'),
  'reporting.enabled': key('usage_report.reporting_enabled', 'bool'),
  'storage.trace.backend': key(`${trace}.backend`),
  'storage.trace.blocklist_poll': key(`${trace}.blocklist_poll`, 'duration'),
  'storage.trace.local.path': key(`${trace}.local.path`),
  'storage.trace.wal.path': key(`${trace}.wal`, 'any'),
  'storage.trace.pool.max-workers': key(`${trace}.pool.max_workers`, 'int'),
  'storage.trace.pool.queue-depth': key(`${trace}.pool.queue_depth`, 'int'),
  'storage.trace.s3.bucket': key(`${trace}.s3.bucket`),
  'storage.trace.s3.prefix': key(`${trace}.s3.prefix`),
  'storage.trace.s3.endpoint': key(`${trace}.s3.endpoint`),
  'storage.trace.s3.access_key': key(`${trace}.s3.access_key`),
  'storage.trace.s3.secret_key': key(`${trace}.s3.secret_key`),
  'storage.trace.s3.session_token': key(`${trace}.s3.session_token`),
  'storage.trace.s3.tls_min_version': key(`${trace}.s3.tls_min_version`),
  'storage.trace.s3.list_blocks_concurrency': key(`${trace}.s3.list_blocks_concurrency`, 'int'),
  'storage.trace.s3.sse.type': key(`${trace}.s3.sse.type`),
  'storage.trace.s3.sse.kms-key-id': key(`${trace}.s3.sse.kms_key_id`),
  'storage.trace.s3.sse.kms-encryption-context': key(`${trace}.s3.sse.kms_encryption_context`),
  'storage.trace.s3.sse.encryption-key': key(`${trace}.s3.sse.encryption_key`),
  'storage.trace.gcs.bucket': key(`${trace}.gcs.bucket_name`),
  'storage.trace.gcs.prefix': key(`${trace}.gcs.prefix`),
  'storage.trace.gcs.list_blocks_concurrency': key(`${trace}.gcs.list_blocks_concurrency`, 'int'),
  'storage.trace.gcs.max_retries': key(`${trace}.gcs.max_retries`, 'int'),
  'storage.trace.azure.storage_account_name': key(`${trace}.azure.storage_account_name`),
  'storage.trace.azure.storage_account_key': key(`${trace}.azure.storage_account_key`),
  'storage.trace.azure.container_name': key(`${trace}.azure.container_name`),
  'storage.trace.azure.prefix': key(`${trace}.azure.prefix`),
  'storage.trace.azure.endpoint': key(`${trace}.azure.endpoint_suffix`),
  'storage.trace.azure.max_buffers': key(`${trace}.azure.max_buffers`, 'int'),
};

/** Flags of Tempo's that set nothing here; a value that is not joined by `=` is skipped, too. */
const ignoredFlags = /^(memberlist\.|mem-ballast-size-mbs$)/;

/** Flags that need `=true` (spec config §1: bare use is an error there). */
const needValue = new Set(['config.expand-env', 'config.verify']);

/**
 * Reads a Go-style command line: `-x=y`, `-x y`, one or two dashes, booleans alone or with `=`. Throws AppError `config` with Go's texts:
 * `flag provided but not defined: -x`, `flag needs an argument: -x`, `invalid value "x" for flag -y: …`.
 */
export function parseFlags(args: readonly string[]): Flags {
  const own = { configFile: '', expandEnv: false, verify: false, version: false, help: false, health: false, healthUrl: '' };
  const values = new Map<string, ConfigValue>();
  for (let index = 0; index < args.length; index++) {
    const arg = args[index]!;
    const match = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(arg);
    if (match === null) throw new AppError('config', `unexpected argument ${arg}: flags look like -config.file=tempo.yaml`);
    const name = match[1]!;
    const target = Object.hasOwn(flags, name) ? flags[name]! : undefined;
    if (target === undefined && ignoredFlags.test(name)) {
      if (match[2] === undefined && args[index + 1]?.startsWith('-') === false) index++;
      continue;
    }
    if (target === undefined) throw unknownFlag(name);
    const isBool = 'own' in target || ('type' in target && target.type === 'bool');
    let text: string | undefined = match[2];
    if (text === undefined && isBool && !needValue.has(name)) text = 'true';
    if (text === undefined && !needValue.has(name)) text = args[++index];
    if (text === undefined) throw new AppError('config', `flag needs an argument: -${name}`);
    if ('path' in target) values.set(target.path, flagValue(name, target.type, text));
    else if ('ownText' in target) own[target.ownText] = text;
    else own[target.own] = flagValue(name, 'bool', text) as boolean;
  }
  return { ...own, values };
}

function unknownFlag(name: string): AppError {
  const suggestion = nearest(name, Object.keys(flags));
  return new AppError(
    'config',
    `flag provided but not defined: -${name}${suggestion === undefined ? '' : `, did you mean -${suggestion}?`}`,
  );
}

function flagValue(name: string, type: KeyType, text: string): ConfigValue {
  try {
    const goBool = type === 'bool' && /^(1|0|t|f)$/i.test(text) ? (/^[1t]$/i.test(text) ? 'true' : 'false') : text;
    const value = scalarValue(type, { text: goBool, quoted: false });
    if (value !== undefined) return value;
  } catch (thrown) {
    throw new AppError('config', `invalid value ${goQuote(text)} for flag -${name}: ${toAppError(thrown).message}`, { cause: thrown });
  }
  throw new AppError('config', `invalid value ${goQuote(text)} for flag -${name}: parse error`);
}

/** One line per flag, for `-help`. */
export function flagUsage(): string {
  return `Usage of rubato:\n${Object.keys(flags)
    .sort()
    .map((name) => `  -${name}\n`)
    .join('')}`;
}

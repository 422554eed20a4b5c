import { readFile } from 'node:fs/promises';
import { AppError, toAppError } from '#engine/base/errors.ts';
import type { BlockCacheLimits } from '#engine/cache/block-cache.ts';
import type { CacheConfig, CachesConfig, CacheTls, MemcachedConfig, RedisConfig, StoreConfig } from '#engine/cache/config.ts';
import { type CacheRole, cacheRoles } from '#engine/cache/roles.ts';
import { checkFields, type Fields, type FieldTable, mapOf, readFields } from './cache-fields.ts';
import type { ConfigValue } from './schema/key.ts';

type Values = ReadonlyMap<string, ConfigValue>;

const tls: FieldTable = {
  tls_enabled: ['bool', false],
  tls_cert_path: ['string', ''],
  tls_key_path: ['string', ''],
  tls_ca_path: ['string', ''],
  tls_server_name: ['string', ''],
  tls_insecure_skip_verify: ['bool', false],
  tls_cipher_suites: undefined,
  tls_min_version: undefined,
};

const memcachedFields: FieldTable = {
  ...tls,
  host: ['string', ''],
  service: ['string', 'memcached'],
  addresses: ['string', ''],
  timeout: ['duration', 100],
  max_idle_conns: ['int', 16],
  max_item_size: ['int', 0],
  update_interval: ['duration', 60_000],
  consistent_hash: undefined,
  circuit_breaker_consecutive_failures: ['uint', 10],
  circuit_breaker_timeout: ['duration', 10_000],
  circuit_breaker_interval: undefined,
  ttl: ['duration', 0],
};

const redisFields: FieldTable = {
  ...tls,
  endpoint: ['string', ''],
  master_name: ['string', ''],
  timeout: ['duration', 500],
  expiration: ['duration', 0],
  ttl: ['duration', 0],
  db: ['int', 0],
  pool_size: undefined,
  username: ['string', ''],
  password: ['string', ''],
  sentinel_username: ['string', ''],
  sentinel_password: ['string', ''],
  idle_timeout: undefined,
  max_connection_age: undefined,
};

/** An addition: in the process itself. */
const memoryFields: FieldTable = { max_size_bytes: ['int', 64 * 1024 * 1024], ttl: ['duration', 0] };

const backgroundFields: FieldTable = { writeback_goroutines: ['int', 10], writeback_buffer: ['int', 10_000] };

const defaultBreaker = { failures: 10, openMs: 10_000 };

/**
 * The caches of `cache` (spec config §7), and of the older `storage.trace.cache`, which serves bloom filters and what `search.cache_control` says. Rejects with
 * `config` `invalid cache config: …`; texts are Tempo's where it has one.
 */
export async function cachesConfig(values: Values): Promise<CachesConfig> {
  try {
    const root = mapOf(values.get('cache'), 'cache');
    checkFields(root, ['background', 'caches'], 'cache');
    const list = root.caches ?? [];
    if (!Array.isArray(list)) throw new AppError('config', 'cache.caches must be a list');
    const caches = await Promise.all(list.map((raw, i) => cacheConfig(raw, `cache.caches[${i}]`)));
    const legacy = await legacyCache(values);
    const all = legacy === undefined ? caches : [...caches, legacy];
    checkClaims(all);
    return { caches: all, background: background(legacy === undefined ? root.background : legacyBackground(values)) };
  } catch (thrown) {
    throw new AppError('config', `invalid cache config: ${toAppError(thrown).message}`, { cause: thrown });
  }
}

/** What of blocks is kept (spec read-path §7.1, §7.2). */
export function blockCacheLimits(values: Values): BlockCacheLimits {
  return {
    maxPageBytes: values.get('storage.trace.search.read_buffer_size_bytes') as number,
    bloomMaxCompactionLevel: values.get('storage.trace.cache_min_compaction_level') as number,
    bloomMaxAgeMs: values.get('storage.trace.cache_max_block_age') as number,
  };
}

function checkClaims(caches: readonly CacheConfig[]): void {
  const claimed = new Set<CacheRole>();
  for (const role of caches.flatMap(({ roles }) => roles)) {
    if (claimed.has(role)) throw new AppError('config', `role ${role} is claimed by more than one cache`);
    claimed.add(role);
  }
}

function background(raw: unknown): CachesConfig['background'] {
  const { writeback_goroutines, writeback_buffer } = readFields(raw, backgroundFields, 'cache.background');
  return { writers: Math.max(1, writeback_goroutines as number), bufferLength: Math.max(0, writeback_buffer as number) };
}

async function cacheConfig(raw: unknown, path: string): Promise<CacheConfig> {
  const map = mapOf(raw, path);
  checkFields(map, ['roles', 'memcached', 'redis', 'memory'], path);
  const roles = rolesOf(map.roles, path);
  const given = ['memcached', 'redis', 'memory'].filter((name) => map[name] !== undefined && map[name] !== null);
  const first = roles[0]!;
  if (given.length > 1) throw new AppError('config', `cache config for role ${first} has both ${given.slice(0, 2).join(' and ')} configs`);
  if (given.length === 0) throw new AppError('config', `cache config for role ${first} has neither memcached nor redis configs`);
  return { roles, store: await storeConfig(given[0]!, map[given[0]!], `${path}.${given[0]}`) };
}

function rolesOf(raw: unknown, path: string): readonly CacheRole[] {
  if (!Array.isArray(raw) || raw.length === 0) throw new AppError('config', `${path} needs at least one role`);
  return raw.map((name: unknown) => {
    const role = cacheRoles.find((candidate) => candidate === name);
    if (role === undefined) throw new AppError('config', `role ${String(name)} is not a valid role`);
    return role;
  });
}

async function storeConfig(kind: string, raw: unknown, path: string): Promise<StoreConfig> {
  if (kind === 'memcached') return memcachedConfig(readFields(raw, memcachedFields, path), path);
  if (kind === 'redis') return redisConfig(readFields(raw, redisFields, path), path);
  const fields = readFields(raw, memoryFields, path);
  return { kind: 'memory', maxBytes: Math.max(0, fields.max_size_bytes as number), ttlMs: fields.ttl as number };
}

async function memcachedConfig(fields: Fields, path: string): Promise<MemcachedConfig> {
  const addresses = listOf(fields.addresses as string);
  if (addresses.length === 0 && fields.host === '') throw new AppError('config', `${path} needs addresses or host`);
  return {
    kind: 'memcached',
    addresses,
    host: fields.host as string,
    service: fields.service as string,
    timeoutMs: fields.timeout as number,
    maxIdleConnections: fields.max_idle_conns as number,
    maxItemBytes: fields.max_item_size as number,
    updateIntervalMs: fields.update_interval as number,
    ttlMs: fields.ttl as number,
    breaker: { failures: fields.circuit_breaker_consecutive_failures as number, openMs: fields.circuit_breaker_timeout as number },
    tls: await tlsConfig(fields, path),
  };
}

async function redisConfig(fields: Fields, path: string): Promise<RedisConfig> {
  const endpoints = listOf(fields.endpoint as string);
  if (endpoints.length === 0) throw new AppError('config', `${path} needs an endpoint`);
  return {
    kind: 'redis',
    endpoints,
    masterName: fields.master_name as string,
    db: fields.db as number,
    username: fields.username as string,
    password: fields.password as string,
    sentinelUsername: fields.sentinel_username as string,
    sentinelPassword: fields.sentinel_password as string,
    timeoutMs: fields.timeout as number,
    maxItemBytes: 0,
    ttlMs: (fields.ttl as number) || (fields.expiration as number),
    breaker: defaultBreaker,
    tls: await tlsConfig(fields, path),
  };
}

function listOf(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

async function tlsConfig(fields: Fields, path: string): Promise<CacheTls | undefined> {
  if (fields.tls_enabled !== true) return undefined;
  const pem = async (name: string): Promise<string | undefined> => {
    const file = fields[name] as string;
    if (file === '') return undefined;
    try {
      return await readFile(file, 'utf8');
    } catch (thrown) {
      throw new AppError('config', `${path}.${name}: ${toAppError(thrown).message}`, { cause: thrown });
    }
  };
  const [caPem, certPem, keyPem] = await Promise.all(['tls_ca_path', 'tls_cert_path', 'tls_key_path'].map(pem));
  return {
    insecureSkipVerify: fields.tls_insecure_skip_verify as boolean,
    ...(caPem !== undefined && { caPem }),
    ...(certPem !== undefined && { certPem }),
    ...(keyPem !== undefined && { keyPem }),
    ...(fields.tls_server_name !== '' && { serverName: fields.tls_server_name as string }),
  };
}

const legacyRoles: readonly (readonly [control: string, role: CacheRole])[] = [
  ['footer', 'parquet-footer'],
  ['column_index', 'parquet-column-idx'],
  ['offset_index', 'parquet-offset-idx'],
];

async function legacyCache(values: Values): Promise<CacheConfig | undefined> {
  const kind = values.get('storage.trace.cache') as string;
  if (kind === '') return undefined;
  if (kind !== 'memcached' && kind !== 'redis') throw new AppError('config', `storage.trace.cache ${kind} is neither memcached nor redis`);
  const controlled = legacyRoles.filter(([control]) => values.get(`storage.trace.search.cache_control.${control}`) === true);
  const path = `storage.trace.${kind}`;
  return {
    roles: ['bloom', 'trace-id-index', ...controlled.map(([, role]) => role)],
    store: await storeConfig(kind, values.get(path), path),
  };
}

function legacyBackground(values: Values): Fields {
  const of = (name: string) => values.get(`storage.trace.background_cache.${name}`) as number;
  return { writeback_goroutines: of('writeback_goroutines'), writeback_buffer: of('writeback_buffer') };
}

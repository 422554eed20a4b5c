import type { CacheRole } from './roles.ts';

/** `cache` of the configuration (spec config §7), checked. Plain data: scan threads open the same caches. */
export interface CachesConfig {
  readonly caches: readonly CacheConfig[];
  readonly background: BackgroundConfig;
}

/** `cache.background`: writes go out beside the queries. */
export interface BackgroundConfig {
  /** Writes of one cache at once. */
  readonly writers: number;
  /** Writes that wait; more are dropped. */
  readonly bufferLength: number;
}

/** One cache and what it holds. */
export interface CacheConfig {
  readonly roles: readonly CacheRole[];
  readonly store: StoreConfig;
}

/** Where values are kept. */
export type StoreConfig = MemoryConfig | MemcachedConfig | RedisConfig;

/** In this process. */
export interface MemoryConfig {
  readonly kind: 'memory';
  readonly maxBytes: number;
  /** 0: as long as there is room. */
  readonly ttlMs: number;
}

/** What remote caches have in common. */
export interface RemoteConfig {
  /** Longest that a query waits for one lookup. */
  readonly timeoutMs: number;
  /** 0: as the server thinks fit. */
  readonly ttlMs: number;
  /** Longer values are not stored; 0: no limit. */
  readonly maxItemBytes: number;
  readonly breaker: BreakerConfig;
  readonly tls: CacheTls | undefined;
}

/** After so many failures in a row a cache is left alone for a while. */
export interface BreakerConfig {
  /** 0: never. */
  readonly failures: number;
  readonly openMs: number;
}

/** TLS settings, certificates as PEM text. */
export interface CacheTls {
  readonly caPem?: string;
  readonly certPem?: string;
  readonly keyPem?: string;
  readonly serverName?: string;
  readonly insecureSkipVerify: boolean;
}

/** memcached servers. */
export interface MemcachedConfig extends RemoteConfig {
  readonly kind: 'memcached';
  /** `host:port`, `dns+host:port`, `dnssrv+name`, `dnssrvnoa+name`. */
  readonly addresses: readonly string[];
  /** With the service, a name whose SRV records are the servers; '' where addresses say it. */
  readonly host: string;
  readonly service: string;
  readonly maxIdleConnections: number;
  /** How often names are looked up again. */
  readonly updateIntervalMs: number;
}

/** Redis or Valkey: one server, a cluster where several are named, sentinels where a master is named. */
export interface RedisConfig extends RemoteConfig {
  readonly kind: 'redis';
  /** `host:port`. */
  readonly endpoints: readonly string[];
  readonly masterName: string;
  readonly db: number;
  readonly username: string;
  readonly password: string;
  readonly sentinelUsername: string;
  readonly sentinelPassword: string;
}

/** Name of a cache in metrics: its roles joined by `|` (spec metrics §4). */
export function cacheName({ roles }: Pick<CacheConfig, 'roles'>): string {
  return roles.join('|');
}

/** What a cache does, for metrics (spec metrics §4). Plain data: scan threads post theirs to the main thread. `cache` is its name. */
export type CacheEvent =
  | {
      readonly kind: 'cacheRequest';
      readonly cache: string;
      readonly store: 'memory' | 'memcached' | 'redis';
      readonly method: 'Get' | 'GetMulti' | 'Put';
      /** 404: nothing was found. */
      readonly status: '200' | '404' | '500';
      readonly durationMs: number;
      /** Of lookups: keys found and asked for. */
      readonly hits: number;
      readonly keys: number;
    }
  /** A value was not stored because it is too long. */
  | { readonly kind: 'cacheSkipped'; readonly cache: string }
  /** A write was dropped because the buffer is full. */
  | { readonly kind: 'cacheDropped'; readonly cache: string }
  /** Writes came into the buffer or left it. */
  | { readonly kind: 'cacheQueue'; readonly cache: string; readonly change: number }
  /** Names of servers were looked up; every thread finds the same ones. */
  | { readonly kind: 'cacheServers'; readonly cache: string; readonly count: number }
  | { readonly kind: 'dnsLookup'; readonly failed: boolean };

/** Takes events as they come; must not throw. */
export type OnCacheEvent = (event: CacheEvent) => void;

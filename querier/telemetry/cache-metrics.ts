import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { CacheEvent, OnCacheEvent } from '#engine/cache/events.ts';

/** 16 µs × 4^0..4^7. */
const buckets = Array.from({ length: 8 }, (_, power) => 0.000_016 * 4 ** power);
const prefixes = { memcached: 'Memcache', redis: 'RedisCache', memory: 'MemoryCache' } as const;

/** Registers the metrics of caches (spec metrics §4); returns what keeps them. Each appears with the first event of its kind. */
export function createCacheMetrics(registry: Registry): OnCacheEvent {
  const registers = [registry];
  const histogram = (name: string, help: string) =>
    new Histogram({ name, help, buckets, labelNames: ['name', 'method', 'status_code'] as const, registers });
  const counter = (name: string, help: string) => new Counter({ name, help, labelNames: ['name'] as const, registers });
  const gauge = (name: string, help: string) => new Gauge({ name, help, labelNames: ['name'] as const, registers });
  const durations = {
    memcached: histogram('tempo_memcache_request_duration_seconds', 'Requests to memcached.'),
    redis: histogram('tempo_rediscache_request_duration_seconds', 'Requests to Redis.'),
    memory: undefined,
  };
  const servers = gauge('tempo_memcache_client_servers', 'memcached servers known.');
  const skipped = counter('tempo_memcache_client_set_skip_total', 'Values not stored because they are too long.');
  const queue = gauge('tempo_cache_background_queue_length', 'Writes to caches that wait.');
  const dropped = counter('tempo_cache_dropped_background_writes_total', 'Writes to caches dropped because too many waited.');
  const lookups = new Counter({ name: 'tempo_dns_lookups_total', help: 'Names of cache servers looked up.', registers });
  const failures = new Counter({ name: 'tempo_dns_failures_total', help: 'Names of cache servers not found.', registers });
  const keys = new Counter({
    name: 'rubato_cache_keys_total',
    help: 'Keys looked up in caches, by what came of it.',
    labelNames: ['name', 'result'] as const,
    registers,
  });
  const onRequest = ({
    cache: name,
    store,
    method,
    status,
    durationMs,
    hits,
    keys: asked,
  }: CacheEvent & { readonly kind: 'cacheRequest' }) => {
    durations[store]?.observe({ name, method: `${prefixes[store]}.${method}`, status_code: status }, durationMs / 1000);
    if (method === 'Put') return;
    if (hits > 0) keys.inc({ name, result: 'hit' }, hits);
    if (asked > hits) keys.inc({ name, result: status === '500' ? 'error' : 'miss' }, asked - hits);
  };
  return (event) => {
    switch (event.kind) {
      case 'cacheRequest':
        return onRequest(event);
      case 'cacheSkipped':
        return skipped.inc({ name: event.cache });
      case 'cacheDropped':
        return dropped.inc({ name: event.cache });
      case 'cacheQueue':
        return queue.inc({ name: event.cache }, event.change);
      case 'cacheServers':
        return servers.set({ name: event.cache }, event.count);
      case 'dnsLookup':
        lookups.inc();
        if (event.failed) failures.inc();
    }
  };
}

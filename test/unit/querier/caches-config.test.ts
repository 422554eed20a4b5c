import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { blockCacheLimits, cachesConfig } from '../../../querier/config/caches.ts';
import { defaultValues } from '../../../querier/config/load.ts';
import type { ConfigValue } from '../../../querier/config/schema/key.ts';

function values(cache: string, others: Readonly<Record<string, ConfigValue>> = {}): ReadonlyMap<string, ConfigValue> {
  return new Map([...defaultValues(), ...(cache === '' ? [] : [['cache', parse(cache)] as const]), ...Object.entries(others)]);
}

const breaker = { failures: 10, openMs: 10_000 };

test('without configuration there is no cache', async () => {
  assert.deepEqual(await cachesConfig(values('')), { caches: [], background: { writers: 10, bufferLength: 10_000 } });
  assert.deepEqual(blockCacheLimits(values('')), { maxPageBytes: 1_048_576, bloomMaxCompactionLevel: 0, bloomMaxAgeMs: 0 });
});

test('caches by role, as in Tempo, with defaults', async () => {
  const text = `
background: { writeback_goroutines: 3, writeback_buffer: 7 }
caches:
  - roles: [bloom, frontend-search]
    memcached: { addresses: "dns+memcached:11211, other:1", timeout: 1s, max_item_size: 1048576, ttl: 90m, consistent_hash: true, circuit_breaker_consecutive_failures: 0 }
  - roles: [parquet-footer]
    redis: { endpoint: "valkey:6379", password: p, db: 2, expiration: 1h, pool_size: 5 }
  - roles: [parquet-page]
    memory: { max_size_bytes: 1000 }
`;
  const none = { username: '', sentinelUsername: '', sentinelPassword: '', masterName: '' };
  assert.deepEqual(await cachesConfig(values(text)), {
    background: { writers: 3, bufferLength: 7 },
    caches: [
      {
        roles: ['bloom', 'frontend-search'],
        store: {
          kind: 'memcached',
          addresses: ['dns+memcached:11211', 'other:1'],
          host: '',
          service: 'memcached',
          timeoutMs: 1000,
          maxIdleConnections: 16,
          maxItemBytes: 1_048_576,
          updateIntervalMs: 60_000,
          ttlMs: 5_400_000,
          breaker: { failures: 0, openMs: 10_000 },
          tls: undefined,
        },
      },
      {
        roles: ['parquet-footer'],
        store: {
          kind: 'redis',
          endpoints: ['valkey:6379'],
          ...none,
          password: 'p',
          db: 2,
          timeoutMs: 500,
          maxItemBytes: 0,
          ttlMs: 3_600_000,
          breaker,
          tls: undefined,
        },
      },
      { roles: ['parquet-page'], store: { kind: 'memory', maxBytes: 1000, ttlMs: 0 } },
    ],
  });
});

test('mistakes are told with the texts of Tempo', async () => {
  const cases: readonly (readonly [text: string, message: string | RegExp])[] = [
    ['caches: [{ roles: [bogus], redis: { endpoint: x } }]', 'role bogus is not a valid role'],
    ['caches: [{ roles: [none], redis: { endpoint: x } }]', 'role none is not a valid role'],
    [
      'caches: [{ roles: [bloom], redis: { endpoint: x }, memcached: { addresses: x } }]',
      'cache config for role bloom has both memcached and redis configs',
    ],
    ['caches: [{ roles: [bloom] }]', 'cache config for role bloom has neither memcached nor redis configs'],
    [
      'caches: [{ roles: [bloom], redis: { endpoint: x } }, { roles: [bloom], redis: { endpoint: x } }]',
      'role bloom is claimed by more than one cache',
    ],
    ['caches: [{ roles: [], redis: { endpoint: x } }]', /at least one role/],
    ['caches: [{ roles: [bloom], redis: {} }]', /needs an endpoint/],
    ['caches: [{ roles: [bloom], memcached: {} }]', /needs addresses or host/],
    [
      'caches: [{ roles: [bloom], memcached: { adresses: x } }]',
      /field adresses not found in cache.caches\[0\].memcached, did you mean addresses\?/,
    ],
    ['caches: [{ roles: [bloom], memcached: { addresses: x, timeout: soon } }]', /soon/],
    ['caches: [{ roles: [bloom], memcached: { addresses: x, max_idle_conns: many } }]', /max_idle_conns: cannot read "many" as int/],
    ['cachs: []', /field cachs not found in cache, did you mean caches\?/],
  ];
  for (const [text, message] of cases) {
    await assert.rejects(cachesConfig(values(text)), ({ code, message: told }: Error & { code: string }) => {
      assert.equal(code, 'config');
      if (typeof message === 'string') assert.equal(told, `invalid cache config: ${message}`);
      else assert.match(told, message);
      return true;
    });
  }
});

test('the older keys below storage.trace still count', async () => {
  const old = {
    'storage.trace.cache': 'memcached',
    'storage.trace.memcached': { host: 'memcached', service: 'memcached-client', timeout: '500ms' },
    'storage.trace.search.cache_control.footer': true,
    'storage.trace.search.cache_control.offset_index': true,
    'storage.trace.background_cache.writeback_goroutines': 2,
    'storage.trace.cache_min_compaction_level': 3,
    'storage.trace.cache_max_block_age': 48 * 3_600_000,
  };
  const { caches, background } = await cachesConfig(values('', old));
  assert.deepEqual(background, { writers: 2, bufferLength: 10_000 });
  assert.deepEqual(caches[0]!.roles, ['bloom', 'trace-id-index', 'parquet-footer', 'parquet-offset-idx']);
  const { store } = caches[0]!;
  assert.ok(store.kind === 'memcached' && store.host === 'memcached' && store.service === 'memcached-client' && store.timeoutMs === 500);
  assert.deepEqual(blockCacheLimits(values('', old)), { maxPageBytes: 1_048_576, bloomMaxCompactionLevel: 3, bloomMaxAgeMs: 172_800_000 });
  await assert.rejects(cachesConfig(values('', { 'storage.trace.cache': 'tape' })), { code: 'config' });
  const both = values('caches: [{ roles: [bloom], redis: { endpoint: x } }]', old);
  await assert.rejects(cachesConfig(both), { message: 'invalid cache config: role bloom is claimed by more than one cache' });
});

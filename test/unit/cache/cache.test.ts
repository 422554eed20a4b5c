import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '#engine/base/errors.ts';
import { createBlockCache } from '#engine/cache/block-cache.ts';
import { createCache } from '#engine/cache/cache.ts';
import type { CacheConfig } from '#engine/cache/config.ts';
import type { CacheEvent } from '#engine/cache/events.ts';
import { resolveServers } from '#engine/cache/memcached-servers.ts';
import { chooseServer } from '#engine/cache/memcached-store.ts';
import { createMemoryStore } from '#engine/cache/memory-store.ts';
import { noCaches } from '#engine/cache/open-caches.ts';
import type { CacheStore } from '#engine/cache/store.ts';
import { createVirtualClock } from '../base/virtual-clock.ts';

const remote = { maxItemBytes: 0, ttlMs: 0, tls: undefined, breaker: { failures: 3, openMs: 10_000 } };
const config: CacheConfig = {
  roles: ['parquet-page', 'bloom'],
  store: {
    kind: 'memcached',
    addresses: ['x'],
    host: '',
    service: '',
    maxIdleConnections: 1,
    updateIntervalMs: 1000,
    timeoutMs: 100,
    ...remote,
  },
};

/** A cache over a store that answers after some time, or fails; both can be changed. */
function create(background = { writers: 1, bufferLength: 10 }) {
  const clock = createVirtualClock();
  const events: CacheEvent[] = [];
  const server = { delayMs: 10, fails: false, calls: 0, aborted: 0 };
  const call = async (signal: AbortSignal): Promise<void> => {
    server.calls++;
    signal.addEventListener('abort', () => server.aborted++, { once: true });
    await clock.sleep(server.delayMs);
    if (server.fails) throw new AppError('unavailable', 'it fails');
  };
  const store: CacheStore = {
    get: (keys, signal) => call(signal).then(() => keys.map((key) => (key === 'absent' ? undefined : Buffer.from(key)))),
    set: (_, __, signal) => call(signal),
    close: () => undefined,
  };
  const cache = createCache({ config, background, store, clock, onEvent: (event) => events.push(event) });
  /** What a lookup gives and how long it takes. */
  const get = async (key = 'k', signal?: AbortSignal) => {
    const startedMs = clock.nowMs();
    const result = cache.get([key], signal).then(
      ([value]) => value?.toString(),
      (thrown: AppError) => thrown.code,
    );
    let tookMs = -1;
    void result.then(() => {
      tookMs = clock.nowMs() - startedMs;
    });
    await clock.run(startedMs + 5000);
    return [await result, tookMs] as const;
  };
  return { clock, events, server, cache, get };
}

test('a cache answers within its timeout or not at all', async () => {
  const { server, get, events } = create();
  assert.deepEqual(await get(), ['k', 10]);
  assert.deepEqual(await get('absent'), [undefined, 10]);
  server.delayMs = 1000;
  assert.deepEqual(await get(), [undefined, 100]);
  assert.equal(server.aborted, 3, 'also the store is told that nobody waits');
  const seen = events.flatMap((event) =>
    event.kind === 'cacheRequest' ? [[event.cache, event.method, event.status, event.durationMs, event.hits]] : [],
  );
  const name = 'parquet-page|bloom';
  assert.deepEqual(seen, [
    [name, 'Get', '200', 10, 1],
    [name, 'Get', '404', 10, 0],
    [name, 'Get', '500', 100, 0],
  ]);
});

test('the breaker opens after failures in a row, lets one call try after the pause, and closes when it succeeds', async () => {
  const { server, get, clock } = create();
  server.fails = true;
  for (let i = 0; i < 2; i++) await get();
  server.fails = false;
  await get();
  server.fails = true;
  for (let i = 0; i < 3; i++) assert.deepEqual(await get(), [undefined, 10], 'a success in between has started the count anew');
  const calls = server.calls;
  assert.deepEqual(await get(), [undefined, 0]);
  assert.equal(server.calls, calls);
  await clock.run(clock.nowMs() + 10_000);
  server.delayMs = 1000;
  assert.deepEqual(
    await Promise.all([get(), get(), get()]),
    [
      [undefined, 100],
      [undefined, 0],
      [undefined, 0],
    ],
    'one call tries',
  );
  assert.deepEqual(await get(), [undefined, 0], 'it failed: open again');
  assert.equal(server.calls, calls + 1);
  await clock.run(clock.nowMs() + 10_000);
  Object.assign(server, { fails: false, delayMs: 10 });
  assert.deepEqual(await get(), ['k', 10]);
  assert.deepEqual(await get(), ['k', 10]);
});

test('the caller ends a lookup, which says nothing about the cache', async () => {
  const { server, get, clock } = create();
  server.delayMs = 90;
  for (let i = 0; i < 5; i++) {
    const controller = new AbortController();
    void clock.sleep(50).then(() => controller.abort());
    assert.deepEqual(await get('k', controller.signal), ['cancelled', 50]);
  }
  assert.deepEqual(await get(), ['k', 90]);
  assert.equal(clock.pending(), 0);
});

test('writes wait in a bounded buffer and never hold anybody up', async () => {
  const { server, cache, events, clock } = create({ writers: 1, bufferLength: 2 });
  for (let i = 0; i < 5; i++) cache.set(`k${i}`, new Uint8Array(10));
  cache.set('large', new Uint8Array(65 << 20));
  assert.equal(events.filter(({ kind }) => kind === 'cacheDropped').length, 3);
  await clock.run(1000);
  assert.equal(server.calls, 3);
  await cache.flush();
});

test('what is kept in the process ends with its time, and with the room', async () => {
  let nowMs = 0;
  const store = createMemoryStore({ kind: 'memory', maxBytes: 10_000, ttlMs: 1000 }, { monotonicMs: () => nowMs });
  const never = new AbortController().signal;
  const large = new Uint8Array(1 << 20);
  await store.set('a', large.subarray(0, 100), never);
  const [value] = await store.get(['a', 'b'], never);
  assert.deepEqual([value?.length, value?.buffer.byteLength], [100, 100]);
  nowMs = 1000;
  assert.deepEqual(await store.get(['a'], never), [undefined]);
  for (let i = 0; i < 100; i++) await store.set(`k${i}`, new Uint8Array(1000), never);
  const found = await store.get(
    Array.from({ length: 100 }, (_, i) => `k${i}`),
    never,
  );
  const left = found.filter((held) => held !== undefined).length;
  assert.ok(left >= 5 && left < 10, `${left}`);
});

test('servers are found by address, by name and by SRV records; a lookup that fails keeps those of before', async () => {
  const lookups = {
    lookup: async (host: string) => {
      if (host === 'gone') throw new Error('ENOTFOUND');
      return host === 'two.example' ? [{ address: '10.0.0.2' }, { address: '10.0.0.1' }] : [{ address: `ip-of-${host}` }];
    },
    resolveSrv: async (name: string) => [
      { name: `a.${name}`, port: 1 },
      { name: `b.${name}`, port: 2 },
    ],
  };
  const resolve = async (addresses: readonly string[], host = '', service = 'memcached') => {
    const outcomes: boolean[] = [];
    const found = await resolveServers({ addresses, host, service }, lookups, (failed) => outcomes.push(failed));
    return [found && [...found.keys()], outcomes] as const;
  };
  assert.deepEqual(await resolve(['one:1', '[::1]:2', 'three']), [['::1:2', 'one:1', 'three:11211'], []]);
  assert.deepEqual(await resolve(['dns+two.example:5']), [['10.0.0.1:5', '10.0.0.2:5'], [false]]);
  assert.deepEqual(await resolve(['dnssrv+_m._tcp.x']), [
    ['ip-of-a._m._tcp.x:1', 'ip-of-b._m._tcp.x:2'],
    [false, false, false],
  ]);
  assert.deepEqual(await resolve(['dnssrvnoa+_m._tcp.x']), [['a._m._tcp.x:1', 'b._m._tcp.x:2'], [false]]);
  assert.deepEqual((await resolve([], 'cache.svc', 'mc'))[0], ['ip-of-a._mc._tcp.cache.svc:1', 'ip-of-b._mc._tcp.cache.svc:2']);
  assert.deepEqual(await resolve(['dns+gone:1', 'one:1']), [undefined, [true]]);
});

test('only the keys of a lost server move', () => {
  const servers = ['a:1', 'b:1', 'c:1', 'd:1'];
  const keys = Array.from({ length: 2000 }, (_, i) => `tenant:block:data.parquet:${i * 1000}:1000`);
  const before = keys.map((key) => chooseServer(key, servers));
  for (const server of servers) {
    const count = before.filter((chosen) => chosen === server).length;
    assert.ok(count > 400 && count < 600, `${server}: ${count} of 2000`);
  }
  const after = keys.map((key) => chooseServer(key, servers.slice(0, 3)));
  for (const [i, chosen] of before.entries()) if (chosen !== 'd:1') assert.equal(after[i], chosen);
});

test('bloom filters of high levels and of old blocks are not kept', () => {
  const keeps = (bloomMaxCompactionLevel: number, bloomMaxAgeMs: number, compactionLevel: number, startSeconds: number) =>
    createBlockCache(noCaches, { maxPageBytes: 0, bloomMaxCompactionLevel, bloomMaxAgeMs }, () => 1_000_000).keepsBloom({
      compactionLevel,
      startSeconds,
    });
  assert.equal(keeps(0, 0, 9, 0), true);
  assert.equal(keeps(2, 0, 2, 0), true);
  assert.equal(keeps(2, 0, 3, 0), false);
  assert.equal(keeps(0, 100_000, 9, 900), true);
  assert.equal(keeps(0, 100_000, 9, 899), false);
});

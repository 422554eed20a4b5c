import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { systemClock } from '#engine/base/clock.ts';
import type { CachesConfig, MemcachedConfig, RedisConfig, StoreConfig } from '#engine/cache/config.ts';
import type { CacheEvent } from '#engine/cache/events.ts';
import { openCaches } from '#engine/cache/open-caches.ts';
import type { CacheServer } from './cache-server.ts';
import { startMemcached } from './memcached-server.ts';
import { startRedis } from './redis-server.ts';

// Goal: values come back byte for byte through the real protocols, and a cache that is slow, dead or mad costs a bounded wait and nothing else.
// Method: real sockets; servers of test code that misbehave on demand. With MEMCACHED and REDIS (host:port) in the environment the first test also runs
// against real ones.

// Long, since machines may be busy; short where a test waits for it.
const remote = { timeoutMs: 20_000, ttlMs: 0, maxItemBytes: 0, breaker: { failures: 3, openMs: 60_000 }, tls: undefined };

function memcached(addresses: readonly string[], changes: Partial<MemcachedConfig> = {}): MemcachedConfig {
  return { kind: 'memcached', addresses, host: '', service: '', maxIdleConnections: 16, updateIntervalMs: 60_000, ...remote, ...changes };
}

function redis(endpoints: readonly string[], changes: Partial<RedisConfig> = {}): RedisConfig {
  const none = { masterName: '', db: 0, username: '', password: '', sentinelUsername: '', sentinelPassword: '' };
  return { kind: 'redis', endpoints, ...none, ...remote, ...changes };
}

type Kind = 'memcached' | 'redis';
const kinds: readonly Kind[] = ['memcached', 'redis'];

async function start(t: TestContext, kind: Kind): Promise<CacheServer> {
  const server = kind === 'redis' ? await startRedis('secret') : await startMemcached();
  t.after(server.close);
  return server;
}

function configOf(kind: Kind, endpoints: readonly string[], changes: Partial<typeof remote> = {}): StoreConfig {
  return kind === 'redis' ? redis(endpoints, changes) : memcached(endpoints, changes);
}

async function open(t: TestContext, store: StoreConfig, background: CachesConfig['background'] = { writers: 10, bufferLength: 10_000 }) {
  const events: CacheEvent[] = [];
  const config: CachesConfig = { caches: [{ roles: ['bloom', 'parquet-page'], store }], background };
  const caches = await openCaches(config, ['parquet-page'], { clock: systemClock, onEvent: (event) => events.push(event) });
  t.after(caches.close);
  assert.equal(caches.of('bloom'), undefined, 'only what is wanted');
  const statuses = () => events.flatMap((event) => (event.kind === 'cacheRequest' ? [`${event.method} ${event.status}`] : []));
  return { cache: caches.of('parquet-page')!, events, statuses };
}

const every = Uint8Array.from({ length: 256 }, (_, i) => i);
const large = Uint8Array.from({ length: 900_000 }, (_, i) => (i * 7919) >> 3);
const values: readonly (readonly [key: string, value: Uint8Array])[] = [
  ['t:b:data.parquet:0:256', every],
  ['t:b:data.parquet:1:900000', large],
  ['t:b:bloom-0', new Uint8Array(0)],
  ["te(n)a'n*t!:b:index", Buffer.from('\r\nEND\r\nVALUE x 0 1\r\n$5\r\n')],
];

async function roundTrips(t: TestContext, store: StoreConfig): Promise<void> {
  const { cache, statuses } = await open(t, store);
  const keys = values.map(([key]) => key);
  for (const [key, value] of values) cache.set(key, value);
  await cache.flush();
  const found = await cache.get([...keys, 'absent']);
  assert.deepEqual(
    found.map((value) => value && Buffer.from(value).toString('hex').slice(0, 10_000)),
    [...values.map(([, value]) => Buffer.from(value).toString('hex').slice(0, 10_000)), undefined],
  );
  assert.deepEqual(Buffer.from(found[1]!), Buffer.from(large));
  assert.deepEqual(await cache.get(['absent']), [undefined]);
  assert.deepEqual(statuses(), ['Put 200', 'Put 200', 'Put 200', 'Put 200', 'GetMulti 200', 'Get 404']);
  const many = await Promise.all(Array.from({ length: 200 }, (_, i) => cache.get([i === 100 ? keys[1]! : keys[0]!])));
  for (const [i, [value]] of many.entries()) assert.equal(value?.length, i === 100 ? large.length : every.length);
}

for (const kind of kinds) {
  test(`${kind}: values come back as they went`, async (t) => {
    const server = await start(t, kind);
    await roundTrips(t, configOf(kind, [server.endpoint]));
    const real = process.env[kind.toUpperCase()];
    if (real !== undefined) await roundTrips(t, configOf(kind, [real]));
  });

  test(`${kind}: a cache that does not answer costs its timeout a few times, then nothing`, async (t) => {
    const server = await start(t, kind);
    const { cache, statuses } = await open(t, configOf(kind, [server.endpoint], { timeoutMs: 50 }));
    server.behave('silent');
    for (let i = 0; i < 3; i++) assert.deepEqual(await cache.get(['a', 'b']), [undefined, undefined]);
    assert.deepEqual(statuses(), ['GetMulti 500', 'GetMulti 500', 'GetMulti 500']);
    const commands = server.commands.length;
    for (let i = 0; i < 1000; i++) assert.deepEqual(await cache.get(['a']), [undefined]);
    assert.equal(statuses().length, 3, 'the breaker is open: nobody asks');
    assert.equal(server.commands.length, commands);
  });

  test(`${kind}: nonsense, closed connections and refused ones are misses`, async (t) => {
    const server = await start(t, kind);
    for (const behaviour of ['nonsense', 'closing'] as const) {
      const { cache, statuses } = await open(t, configOf(kind, [server.endpoint], { timeoutMs: 1000 }));
      server.behave(behaviour);
      assert.deepEqual(await cache.get(['a']), [undefined]);
      assert.deepEqual(statuses(), ['Get 500']);
    }
    const { cache } = await open(t, configOf(kind, ['127.0.0.1:1'], { timeoutMs: 1000 }));
    assert.deepEqual(await cache.get(['a']), [undefined]);
  });

  test(`${kind}: a server that comes back is used again`, async (t) => {
    const server = await start(t, kind);
    const breaker = { failures: 1, openMs: 30 };
    const { cache } = await open(t, configOf(kind, [server.endpoint], { timeoutMs: 5000, breaker }));
    cache.set('a', every);
    await cache.flush();
    server.behave('closing');
    assert.deepEqual(await cache.get(['a']), [undefined]);
    server.behave('good');
    for (let tries = 0; ; tries++) {
      const [value] = await cache.get(['a']);
      if (value !== undefined) break;
      assert.ok(tries < 200, 'still not back');
      await systemClock.sleep(20);
    }
  });

  test(`${kind}: the caller ends a lookup`, async (t) => {
    const server = await start(t, kind);
    const { cache, statuses } = await open(t, configOf(kind, [server.endpoint], { timeoutMs: 60_000 }));
    server.behave('silent');
    const controller = new AbortController();
    const running = cache.get(['a'], controller.signal);
    setImmediate(() => controller.abort());
    await assert.rejects(running, { code: 'cancelled' });
    assert.deepEqual(statuses(), []);
  });

  test(`${kind}: ttl and max_item_size`, async (t) => {
    const server = await start(t, kind);
    const { cache, events } = await open(t, configOf(kind, [server.endpoint], { ttlMs: 90_000, maxItemBytes: 256 }));
    cache.set('fits', every);
    cache.set('too-long', new Uint8Array(257));
    await cache.flush();
    assert.deepEqual([...server.values.keys()], ['fits']);
    assert.ok(server.commands.includes(kind === 'redis' ? 'set fits PX 90000' : 'set fits 90'), server.commands.join('\n'));
    assert.equal(events.filter((event) => event.kind === 'cacheSkipped').length, 1);
  });
}

test('redis: username, password and database are sent first', async (t) => {
  const server = await startRedis('secret');
  t.after(server.close);
  const { cache } = await open(t, redis([server.endpoint], { username: 'me', password: 'secret', db: 3 }));
  assert.deepEqual(await cache.get(['a']), [undefined]);
  const first = server.commands.map((command) => command.toLowerCase());
  assert.ok(first.indexOf('auth me secret') >= 0 && first.indexOf('select 3') >= 0, first.join('\n'));
});

test('memcached: keys are spread over servers; a lost one takes only its own along', async (t) => {
  const servers = [await startMemcached(), await startMemcached(), await startMemcached()];
  const addresses = servers.map(({ endpoint }) => endpoint);
  const keys = Array.from({ length: 300 }, (_, i) => `t:b:data.parquet:${i}:100`);
  const { cache } = await open(t, memcached(addresses, { breaker: { failures: 0, openMs: 0 } }));
  for (const key of keys) cache.set(key, Buffer.from(key));
  await cache.flush();
  for (const { values: held } of servers) assert.ok(held.size > 60, `${held.size} of 300 on one of three servers`);
  const found = await cache.get(keys);
  assert.deepEqual(
    found.map(String),
    keys.map((key) => String(Uint8Array.from(Buffer.from(key)))),
  );
  const lost = servers[2]!;
  await lost.close();
  const { cache: smaller } = await open(t, memcached(addresses.slice(0, 2)));
  const left = await smaller.get(keys);
  assert.equal(left.filter((value) => value !== undefined).length, 300 - lost.values.size);
  for (const server of servers.slice(0, 2)) t.after(server.close);
});

test('writes beyond the buffer are dropped and counted, and the queue is told', async (t) => {
  const server = await start(t, 'memcached');
  const { cache, events } = await open(t, memcached([server.endpoint], { timeoutMs: 100, breaker: { failures: 0, openMs: 0 } }), {
    writers: 1,
    bufferLength: 3,
  });
  server.behave('silent');
  for (let i = 0; i < 10; i++) cache.set(`k${i}`, every);
  // One is on its way, three wait.
  assert.equal(events.filter((event) => event.kind === 'cacheDropped').length, 6);
  const queued = () => events.reduce((sum, event) => sum + (event.kind === 'cacheQueue' ? event.change : 0), 0);
  assert.equal(queued(), 3);
  server.behave('good');
  await cache.flush();
  assert.equal(queued(), 0);
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createServer } from 'node:tls';
import { systemClock } from '#engine/base/clock.ts';
import type { CacheTls, StoreConfig } from '#engine/cache/config.ts';
import { openCaches } from '#engine/cache/open-caches.ts';
import { startMemcached } from './memcached-server.ts';
import { startRedis } from './redis-server.ts';

// Goal: `tls_enabled` encrypts, checks the server's certificate and shows the client's.
// Method: a TLS server in front of the plain ones, which wants a client's certificate.

const pem = (name: string) => readFileSync(join(import.meta.dirname, '../../fixtures/tls', `${name}.pem`), 'utf8');
const client: CacheTls = {
  caPem: pem('ca'),
  certPem: pem('client'),
  keyPem: pem('client-key'),
  serverName: 'localhost',
  insecureSkipVerify: false,
};

/** Starts TLS on a free port in front of a plain server. */
async function encrypt(t: TestContext, port: number): Promise<string> {
  const options = { cert: pem('server'), key: pem('server-key'), ca: pem('ca'), requestCert: true, rejectUnauthorized: true };
  const server = createServer(options, (socket) => {
    const plain = connect(port, '127.0.0.1');
    socket.on('error', () => plain.destroy());
    plain.on('error', () => socket.destroy());
    socket.pipe(plain).pipe(socket);
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function storeOf(kind: 'memcached' | 'redis', endpoint: string, tls: CacheTls): StoreConfig {
  const remote = { timeoutMs: 5000, ttlMs: 0, maxItemBytes: 0, breaker: { failures: 1, openMs: 60_000 }, tls };
  if (kind === 'memcached') {
    return { kind, addresses: [endpoint], host: '', service: '', maxIdleConnections: 4, updateIntervalMs: 60_000, ...remote };
  }
  const none = { masterName: '', db: 0, username: '', password: '', sentinelUsername: '', sentinelPassword: '' };
  return { kind, endpoints: [endpoint], ...none, ...remote };
}

for (const kind of ['memcached', 'redis'] as const) {
  test(`${kind} over TLS`, async (t) => {
    const server = kind === 'redis' ? await startRedis() : await startMemcached();
    t.after(server.close);
    const endpoint = await encrypt(t, server.port);
    const roundTrip = async (tls: CacheTls) => {
      const config = {
        caches: [{ roles: ['bloom'], store: storeOf(kind, endpoint, tls) }],
        background: { writers: 1, bufferLength: 10 },
      } as const;
      const caches = await openCaches(config, ['bloom'], { clock: systemClock, onEvent: () => {} });
      const cache = caches.of('bloom')!;
      cache.set('key', Buffer.from('value'));
      await cache.flush();
      const [value] = await cache.get(['key']);
      caches.close();
      return value && Buffer.from(value).toString();
    };
    assert.equal(await roundTrip(client), 'value');
    server.values.clear();
    assert.equal(await roundTrip({ ...client, serverName: 'elsewhere.example' }), undefined, 'another name than the certificate has');
    const { caPem: _, ...unknownCa } = client;
    assert.equal(await roundTrip(unknownCa), undefined, 'an authority that nobody knows');
    assert.equal(server.values.size, 0);
    assert.equal(await roundTrip({ ...unknownCa, insecureSkipVerify: true }), 'value');
  });
}

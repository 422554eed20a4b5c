// ID tokens for Cloud Run, from a metadata server as Google's machines have it.
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { callTypes } from '#engine/api/function-call.ts';
import { systemClock } from '#engine/base/clock.ts';
import { createIdTokens } from '../../../querier/external/id-tokens.ts';
import { openPools } from '../../../querier/external/pools.ts';

function token(audience: string, number: number, lifeSeconds: number): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  return `${part({ alg: 'RS256' })}.${part({ aud: audience, iat: now, exp: now + lifeSeconds, n: number })}.c2ln`;
}

async function listen(
  t: TestContext,
  answer: (request: IncomingMessage) => readonly [status: number, body: string, headers?: object],
): Promise<string> {
  const server = createServer((request, response) => {
    const [status, body, headers = {}] = answer(request);
    response.writeHead(status, { ...headers }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('a token for each endpoint, kept until it is about to expire, sent as a bearer', async (t) => {
  let issued = 0;
  let lifeSeconds = 3600;
  const asked: string[] = [];
  const metadata = await listen(t, ({ url = '', headers }) => {
    assert.equal(headers['metadata-flavor'], 'Google');
    const flavour = { 'Metadata-Flavor': 'Google' };
    const audience = new URL(url, 'http://x').searchParams.get('audience');
    if (audience === null) return [200, 'ok', flavour];
    asked.push(audience);
    return [200, token(audience, issued++, lifeSeconds), flavour];
  });
  process.env.GCE_METADATA_HOST = metadata;
  delete process.env.GOOGLE_APPLICATION_CREDENTIALS;
  const seen: string[] = [];
  const fn = await listen(t, ({ headers }) => {
    seen.push(headers.authorization ?? '');
    const version = { protocol: 1, engine: 'x', formats: [], kinds: [], memoryMb: 0, nowMs: 0, backend: 'ok' };
    return [200, JSON.stringify(version), { 'content-type': callTypes.version }];
  });
  const url = `http://${fn}/search`;
  const pool = {
    name: 'default',
    endpoints: [url],
    platform: 'cloudrun',
    auth: 'google_id_token',
    region: '',
    memoryMb: undefined,
    lambdaApi: '',
  } as const;
  const { greet } = await openPools({
    config: { pools: [pool], versionCheck: 'off' },
    limits: () => ({ maxBytesPerTrace: 0 }) as never,
    clock: systemClock,
    env: {},
    onRoundTrip: () => {},
    onComplaint: () => {},
  });
  const { signal } = new AbortController();
  await greet(undefined, signal);
  await greet(undefined, signal);
  assert.deepEqual(asked, [url], 'one token, whose audience is the endpoint');
  assert.equal(seen.length, 2);
  assert.equal(JSON.parse(Buffer.from(seen[0]!.split('.')[1]!, 'base64url').toString()).aud, url);
  assert.match(seen[0]!, /^Bearer /);
  assert.equal(seen[0], seen[1]);

  lifeSeconds = 1;
  const authorize = await createIdTokens([url]);
  const request = { method: 'GET', target: '/', headers: {} } as const;
  const endpoint = { url } as never;
  const first = await authorize(endpoint, request, signal);
  const second = await authorize(endpoint, request, signal);
  assert.notEqual(first.headers.Authorization, second.headers.Authorization, 'a token that is about to expire is fetched anew');
});

test('without tokens a process does not start, and says why', async (t) => {
  process.env.GCE_METADATA_HOST = await listen(t, () => [404, 'no identity', { 'Metadata-Flavor': 'Google' }]);
  await assert.rejects(createIdTokens(['https://a.run.app']), {
    code: 'config',
    message: /^failed to create one or more token sources: https:\/\/a\.run\.app: /,
  });
});

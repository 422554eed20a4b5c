import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createCredentialSource } from '#engine/backend/aws-credentials.ts';

const none = { accessKey: '', secretKey: '', sessionToken: '' };

test('static keys come before the environment', async () => {
  const env = { AWS_ACCESS_KEY_ID: 'env', AWS_SECRET_ACCESS_KEY: 'env-secret', AWS_SESSION_TOKEN: 'env-token' };
  const clock = { nowMs: () => 0 };
  const fixed = createCredentialSource({ accessKey: 'a', secretKey: 'b', sessionToken: '', env, clock });
  assert.deepEqual(await fixed.get(), { accessKeyId: 'a', secretAccessKey: 'b' });
  const fromEnv = createCredentialSource({ ...none, env, clock });
  assert.deepEqual(await fromEnv.get(), { accessKeyId: 'env', secretAccessKey: 'env-secret', sessionToken: 'env-token' });
  await assert.rejects(createCredentialSource({ ...none, env: {}, clock }).get(), { code: 'config' });
});

test('container credentials are fetched once, kept until shortly before they expire, and again when rejected', async (context) => {
  let served = 0;
  let broken = false;
  let nowMs = Date.UTC(2026, 0, 10, 12);
  const service = createServer((request, response) => {
    assert.equal(request.headers.authorization, 'secret-token');
    served++;
    if (broken) response.writeHead(500).end('{}');
    else {
      const Expiration = new Date(nowMs + 3_600_000).toISOString();
      response.end(JSON.stringify({ AccessKeyId: `key-${served}`, SecretAccessKey: 's', Token: 't', Expiration }));
    }
  });
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  context.after(() => service.close());
  const env = {
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${(service.address() as AddressInfo).port}/creds`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN: 'secret-token',
  };
  const source = createCredentialSource({ ...none, env, clock: { nowMs: () => nowMs } });
  const first = await Promise.all([source.get(), source.get(), source.get()]);
  assert.equal(served, 1);
  assert.deepEqual(first[2], { accessKeyId: 'key-1', secretAccessKey: 's', sessionToken: 't' });
  nowMs += 3_200_000;
  assert.equal((await source.get()).accessKeyId, 'key-1');
  nowMs += 200_000;
  broken = true;
  assert.equal((await source.get()).accessKeyId, 'key-1', 'still good, though the service fails');
  nowMs += 300_000;
  await assert.rejects(source.get(), { code: 'unavailable' });
  broken = false;
  const fresh = await source.get();
  assert.equal(fresh.accessKeyId, `key-${served}`);
  source.invalidate(fresh);
  assert.equal((await source.get()).accessKeyId, `key-${served}`);
  assert.notEqual(`key-${served}`, fresh.accessKeyId);
  await assert.rejects(
    source
      .get(AbortSignal.abort())
      .then(() => createCredentialSource({ ...none, env, clock: { nowMs: () => nowMs } }).get(AbortSignal.abort())),
    {
      code: 'cancelled',
    },
  );
});

test('credentials are asked for only at this machine, at the container service, or over https', async () => {
  for (const url of ['http://example.com/creds', 'http://127.example.com/creds', 'ftp://127.0.0.1/', 'no url']) {
    const source = createCredentialSource({ ...none, env: { AWS_CONTAINER_CREDENTIALS_FULL_URI: url }, clock: { nowMs: () => 0 } });
    await assert.rejects(source.get(), { code: 'config' }, url);
  }
});

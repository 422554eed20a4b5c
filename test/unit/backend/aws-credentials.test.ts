import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createCredentialSource } from '#engine/backend/aws-credentials.ts';

const none = { accessKey: '', secretKey: '', sessionToken: '' };

test('static keys come before the environment', async () => {
  const env = { AWS_ACCESS_KEY_ID: 'env', AWS_SECRET_ACCESS_KEY: 'env-secret', AWS_SESSION_TOKEN: 'env-token' };
  const clock = { nowMs: () => 0 };
  const fixed = createCredentialSource({ accessKey: 'a', secretKey: 'b', sessionToken: '', env, clock });
  assert.deepEqual(await fixed.get(), { accessKeyId: 'a', secretAccessKey: 'b' });
  const fromEnv = createCredentialSource({ ...none, env, clock });
  assert.deepEqual(await fromEnv.get(), { accessKeyId: 'env', secretAccessKey: 'env-secret', sessionToken: 'env-token' });
  await assert.rejects(createCredentialSource({ ...none, env: { AWS_EC2_METADATA_DISABLED: 'true' }, clock }).get(), { code: 'config' });
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

/** A service on loopback that answers what `answer` says; tells its URL. */
async function serve(
  context: TestContext,
  answer: (request: IncomingMessage, body: string) => { status?: number; text: string },
): Promise<string> {
  const service = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { status = 200, text } = answer(request, body);
    response.writeHead(status).end(text);
  });
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  context.after(() => service.close());
  return `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
}

async function folder(context: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'rubato-credentials-'));
  context.after(() => rm(root, { recursive: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(root, name), text);
  return root;
}

const clock = { nowMs: () => Date.UTC(2026, 0, 10, 12) };
const later = '2026-01-10T13:00:00Z';
const get = (env: Readonly<Record<string, string>>) => createCredentialSource({ ...none, env, clock }).get();

test('EKS: a web identity is exchanged for keys; the token file is read each time', async (context) => {
  const seen: string[] = [];
  const url = await serve(context, (request, body) => {
    const form = new URLSearchParams(body);
    assert.deepEqual(
      [request.method, form.get('Action'), form.get('RoleArn')],
      ['POST', 'AssumeRoleWithWebIdentity', 'arn:aws:iam::1:role/r'],
    );
    seen.push(form.get('WebIdentityToken') ?? '');
    const keys = `<AccessKeyId>ASIA${seen.length}</AccessKeyId><SecretAccessKey>a/b+c=</SecretAccessKey><SessionToken>t&amp;t</SessionToken>`;
    return {
      text: `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>${keys}<Expiration>${later}</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
    };
  });
  const root = await folder(context, { token: 'jwt-1\n' });
  const env = { AWS_WEB_IDENTITY_TOKEN_FILE: join(root, 'token'), AWS_ROLE_ARN: 'arn:aws:iam::1:role/r', AWS_ENDPOINT_URL_STS: url };
  const source = createCredentialSource({ ...none, env, clock });
  const first = await source.get();
  assert.deepEqual(first, { accessKeyId: 'ASIA1', secretAccessKey: 'a/b+c=', sessionToken: 't&t' });
  assert.equal(await source.get(), first);
  await writeFile(join(root, 'token'), 'jwt-2');
  source.invalidate(first);
  assert.equal((await source.get()).accessKeyId, 'ASIA2');
  assert.deepEqual(seen, ['jwt-1', 'jwt-2']);
  await assert.rejects(get({ ...env, AWS_WEB_IDENTITY_TOKEN_FILE: join(root, 'none') }), { code: 'config' });
  const refusing = await serve(context, () => ({
    status: 403,
    text: '<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>',
  }));
  await assert.rejects(get({ ...env, AWS_ENDPOINT_URL_STS: refusing }), {
    code: 'unavailable',
    message: /security token service .* .status 403/,
  });
});

test('ECS and EKS pod identity: the token file is sent', async (context) => {
  const url = await serve(context, ({ headers }) => {
    assert.equal(headers.authorization, 'pod-token');
    return { text: JSON.stringify({ AccessKeyId: 'k', SecretAccessKey: 's', Token: 't', Expiration: later }) };
  });
  const root = await folder(context, { token: 'pod-token' });
  const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/v1/credentials`, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: join(root, 'token') };
  assert.deepEqual(await get(env), { accessKeyId: 'k', secretAccessKey: 's', sessionToken: 't' });
});

test('EC2: the instance metadata is asked with a token; without a role or a service the error says what to do', async (context) => {
  const answers: Readonly<Record<string, string>> = {
    '/latest/api/token': 'imds-token',
    '/latest/meta-data/iam/security-credentials/': 'my-role\n',
    '/latest/meta-data/iam/security-credentials/my-role': JSON.stringify({
      AccessKeyId: 'k',
      SecretAccessKey: 's',
      Token: 't',
      Expiration: later,
    }),
  };
  const url = await serve(context, ({ method, url: path = '', headers }) => {
    if (method === 'PUT') assert.equal(headers['x-aws-ec2-metadata-token-ttl-seconds'], '21600');
    else if (headers['x-aws-ec2-metadata-token'] !== 'imds-token') return { status: 401, text: '' };
    return { text: answers[path] ?? '' };
  });
  assert.deepEqual(await get({ AWS_EC2_METADATA_SERVICE_ENDPOINT: url }), { accessKeyId: 'k', secretAccessKey: 's', sessionToken: 't' });
  const empty = await serve(context, ({ method }) => (method === 'PUT' ? { text: 'x' } : { status: 404, text: '' }));
  await assert.rejects(get({ AWS_EC2_METADATA_SERVICE_ENDPOINT: empty }), { code: 'unavailable', message: /instance metadata service/ });
  await assert.rejects(get({ AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://127.0.0.1:1' }), {
    code: 'config',
    message: /^no S3 credentials: set access_key/,
  });
  await assert.rejects(get({ AWS_EC2_METADATA_DISABLED: 'true' }), { code: 'config' });
});

test('a profile of the shared credentials file comes before the roles of the platform', async (context) => {
  const text =
    '# keys\n[default]\naws_access_key_id = d\naws_secret_access_key = ds\n\n[other]\naws_access_key_id=o\naws_secret_access_key=os\naws_session_token=ot\n[role]\nrole_arn = x\n';
  const root = await folder(context, { credentials: text });
  const env = { AWS_SHARED_CREDENTIALS_FILE: join(root, 'credentials'), AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://127.0.0.1:1/' };
  assert.deepEqual(await get(env), { accessKeyId: 'd', secretAccessKey: 'ds' });
  assert.deepEqual(await get({ ...env, AWS_PROFILE: 'other' }), { accessKeyId: 'o', secretAccessKey: 'os', sessionToken: 'ot' });
  await assert.rejects(get({ ...env, AWS_PROFILE: 'none' }), { code: 'config', message: /no profile none/ });
  await assert.rejects(get({ ...env, AWS_PROFILE: 'role' }), { code: 'config', message: /needs aws_access_key_id/ });
  await assert.rejects(get({ HOME: root, AWS_PROFILE: 'other' }), { code: 'config', message: /cannot read/ });
});

// Ports that speak TLS: HTTP/1.1 and gRPC on one, certificates of clients.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { create, toBinary } from '@bufbuild/protobuf';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { SearchRequestSchema } from '#engine/api/gen/streaming_pb.js';
import { searchPath, send, startTestApp } from './start.ts';

const folder = join(import.meta.dirname, '../../fixtures/tls');
const file = (name: string) => join(folder, name);
const read = (name: string) => readFileSync(file(name));
const server = { http_listen_address: '127.0.0.1', http_listen_port: 0 };
const files = { cert_file: file('server.pem'), key_file: file('server-key.pem') };

interface Identity {
  readonly cert: Buffer;
  readonly key: Buffer;
}

async function get(port: number, identity?: Identity): Promise<number> {
  const options = {
    host: '127.0.0.1',
    port,
    path: searchPath('{ kind = producer }'),
    ca: read('ca.pem'),
    headers: { 'X-Scope-OrgID': 'vp4' },
  };
  const sent = request({ ...options, ...identity, agent: false }).end();
  const [response] = await once(sent, 'response');
  response.resume();
  await once(response, 'end');
  return response.statusCode;
}

/** Messages of a search over gRPC. */
async function stream(t: TestContext, port: number): Promise<number> {
  const client = new Client(`localhost:${port}`, credentials.createSsl(read('ca.pem')));
  t.after(() => client.close());
  const metadata = new Metadata();
  metadata.set('x-scope-orgid', 'vp4');
  const message = create(SearchRequestSchema, { Query: '{ kind = producer }', start: 1768046400, end: 1768050000 });
  const serialize = () => Buffer.from(toBinary(SearchRequestSchema, message));
  const call = client.makeServerStreamRequest('/tempopb.StreamingQuerier/Search', serialize, (bytes) => bytes, message, metadata);
  let count = 0;
  call.on('data', () => count++);
  await new Promise<void>((resolve, reject) => {
    call.on('end', resolve);
    call.on('error', (error: ServiceError) => reject(error));
  });
  return count;
}

test('HTTP and gRPC on one port with TLS; clear text is refused', async (t) => {
  const { app } = await startTestApp(t, { stream_over_http_enabled: true, server: { ...server, http_tls_config: files } });
  assert.equal(await get(app.port), 200);
  assert.ok((await stream(t, app.port)) >= 1);
  await assert.rejects(send(app.port, '/ready'));
  assert.equal(await get(app.port), 200, 'and the next client is served');
});

test('clients without a certificate are turned away where one is asked for', async (t) => {
  const config = { ...files, client_ca_file: file('ca.pem'), client_auth_type: 'RequireAndVerifyClientCert' };
  const { app } = await startTestApp(t, { server: { ...server, http_tls_config: config, tls_min_version: 'VersionTLS13' } });
  await assert.rejects(get(app.port));
  assert.equal(await get(app.port, { cert: read('client.pem'), key: read('client-key.pem') }), 200);
});

test('queriers take jobs over TLS, each side with a certificate', { timeout: 60_000 }, async (t) => {
  const grpc_tls_config = { ...files, client_ca_file: file('ca.pem'), client_auth_type: 'RequireAndVerifyClientCert' };
  const ports = { ...server, grpc_listen_address: '127.0.0.1', grpc_listen_port: 0, grpc_tls_config };
  const frontend = await startTestApp(t, { target: 'query-frontend', server: ports });
  const frontend_address = `127.0.0.1:${frontend.app.grpcPort}`;
  const certificates = { tls_ca_path: file('ca.pem'), tls_cert_path: file('client.pem'), tls_key_path: file('client-key.pem') };
  const startQuerier = (more: object) => {
    const grpc_client_config = { tls_enabled: true, ...more };
    return startTestApp(t, { target: 'querier', querier: { frontend_worker: { frontend_address, grpc_client_config } } });
  };
  await startQuerier({});
  await delay(500);
  assert.equal((await frontend.get('/ready')).status, 503, 'who trusts nobody and shows nothing gets no jobs');
  await startQuerier(certificates);
  for (let i = 0; i < 200 && (await frontend.get('/ready')).status !== 200; i++) await delay(50);
  const { status, body } = await frontend.get(searchPath('{ kind = producer }'), { 'X-Scope-OrgID': 'vp4' });
  assert.equal(status, 200, String(body));
  await assert.rejects(startQuerier({ ...certificates, tls_key_path: '/absent' }), { code: 'config', message: /tls_key_path: ENOENT/ });
});

test('settings that cannot be served are errors at start', async (t) => {
  const start = (config: object, more: object = {}) => startTestApp(t, { server: { ...server, http_tls_config: config, ...more } });
  await assert.rejects(start({ cert_file: files.cert_file }), {
    code: 'config',
    message: 'server.http_tls_config needs both a certificate and a key',
  });
  await assert.rejects(start({ ...files, key_file: file('client-key.pem') }), {
    code: 'config',
    message: /^server\.http_tls_config: .*key values mismatch/i,
  });
  await assert.rejects(start({ ...files, client_auth_type: 'Maybe' }), { code: 'config', message: /client_auth_type Maybe is none of/ });
  await assert.rejects(start(files, { tls_min_version: 'TLS9' }), { code: 'config', message: /^server\.tls_min_version TLS9 is none of/ });
  await assert.rejects(start(files, { tls_cipher_suites: 'TLS_RSA_WITH_RC4_128_SHA' }), {
    code: 'config',
    message: /RC4_128_SHA is not supported$/,
  });
  await assert.rejects(start({ ...files, cert_file: '/absent' }), {
    code: 'config',
    message: /^server\.http_tls_config\.cert_file: ENOENT/,
  });
});

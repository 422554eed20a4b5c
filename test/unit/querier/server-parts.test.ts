import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { acceptedFormat } from '../../../querier/server/accept.ts';
import { chooseEncoding, compressAnswer } from '../../../querier/server/compress.ts';
import { type ServerRequest, textAnswer } from '../../../querier/server/exchange.ts';
import { cleanedPath, createRouter, routeLabel } from '../../../querier/server/router.ts';
import { readTenants } from '../../../querier/server/tenancy.ts';
import { createLogger } from '../../../querier/telemetry/log.ts';

const request = { query: 'x=1' } as ServerRequest;

test('tenants: sorted, once each, metadata stripped, the header as label', () => {
  const options = { multitenancyEnabled: true, multiTenantQueriesEnabled: true };
  assert.deepEqual(readTenants('b|a:prod=k|b', options), { label: 'b|a:prod=k|b', ids: ['a', 'b'] });
  assert.deepEqual(readTenants('x', { ...options, multitenancyEnabled: false }).ids, ['single-tenant']);
  assert.deepEqual(readTenants('a|a', { ...options, multiTenantQueriesEnabled: false }).ids, ['a']);
  const errors: readonly (readonly [string | undefined, string, string])[] = [
    [undefined, 'unauthenticated', 'no org id'],
    ['', 'unauthenticated', 'no org id'],
    ['a||b', 'bad_request', 'no org id'],
    ['a|', 'bad_request', 'no org id'],
    ['a/b', 'bad_request', "tenant ID 'a/b' contains unsupported character '/'"],
    ['..', 'bad_request', "tenant ID is '.' or '..'"],
    ['x'.repeat(151), 'bad_request', 'tenant ID is too long: max 150 characters'],
  ];
  for (const [header, code, message] of errors) assert.throws(() => readTenants(header, options), { code, message }, header);
  assert.throws(() => readTenants('a|b', { ...options, multiTenantQueriesEnabled: false }), {
    code: 'bad_request',
    message: 'multiple org IDs present',
  });
});

test('Accept is a substring test without quality values', () => {
  assert.equal(acceptedFormat('application/json;q=0.5, application/protobuf'), 'protobuf');
  assert.equal(acceptedFormat('application/x-protobuf'), 'json');
  assert.equal(acceptedFormat(undefined), 'json');
});

test('encodings: gzip and zstd only, zstd first, q=0 refuses', () => {
  const cases: readonly (readonly [string | undefined, string | undefined])[] = [
    [undefined, undefined],
    ['br, deflate', undefined],
    ['gzip, deflate, br', 'gzip'],
    ['gzip;q=0', undefined],
    ['gzip, zstd', 'zstd'],
    ['zstd;q=0.0, GZIP', 'gzip'],
  ];
  for (const [accept, encoding] of cases) assert.equal(chooseEncoding(accept), encoding, accept);
});

test('bodies above 1024 bytes are compressed where that is asked for', async () => {
  const long = { ...textAnswer(200, 'x'.repeat(1025)), compressible: true };
  const gzipped = await compressAnswer(long, 'gzip');
  assert.equal(gzipped.headers['Content-Encoding'], 'gzip');
  assert.equal(gzipped.headers.Vary, 'Accept-Encoding');
  assert.equal(gunzipSync(gzipped.body).toString(), long.body);
  assert.equal(zstdDecompressSync((await compressAnswer(long, 'zstd')).body).toString(), long.body);
  const plain = await compressAnswer({ ...long, body: 'x'.repeat(1024) }, 'gzip');
  assert.equal(plain.headers['Content-Encoding'], undefined);
  assert.equal(plain.headers.Vary, 'Accept-Encoding');
  assert.equal((await compressAnswer({ ...long, compressible: false }, 'gzip')).headers.Vary, undefined);
});

test('paths: exact first, then patterns, unclean ones are redirected, others are not found', async () => {
  const named = (name: string) => () => textAnswer(200, name);
  const router = createRouter(
    [
      { path: '/api/search', handler: named('search') },
      { path: '/api/traces/{traceID}', handler: named('trace') },
      { path: '/api/v2/search/tag/{tagName}/values', handler: named('values') },
    ],
    '/p',
  );
  const body = async (path: string) => (await router(path).handler(request)).body;
  assert.equal(await body('/p/api/search'), 'search');
  assert.equal(router('/p/api/search').name, 'api_search');
  assert.equal(await body('/p/api/traces/12'), 'trace');
  assert.equal(await body('/p/api/v2/search/tag/a/b/values'), 'values');
  for (const path of ['/api/search', '/p/api/search/', '/p/api/traces/', '/', '/p/api/v2/search/tag/values']) {
    assert.equal(await body(path), '404 page not found\n', path);
    assert.equal(router(path).name, 'other');
  }
  const redirect = await router('/p//api/./search').handler(request);
  assert.deepEqual([redirect.status, redirect.headers.Location, redirect.body], [301, '/p/api/search?x=1', '']);
});

test('cleaned paths and route labels', () => {
  assert.equal(cleanedPath('/a/b'), undefined);
  assert.equal(cleanedPath('/a/.b'), undefined);
  assert.equal(cleanedPath('/a/../b//c/'), '/b/c/');
  assert.equal(cleanedPath('/../..//'), '/');
  assert.equal(routeLabel('/api/v2/search/tag/{tagName}/values'), 'api_v2_search_tag_tagname_values');
});

test('log lines: levels, logfmt quoting, JSON', () => {
  const lines: string[] = [];
  const line = (text: string) => text.replace(/:\d+/g, (match) => (match.length > 3 ? ':N' : match));
  const options = { level: 'info', nowMs: () => 0.25, write: (text: string) => lines.push(line(text)) } as const;
  const logger = createLogger({ ...options, format: 'logfmt' });
  logger.debug('not this');
  logger.warn('two words', { a: 1, q: '{ x = "y" }', empty: '', none: undefined, multi: 'a\nb' });
  createLogger({ ...options, format: 'json' }).error('e', { ok: true });
  logger.info('', { method: 'a', msg: 'gRPC' });
  assert.deepEqual(lines, [
    'level=warn ts=1970-01-01T00:00:00.000250000Z caller=server-parts.test.ts:N msg="two words" a=1 q="{ x = \\"y\\" }" empty= multi="a\\nb"\n',
    '{"level":"error","ts":"1970-01-01T00:00:00.000250000Z","caller":"server-parts.test.ts:N","msg":"e","ok":true}\n',
    'level=info ts=1970-01-01T00:00:00.000250000Z caller=server-parts.test.ts:N method=a msg=gRPC\n',
  ]);
});

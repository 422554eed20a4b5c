import assert from 'node:assert/strict';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { test } from 'node:test';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { decodeSearchAnswer } from '#engine/api/search-body-decode.ts';
import { systemClock } from '#engine/base/clock.ts';
import { answerWith } from '../../unit/querier/answers.ts';
import { searchPath, send, startTestApp } from './start.ts';

const vp4 = { 'X-Scope-OrgID': 'vp4' };
const producers = searchPath('{ kind = producer }', '&limit=1000');

function ids(body: Buffer): readonly string[] {
  return (JSON.parse(body.toString()) as { traces: { traceID: string }[] }).traces.map(({ traceID }) => traceID).sort();
}

test('a search over real blocks, as JSON, protobuf, gzip, zstd and over HTTP/2', async (t) => {
  const { app, get } = await startTestApp(t);
  const json = await get(producers, vp4);
  assert.equal(json.status, 200);
  assert.equal(json.headers['content-type'], 'application/json');
  assert.equal(json.headers.vary, 'Accept-Encoding');
  const found = ids(json.body);
  assert.ok(found.length > 1);

  const protobuf = await get(producers, { ...vp4, Accept: 'application/protobuf' });
  assert.equal(protobuf.headers['content-type'], 'application/protobuf');
  assert.equal(decodeSearchAnswer(protobuf.body, 'protobuf').traces.count, found.length);

  const gzip = await get(producers, { ...vp4, 'Accept-Encoding': 'gzip' });
  assert.equal(gzip.headers['content-encoding'], 'gzip');
  assert.deepEqual(ids(gunzipSync(gzip.body)), found);
  const zstd = await get(producers, { ...vp4, 'Accept-Encoding': 'zstd' });
  assert.deepEqual(ids(zstdDecompressSync(zstd.body)), found);

  const session = connectHttp2(`http://127.0.0.1:${app.port}`);
  t.after(() => session.close());
  const ask = (path: string) =>
    new Promise<{ status: number; body: Buffer }>((resolve, reject) => {
      const stream = session.request({ ':path': path, 'x-scope-orgid': 'vp4' });
      let status = 0;
      const chunks: Buffer[] = [];
      stream.on('response', (headers) => (status = headers[':status'] ?? 0));
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', reject);
      stream.on('end', () => resolve({ status, body: Buffer.concat(chunks) }));
    });
  const [first, second] = await Promise.all([ask(producers), ask('/api/echo')]);
  assert.deepEqual(ids(first.body), found);
  assert.deepEqual([second.status, second.body.toString()], [200, 'echo\n']);
});

test('several tenants, and a tenant without blocks', async (t) => {
  const { get } = await startTestApp(t);
  const alone = ids((await get(producers, { 'X-Scope-OrgID': 'vp4' })).body);
  assert.deepEqual(ids((await get(producers, { 'X-Scope-OrgID': 'vp4|vp3-rf1' })).body), alone, 'both hold the same traces');
  const nobody = await get(producers, { 'X-Scope-OrgID': 'nobody' });
  assert.equal(nobody.body.toString(), '{"traces":[],"metrics":{}}');
});

test('errors have the status, the text and the line end of Tempo', async (t) => {
  const { get } = await startTestApp(t);
  const cases: readonly (readonly [
    path: string,
    headers: Readonly<Record<string, string>>,
    status: number,
    body: string,
    nosniff: boolean,
  ])[] = [
    [producers, {}, 401, 'no org id\n', true],
    [producers, { 'X-Scope-OrgID': '' }, 401, 'no org id\n', true],
    [producers, { 'X-Scope-OrgID': 'a||b' }, 400, 'no org id', false],
    [producers, { 'X-Scope-OrgID': 'a/b' }, 400, "tenant ID 'a/b' contains unsupported character '/'", false],
    [searchPath('{'), vp4, 400, 'invalid TraceQL query: parse error at line 1, col 2: syntax error: unexpected $end', false],
    [searchPath('{}', '&limit=0'), vp4, 400, 'invalid limit: must be a positive number', false],
    ['/api/nope', vp4, 404, '404 page not found\n', true],
    ['/api/overrides', vp4, 404, '404 page not found\n', true],
    ['/api/traces/x', vp4, 400, "trace IDs can only contain hex characters: invalid character 'x' at position 1", false],
    ['/querier/api/traces/x', vp4, 400, "trace IDs can only contain hex characters: invalid character 'x' at position 1\n", true],
    ['/querier/api/search?blockID=1', vp4, 400, 'start and end required\n', true],
  ];
  for (const [path, headers, status, body, nosniff] of cases) {
    const answer = await get(path, headers);
    assert.deepEqual([answer.status, answer.body.toString()], [status, body], path);
    assert.equal(answer.headers['content-type'], 'text/plain; charset=utf-8');
    assert.equal(answer.headers['x-content-type-options'], nosniff ? 'nosniff' : undefined, path);
  }
});

test('methods, prefixes, unclean paths and long queries', async (t) => {
  const { get } = await startTestApp(t, { http_api_prefix: '/tempo' });
  assert.equal((await get('/api/echo')).status, 404);
  assert.equal((await get('/tempo/api/echo', {}, 'POST')).body.toString(), 'echo\n');
  const head = await get('/tempo/api/echo', {}, 'HEAD');
  assert.deepEqual([head.status, head.headers['content-length'], head.body.length], [200, '5', 0]);
  const moved = await get('//tempo/api//echo?a=b');
  assert.deepEqual([moved.status, moved.headers.location, moved.body.length], [301, '/tempo/api/echo?a=b', 0]);
  assert.equal((await get('/ready')).body.toString(), 'ready\n');
  const long = await get(`/tempo${searchPath(`{ name = "${'x'.repeat(100_000)}" }`)}`, vp4);
  assert.equal(long.status, 200);
  const longer = await get(`/tempo${searchPath(`{ name = "${'x'.repeat(140_000)}" }`)}`, vp4);
  assert.equal(longer.status, 400);
  assert.match(longer.body.toString(), /^TraceQL expression exceeds the configured maximum size of 131072 bytes/);
});

test('a job on the querier API answers what the frontend combines', async (t) => {
  const { get } = await startTestApp(t);
  const whole = await get(producers, vp4);
  const jobs = JSON.parse((await get('/status/jobs')).body.toString()) as { blockId: string; where: string; matched: number }[];
  assert.ok(jobs.length >= 2 && jobs.every(({ where }) => where === 'self'));
  const blocks = new Set(jobs.map(({ blockId }) => blockId));
  const found = new Set<string>();
  const sizes: Readonly<Record<string, string>> = {
    'e2000000-f000-4000-8000-00000000000d': 'size=102563&footerSize=18135',
    '7d000000-4000-4000-8000-00000000000c': 'size=111541&footerSize=18420',
  };
  for (const id of blocks) {
    const path = `/querier${producers}&blockID=${id}&pagesToSearch=1&startPage=0&totalRecords=1&version=vParquet4&${sizes[id]}`;
    const answer = await get(path, vp4);
    assert.equal(answer.status, 200, answer.body.toString());
    for (const trace of ids(answer.body)) found.add(trace);
  }
  assert.deepEqual([...found].sort(), ids(whole.body));
  assert.equal((await get(`/querier${producers}`, vp4)).body.toString(), '{"traces":[],"metrics":{}}', 'recent data: there is none');
});

test('status pages and metrics', async (t) => {
  const { get } = await startTestApp(t, { querier: { search: { prefer_self: 3 } } });
  await get(producers, vp4);
  const text = async (path: string) => (await get(path)).body.toString();
  const buildinfo = JSON.parse(await text('/api/status/buildinfo')) as Record<string, string>;
  assert.deepEqual(Object.keys(buildinfo), ['version', 'revision', 'branch', 'buildUser', 'buildDate', 'goVersion']);
  assert.match(await text('/status/config'), /prefer_self: 3/);
  assert.match(await text('/status/config?mode=diff'), /^multitenancy_enabled: true\n/);
  assert.match(await text('/status/config?mode=defaults'), /prefer_self: 10/);
  assert.equal(await text('/status/config?mode=bad'), 'unknown value for mode query parameter: bad\n');
  assert.match(await text('/status/endpoints'), /^\/api\/search$/m);
  const metrics = await text('/metrics');
  for (const line of [
    /^tempo_request_duration_seconds_count\{method="GET",route="api_search",status_code="200",ws="false"\} 1$/m,
    /^tempo_query_frontend_queries_total\{tenant="vp4",op="search",result="completed"\} 1$/m,
    /^tempodb_blocklist_length\{tenant="vp4"\} 2$/m,
    /^tempo_querier_worker_request_executed_total 2$/m,
    /^tempo_tcp_connections\{protocol="http"\} \d+$/m,
  ]) {
    assert.match(metrics, line);
  }
});

/** Writes bytes and collects what comes until the other side closes, or that time is over. */
function raw(port: number, chunks: readonly (string | Buffer)[], untilMs: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let seen = '';
    const end = () => {
      socket.destroy();
      resolve(seen);
    };
    socket.on('data', (data: Buffer) => {
      seen += data.toString('latin1');
    });
    socket.on('close', end).on('error', end);
    setTimeout(end, untilMs).unref();
    void (async () => {
      for (const chunk of chunks) {
        socket.write(chunk);
        await systemClock.sleep(20);
      }
    })();
  });
}

test('requests in pieces and in a row; garbage and silence do not stay', async (t) => {
  const { app } = await startTestApp(t, {
    server: { http_listen_address: '127.0.0.1', http_listen_port: 0, http_server_read_timeout: '300ms' },
  });
  const piped = await raw(app.port, ['G', 'ET /api/echo HTT', 'P/1.1\r\nHost: x\r\n\r\nGET /nope HTTP/1.1\r\nHost: x\r\n\r\n'], 200);
  assert.match(piped, /^HTTP\/1\.1 200 OK\r\n[\s\S]*echo\nHTTP\/1\.1 404 Not Found/);
  assert.match(await raw(app.port, ['PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n'], 2000), /^HTTP\/1\.1 400 Bad Request/);
  assert.match(await raw(app.port, [Buffer.from([22, 3, 1, 0, 200, 1]), '\r\n\r\n'], 2000), /^HTTP\/1\.1 400 Bad Request/);
  assert.match(await raw(app.port, [`GET /${'x'.repeat(1_100_000)} HTTP/1.1\r\n\r\n`], 2000), /^HTTP\/1\.1 431 /);
  const startedMs = Date.now();
  assert.equal(await raw(app.port, [], 5000), '', 'silent');
  assert.match(await raw(app.port, ['GET /api/echo HT'], 5000), /^HTTP\/1\.1 408 /);
  assert.ok(Date.now() - startedMs < 4000);
  assert.equal((await send(app.port, '/api/echo')).status, 200);
});

test('a client that goes away ends its jobs', async (t) => {
  let aborted = () => {};
  const ended = new Promise<void>((resolve) => (aborted = resolve));
  let started = () => {};
  const running = new Promise<void>((resolve) => (started = resolve));
  const { app, get } = await startTestApp(
    t,
    {},
    {
      searchSelf: (_job, signal) =>
        new Promise((_resolve, reject) => {
          started();
          signal.addEventListener('abort', () => {
            aborted();
            reject(signal.reason);
          });
        }),
    },
  );
  const socket = connect(app.port, '127.0.0.1');
  socket.write(`GET ${producers} HTTP/1.1\r\nHost: x\r\nX-Scope-OrgID: vp4\r\n\r\n`);
  await running;
  socket.destroy();
  await ended;
  await systemClock.sleep(10);
  assert.match((await get('/metrics')).body.toString(), /queries_total\{tenant="vp4",op="search",result="canceled"\} 1/);
});

test('time-outs: api_timeout is 503, the write time-out is 504, nothing hangs', async (t) => {
  const hang = () => new Promise<never>(() => {});
  const frontend = { query_end_cutoff: '0s', search: { query_backend_after: '0s', max_duration: '0s' } };
  const api = await startTestApp(t, { query_frontend: { ...frontend, api_timeout: '50ms' } }, { searchSelf: hang });
  const first = await api.get(producers, vp4);
  assert.deepEqual([first.status, first.body.toString()], [503, 'unable to process request in the configured timeout']);
  const server = { http_listen_address: '127.0.0.1', http_listen_port: 0, http_server_write_timeout: '50ms' };
  const write = await startTestApp(t, { server }, { searchSelf: hang });
  const second = await write.get(producers, vp4);
  assert.equal(second.status, 504);
  assert.match(second.body.toString(), /^context deadline exceeded/);
});

test('damaged HTTP/2 ends the connection, not the process', async (t) => {
  const { app } = await startTestApp(t);
  const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
  for (const garbage of ['\xff'.repeat(100), '\0\0\x04\x08\0\0\0\0\0aaaa'.repeat(50), 'GET / HTTP/1.1\r\n\r\n']) {
    await raw(app.port, [preface, Buffer.from(garbage, 'latin1')], 150);
  }
  assert.equal((await send(app.port, '/api/echo')).status, 200);
});

test('a client that does not read its answer is cut', async (t) => {
  const server = { http_listen_address: '127.0.0.1', http_listen_port: 0, http_server_write_timeout: '200ms' };
  const trace = 'ab'.repeat(16);
  const large = answerWith([trace, 1768046500]);
  const bytes = Buffer.concat([large.traces.bytes.subarray(0, -1), Buffer.from(`,"rootTraceName":"${'x'.repeat(30_000_000)}"}`)]);
  const answer = { ...large, traces: { ...large.traces, bytes, offsets: Uint32Array.of(0, bytes.length) } };
  const { app } = await startTestApp(t, { server }, { searchSelf: async () => answer });
  const socket = connect(app.port, '127.0.0.1');
  socket.pause();
  socket.on('error', () => {});
  socket.write(`GET ${searchPath('{}', '&limit=1')} HTTP/1.1\r\nHost: x\r\nX-Scope-OrgID: edge\r\n\r\n`);
  await systemClock.sleep(1200);
  let size = 0;
  socket.on('data', (chunk: Buffer) => {
    size += chunk.length;
  });
  socket.resume();
  await new Promise((resolve) => socket.on('close', resolve));
  assert.ok(size > 0 && size < 30_000_000, `${size}`);
});

test('closing lets running requests end and takes no new ones', async (t) => {
  let finish = () => {};
  let started = () => {};
  const running = new Promise<void>((resolve) => (started = resolve));
  const { app, get } = await startTestApp(
    t,
    {},
    {
      searchSelf: () =>
        new Promise((resolve) => {
          started();
          finish = () => resolve(answerWith(['a', 1768046500]));
        }),
    },
  );
  const answer = get(searchPath('{ kind = producer }', '&limit=1'), vp4);
  await running;
  const closed = app.close();
  await assert.rejects(send(app.port, '/api/echo'), { code: 'ECONNREFUSED' });
  finish();
  assert.equal((await answer).status, 200);
  await closed;
});

// Calls of several jobs over HTTP: a real function process, called as queriers call it and by hand.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { callTypes } from '#engine/api/function-call.ts';
import { decodeVersion, encodeVersionRequest } from '#engine/api/function-version.ts';
import { systemClock } from '#engine/base/clock.ts';
import { engineVersion } from '#engine/base/version.ts';
import type { LocalProcess } from '../../../infra/local/processes.ts';
import { localFunctionEnvironment, startFunction } from '../../../infra/local/server.ts';
import type { VersionCheck } from '../../../querier/external/greeting.ts';
import { openPools } from '../../../querier/external/pools.ts';
import { type S3Server, startS3Server } from '../backend/s3-server.ts';
import { blocksPath, jobsOf, lookupsOf, sampleBlocks, wholeBlock, wireJobs } from '../jobs/sample-jobs.ts';

const signal = new AbortController().signal;
const someBlock = sampleBlocks().find(({ tenant }) => tenant === 'vp4')!;

function openPool(url: string, versionCheck: VersionCheck = 'warn', complaints: string[] = []) {
  const pool = { name: 'p', endpoints: [url], platform: 'none', auth: 'none', region: '', memoryMb: undefined, lambdaApi: '' } as const;
  return openPools({
    config: { pools: [pool], versionCheck },
    limits: () => ({ maxBytesPerTrace: 0 }) as never,
    clock: systemClock,
    env: {},
    onRoundTrip: () => {},
    onComplaint: (_, complaint) => complaints.push(complaint),
  });
}

function post(url: string, type: string, body: Uint8Array | string, headers: Readonly<Record<string, string>> = {}) {
  return fetch(url, { method: 'POST', headers: { 'content-type': type, ...headers }, body: body as never });
}

describe('a function over blocks in a folder', () => {
  let fn: LocalProcess;
  before(async () => {
    fn = await startFunction('function', localFunctionEnvironment(blocksPath));
  });
  after(() => fn?.stop());

  test('says what it is, and whether it can read a block', async () => {
    const ask = async (tenant: string) => {
      const { blockId, sizeBytes } = someBlock;
      const answer = await post(fn.url, callTypes.version, encodeVersionRequest({ tenant, blockId, sizeBytes }));
      assert.equal(answer.headers.get('content-type'), callTypes.version);
      return decodeVersion(new Uint8Array(await answer.arrayBuffer()))!;
    };
    const { protocol, engine, formats, kinds, backend } = await ask('vp4');
    assert.deepEqual([protocol, engine, formats.at(-1), kinds.length, backend], [1, engineVersion, 'vParquet5', 5, 'ok']);
    assert.match((await ask('nobody')).backend, /nobody/);
    assert.match((await ask('../vp4')).backend, /cannot probe/);
  });

  test('refuses what is no call, by name', async () => {
    const cases: readonly (readonly [string | Uint8Array, Readonly<Record<string, string>>, number, RegExp])[] = [
      ['{', {}, 400, /not a call of protocol 1/],
      ['{"protocol":7}', {}, 501, /calls of protocol 7 are not understood, only of 1/],
      ['{"protocol":1,"tenant":"a","sentMs":1,"deadlineMs":2,"jobs":[[0,0]]}', {}, 400, /job 0 is not understood/],
      ['no gzip', { 'content-encoding': 'gzip' }, 400, /the call cannot be decompressed/],
      [gzipSync(Buffer.alloc(33 * 1024 * 1024)), { 'content-encoding': 'gzip' }, 400, /the call cannot be decompressed/],
      [Buffer.alloc(33 * 1024 * 1024), {}, 413, /a call has at most 33554432 bytes/],
    ];
    for (const [body, headers, status, message] of cases) {
      const answer = await post(fn.url, callTypes.call, body, headers);
      assert.equal(answer.status, status, message.source);
      assert.match(await answer.text(), message);
    }
  });

  test('a job’s own error is its outcome; the others have answers', async () => {
    const { pools, greet } = await openPool(fn.url, 'refuse');
    await greet(undefined, signal);
    const [good, lookup] = wireJobs(someBlock, [...jobsOf(someBlock).slice(0, 1), ...lookupsOf(someBlock, 'deadbeef').slice(0, 1)]);
    const jobs = [
      good!,
      { ...good!, url: '/querier/api/search?start=1' },
      lookup!,
      { ...good!, url: good!.url.replace(/blockID=[^&]+/, 'blockID=00000000-0000-4000-8000-000000000000') },
    ];
    const [endpoint] = pools[0]!.endpoints;
    assert.equal(endpoint!.maxJobsPerCall(), 1000);
    const { outcomes, cost } = await endpoint!.invoke({ jobs, deadlineMs: Date.now() + 20_000, hedged: false }, signal);
    const shown = outcomes.map((one) => (one.kind === 'failed' ? `${one.reason} ${one.code} ${one.retryable}` : `${one.answer.status}`));
    assert.deepEqual(shown, ['200', 'refused bad_request false', '404', 'job_error not_found true']);
    const [first] = outcomes;
    assert.ok(first?.kind === 'answered' && first.cost.gets > 0 && first.cost.bytesRead > 0 && first.cost.durationMs > 0);
    assert.equal(cost.requests, 1);
  });

  test('a querier of another version is warned or refuses', async () => {
    const server = await startVersionServer('0.0.9');
    try {
      for (const [check, takes] of [
        ['warn', true],
        ['off', true],
        ['refuse', false],
      ] as const) {
        const complaints: string[] = [];
        const { pools, greet } = await openPool(server.url, check, complaints);
        await greet(undefined, signal);
        assert.equal(pools[0]!.endpoints[0]!.takes('metrics'), takes, check);
        assert.deepEqual(complaints.length, check === 'off' ? 0 : 1);
      }
    } finally {
      server.close();
    }
  });
});

/** A function that says that it has another version. */
async function startVersionServer(engine: string) {
  const { createServer } = await import('node:http');
  const server = createServer((_, response) => {
    const version = { protocol: 1, engine, formats: [], kinds: [], memoryMb: 0, nowMs: 0, backend: 'ok' };
    response.writeHead(200, { 'content-type': callTypes.version }).end(JSON.stringify(version));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}

describe('a function over blocks in S3', () => {
  const credentials = { accessKey: 'test', secretKey: 'secret', region: 'us-east-1' };
  let s3: S3Server;
  let fn: LocalProcess;
  before(async () => {
    s3 = await startS3Server({ root: blocksPath, bucket: 'tempo', ...credentials });
    fn = await startFunction('function', {
      TEMPO_BACKEND: 's3',
      TEMPO_S3_BUCKET: 'tempo',
      TEMPO_S3_ENDPOINT: s3.endpoint,
      TEMPO_S3_INSECURE: 'true',
      TEMPO_S3_FORCEPATHSTYLE: 'true',
      TEMPO_S3_ACCESS_KEY: credentials.accessKey,
      TEMPO_S3_SECRET_KEY: credentials.secretKey,
      TEMPO_S3_REGION: credentials.region,
    });
  });
  after(async () => {
    await fn?.stop();
    await s3?.close();
  });

  test('reads nothing after the deadline of a call, and says so of every job', async () => {
    const { pools, greet } = await openPool(fn.url);
    await greet(undefined, signal);
    const meta = sampleBlocks().find(({ tenant }) => tenant === 'rowgroups')!;
    assert.ok(wholeBlock(meta).totalRecords > 1);
    const jobs = wireJobs(meta, jobsOf(meta)).slice(0, 6);
    for (let i = 0; i < 200; i++) s3.faults.push({ kind: 'slow', delayMs: 250 });
    const startedMs = performance.now();
    const call = { jobs, deadlineMs: Date.now() + 700, hedged: false };
    const { outcomes } = await pools[0]!.endpoints[0]!.invoke(call, signal);
    const elapsedMs = performance.now() - startedMs;
    const late = outcomes.filter((one) => one.kind === 'failed' && one.reason === 'timeout' && one.retryable);
    assert.ok(
      late.length >= 1 && outcomes.every((one) => one.kind === 'answered' || one.reason === 'timeout'),
      JSON.stringify(outcomes).slice(0, 400),
    );
    assert.ok(elapsedMs < 5000, `${elapsedMs} ms`);
    await systemClock.sleep(400);
    s3.clearRequests();
    await systemClock.sleep(400);
    assert.deepEqual(s3.requests(), []);
    s3.faults.length = 0;
  });

  test('reads nothing more for a caller that has left', async () => {
    const { pools, greet } = await openPool(fn.url);
    await greet(undefined, signal);
    const jobs = wireJobs(someBlock, jobsOf(someBlock)).slice(0, 10);
    s3.clearRequests();
    for (let i = 0; i < 200; i++) s3.faults.push({ kind: 'slow', delayMs: 300 });
    const caller = new AbortController();
    const calling = pools[0]!.endpoints[0]!.invoke({ jobs, deadlineMs: Date.now() + 20_000, hedged: false }, caller.signal);
    for (let waited = 0; s3.requests().length === 0 && waited < 5_000; waited += 20) await systemClock.sleep(20);
    caller.abort();
    await assert.rejects(calling, { code: 'cancelled' });
    await systemClock.sleep(200);
    s3.clearRequests();
    await systemClock.sleep(1000);
    assert.deepEqual(s3.requests(), []);
    s3.faults.length = 0;
  });
});

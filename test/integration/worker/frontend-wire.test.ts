// A query-frontend as a querier sees it: raw HTTP/2 on one side, HTTP on the other. The facts are those of real frontends.
import assert from 'node:assert/strict';
import type { ClientHttp2Session } from 'node:http2';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Client, credentials } from '@grpc/grpc-js';
import { freePorts, type SeparateProcess, startFrontend } from '../../../infra/local/separate.ts';
import { localStorage } from '../../../infra/local/server.ts';
import {
  all,
  connectRaw,
  encodeAnswer,
  framedSnappy,
  grpcFrame,
  message,
  number,
  openRawStream,
  type RawAnswer,
  type RawStream,
  rawRequest,
} from './raw-peer.ts';
import { writeWideBucket } from './wide-bucket.ts';

const tenant = { 'X-Scope-OrgID': 'wide' };
const jobCount = 30;
const search = '/api/search?q=%7B%7D&start=1768044600&end=1768050000';

/** The answer of job `index`: one trace that tells which. */
function found(url: string): RawAnswer {
  const page = Number(/startPage=(\d+)/.exec(url)![1]);
  const traceID = (page + 1).toString(16).padStart(32, 'a');
  const traces = [
    { traceID, rootServiceName: 'shop', rootTraceName: `page ${page}`, startTimeUnixNano: `${1768046400n * 10n ** 9n + BigInt(page)}` },
  ];
  return { status: 200, contentType: 'application/json', body: JSON.stringify({ traces, metrics: { inspectedTraces: 1 } }) };
}

/** Answers everything on a stream, until it ends. */
async function serve(stream: RawStream, answerOf: (url: string) => RawAnswer, seen: string[][] = []): Promise<void> {
  for (;;) {
    const { type, requests } = await stream.next();
    seen.push(requests.map(({ url }) => url));
    stream.answer(
      requests.map(({ url }) => answerOf(url)),
      type === 2n,
    );
  }
}

describe('a frontend for raw queriers', () => {
  let bucket: { readonly path: string; readonly remove: () => void };
  let frontend: SeparateProcess;
  let session: ClientHttp2Session;
  const open = async (encoding?: string, compress?: (content: Buffer) => Buffer, features = 1n) => {
    const stream = openRawStream(session, encoding, compress);
    const first = await stream.next();
    stream.greet('raw', features);
    return { stream, first };
  };
  const get = async (path: string, headers: Readonly<Record<string, string>> = {}, signal?: AbortSignal) => {
    const response = await fetch(frontend.url + path, { headers: { ...tenant, ...headers }, ...(signal === undefined ? {} : { signal }) });
    return { status: response.status, text: await response.text() };
  };
  before(async () => {
    bucket = writeWideBucket(['wide'], jobCount);
    frontend = await startFrontend('frontend', { storage: localStorage(bucket.path), multitenancy: true }, await freePorts());
    session = await connectRaw(frontend.grpcPort);
    // Without queriers it is not ready, but the list of blocks has to be there.
    while ((await get('/ready')).text.startsWith('Some services')) await new Promise((resolve) => setTimeout(resolve, 10));
  });
  after(async () => {
    session?.destroy();
    await frontend?.stop();
    bucket?.remove();
  });

  test('GET_ID comes first; who has answered it counts as connected', async () => {
    assert.deepEqual(await get('/ready'), {
      status: 503,
      text: 'Query Frontend not ready: not ready: number of queriers connected to query-frontend is 0\n',
    });
    const stream = openRawStream(session, 'snappy', (content) => framedSnappy(content, false));
    const first = await stream.next();
    assert.equal(first.type, 1n);
    assert.deepEqual(
      first.requests.map(({ method, url }) => [method, url]),
      [['GET', '/invalid_request_sent_by_frontend']],
    );
    assert.equal(stream.responseHeaders()['content-type'], 'application/grpc');
    assert.equal((await get('/ready')).status, 503);
    stream.greet('raw', 1n);
    while ((await get('/ready')).status !== 200);
    assert.match((await get('/metrics')).text, /^tempo_query_frontend_connected_clients 1$/m);
    stream.close();
    while ((await get('/ready')).status === 200);
  });

  for (const [name, encoding, compress] of [
    ['uncompressed', undefined, undefined],
    ['snappy frames, compressed', 'snappy', (content: Buffer) => framedSnappy(content, true)],
    ['snappy frames, plain chunks', 'snappy', (content: Buffer) => framedSnappy(content, false)],
    ['gzip', 'gzip', (content: Buffer) => gzipSync(content)],
  ] as const) {
    test(`answers are read: ${name}`, async () => {
      const { stream } = await open(encoding, compress);
      const seen: string[][] = [];
      const served = serve(stream, found, seen).catch(() => {});
      const answer = await get(`${search}&limit=1000`);
      assert.equal(answer.status, 200);
      const { traces, metrics } = JSON.parse(answer.text) as { traces: { rootTraceName: string }[]; metrics: { completedJobs: number } };
      assert.deepEqual(
        traces.map(({ rootTraceName }) => rootTraceName).sort(),
        Array.from({ length: jobCount }, (_, page) => `page ${page}`).sort(),
      );
      assert.equal(metrics.completedJobs, jobCount);
      stream.close();
      await served;
      // The first job alone, then batches of at most 7.
      assert.equal(seen[0]!.length, 1);
      assert.ok(
        seen.every((batch) => batch.length <= 7) && seen.some((batch) => batch.length === 7),
        String(seen.map((batch) => batch.length)),
      );
    });
  }

  test('a job is a GET on the querier API with tenant and format, as 3.0.3 sends it', async () => {
    const { stream } = await open();
    const gone = new AbortController();
    const asked = get(`${search}&limit=7`, { Accept: 'application/protobuf' }, gone.signal).catch(() => {});
    const { type, requests } = await stream.next();
    assert.equal(type, 0n);
    const [{ method, url, headers }] = requests as [(typeof requests)[number]];
    assert.equal(method, 'GET');
    assert.match(
      url,
      /^\/querier\/api\/search\?start=1768044600&end=1768050000&limit=7&spss=3&q=%7B%7D&blockID=00000000-0000-4000-8000-000000000001&pagesToSearch=1&size=\d+&startPage=0&encoding=none&indexPageSize=0&totalRecords=30&version=vParquet4&footerSize=1000$/,
    );
    assert.deepEqual(headers, [
      ['X-Scope-OrgID', 'wide'],
      ['Accept', 'application/protobuf'],
    ]);
    gone.abort();
    await asked;
    await stream.ended;
  });

  test('a querier without the feature of batches gets single jobs, one without an id too', async () => {
    const stream = openRawStream(session, undefined);
    await stream.next();
    stream.send(message([2, '']));
    const seen: string[][] = [];
    const served = serve(stream, found, seen).catch(() => {});
    assert.equal((await get(search)).status, 200);
    stream.close();
    await served;
    assert.ok(seen.length > 1 && seen.every((batch) => batch.length === 1));
  });

  test('answers are matched by position: the job that failed is the one that is tried again', async () => {
    const { stream } = await open();
    const seen: string[][] = [];
    let failed = 0;
    const served = serve(
      stream,
      (url) => {
        if (/startPage=17&/.test(url) && failed++ === 0) return { status: 500, body: 'try again' };
        return found(url);
      },
      seen,
    ).catch(() => {});
    const { traces } = JSON.parse((await get(`${search}&limit=1000`)).text) as { traces: unknown[] };
    assert.equal(traces.length, jobCount);
    stream.close();
    await served;
    const times = Map.groupBy(seen.flat(), (url) => Number(/startPage=(\d+)/.exec(url)![1]));
    for (const [page, urls] of times) assert.equal(urls.length, page === 17 ? 2 : 1, `page ${page}`);
  });

  test('statuses of jobs become those of the query; 5xx are tried twice, the rest once', async () => {
    const text = 'no, because\n';
    for (const [status, wanted, attempts] of [
      [400, 500, 1],
      [404, 500, 1],
      [422, 422, 1],
      [429, 429, 1],
      [500, 500, 2],
      [503, 503, 2],
    ] as const) {
      const { stream } = await open(undefined, undefined, 0n);
      const seen: string[][] = [];
      const answerOf = (url: string) => (/startPage=0&/.test(url) ? { status, body: text } : found(url));
      const served = serve(stream, answerOf, seen).catch(() => {});
      assert.deepEqual(await get(`${search}&limit=1000`), { status: wanted, text });
      stream.close();
      await served;
      assert.equal(seen.flat().filter((url) => /startPage=0&/.test(url)).length, attempts, `attempts with ${status}`);
    }
  });

  test('an answer without content type is JSON; {} is an answer', async () => {
    const { stream } = await open();
    const served = serve(stream, (url) => ({ ...found(url), body: '{}', contentType: undefined }) as unknown as RawAnswer).catch(() => {});
    assert.deepEqual(JSON.parse((await get(search)).text).traces, []);
    stream.close();
    await served;
    const second = (await open()).stream;
    const refused = serve(second, () => ({ status: 200, body: Buffer.from('0a040a023166', 'hex') })).catch(() => {});
    const answer = await get(search);
    assert.equal(answer.status, 500);
    assert.match(answer.text, /^error unmarshalling response body: /);
    second.close();
    await refused;
  });

  test('another number of answers ends the stream, and the jobs go elsewhere', async () => {
    const { stream } = await open();
    const asked = get(`${search}&limit=1000`);
    const { requests: alone } = await stream.next();
    stream.answer(
      alone.map(({ url }) => found(url)),
      false,
    );
    const { requests } = await stream.next();
    assert.equal(requests.length, 7);
    stream.answer([found(requests[0]!.url)], true);
    assert.deepEqual(await stream.ended, {
      code: '2',
      message: 'unexpected error reporting results upstream: incorrect number of responses to pipeline 1 != 7',
    });
    const other = (await open()).stream;
    const served = serve(other, found).catch(() => {});
    assert.equal((JSON.parse((await asked).text) as { traces: unknown[] }).traces.length, jobCount);
    other.close();
    await served;
  });

  test('who goes away ends the streams of his jobs: that is how queriers learn of it', async () => {
    const { stream } = await open();
    const gone = new AbortController();
    const asked = get(search, {}, gone.signal).catch(() => 'gone');
    const { requests } = await stream.next();
    assert.equal(requests.length, 1);
    gone.abort();
    assert.deepEqual(await stream.ended, { code: '1', message: 'context canceled' });
    assert.equal(await asked, 'gone');

    const batched = (await open()).stream;
    const enough = get(`${search}&limit=1`);
    const first = await batched.next();
    const second = (await open()).stream;
    const batch = await second.next();
    assert.equal(batch.requests.length, 7);
    batched.answer(
      first.requests.map(({ url }) => found(url)),
      false,
    );
    assert.equal((await enough).status, 200);
    assert.deepEqual(await second.ended, { code: '1', message: `7 errors: ${Array(7).fill('context canceled').join('; ')}` });
    batched.close();
  });

  test('a querier that says that it stops gets no more jobs; others do', async () => {
    const { stream } = await open();
    const asked = get(`${search}&limit=1000`);
    const { requests } = await stream.next();
    const notice = session.request({
      ':method': 'POST',
      ':path': '/frontend.Frontend/NotifyClientShutdown',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const chunks: Buffer[] = [];
    notice.on('data', (chunk: Buffer) => chunks.push(chunk));
    const trailers = new Promise<Record<string, unknown>>((resolve) => notice.on('trailers', resolve));
    notice.end(grpcFrame(message([1, 'raw'])));
    assert.equal((await trailers)['grpc-status'], '0');
    assert.deepEqual(Buffer.concat(chunks), Buffer.alloc(5), 'one empty message');
    stream.answer(
      requests.map(({ url }) => found(url)),
      false,
    );
    assert.equal((await stream.ended).code, '0');
    const other = openRawStream(session, undefined);
    await other.next();
    other.greet('other', 1n);
    const served = serve(other, found).catch(() => {});
    assert.equal((JSON.parse((await asked).text) as { traces: unknown[] }).traces.length, jobCount);
    other.close();
    await served;
  });

  test('unknown encodings and methods are UNIMPLEMENTED, damaged messages end the stream', async () => {
    const zstd = openRawStream(session, 'zstd');
    assert.deepEqual(await zstd.ended, { code: '12', message: 'grpc: Decompressor is not installed for grpc-encoding "zstd"' });
    const { stream } = await open('snappy', (content) => framedSnappy(content, true));
    const damaged = framedSnappy(Buffer.from(encodeAnswer({ status: 200, body: 'x' })), false);
    damaged[damaged.length - 1] = damaged.at(-1)! ^ 1;
    stream.sendRaw(grpcFrame(damaged, 1));
    const { code, message: text } = await stream.ended;
    assert.deepEqual([code, text], ['13', 'damaged snappy stream: a checksum does not match']);
    const large = (await open()).stream;
    const head = Buffer.alloc(5);
    head.writeUInt32BE(0x7fffffff, 1);
    large.sendRaw(head);
    assert.deepEqual(await large.ended, { code: '8', message: 'grpc: received message larger than max (2147483647 vs. 16777216)' });
  });

  test('the HTTP port takes queriers, too', async () => {
    const http = await connectRaw(Number(new URL(frontend.url).port));
    const stream = openRawStream(http, undefined);
    assert.equal((await stream.next()).type, 1n);
    stream.greet('http', 1n);
    const served = serve(stream, found).catch(() => {});
    assert.equal((await get(search)).status, 200);
    stream.close();
    await served;
    http.destroy();
  });

  test('grpc-js, a gRPC library of others, can be a querier', async () => {
    const client = new Client(`127.0.0.1:${frontend.grpcPort}`, credentials.createInsecure());
    const bytes = (content: Buffer) => content;
    const health = () =>
      new Promise<bigint>((resolve, reject) => {
        const answered = (error: Error | null, answer?: Buffer) => (error === null ? resolve(number(answer!, 1)) : reject(error));
        client.makeUnaryRequest('/grpc.health.v1.Health/Check', bytes, bytes, Buffer.alloc(0), answered);
      });
    assert.equal(await health(), 2n, 'not serving without queriers');
    const call = client.makeBidiStreamRequest('/frontend.Frontend/Process', bytes, bytes);
    call.on('data', (content: Buffer) => {
      if (number(content, 2) === 1n) {
        call.write(message([2, 'grpc-js'], [5, 1n]));
        return;
      }
      const batch = all(content, 4);
      const answers = (batch.length > 0 ? batch : all(content, 1)).map((one) => encodeAnswer(found(rawRequest(one).url)));
      call.write(message(...answers.map((answer) => [batch.length > 0 ? 4 : 1, answer] as const)));
    });
    call.on('error', () => {});
    assert.equal((JSON.parse((await get(`${search}&limit=1000`)).text) as { traces: unknown[] }).traces.length, jobCount);
    assert.equal(await health(), 1n);
    const status = new Promise<{ readonly code: number }>((resolve) => call.on('status', resolve));
    client.makeUnaryRequest('/frontend.Frontend/NotifyClientShutdown', bytes, bytes, message([1, 'grpc-js']), () => {});
    assert.equal((await status).code, 0);
    client.close();
  });

  test('a full queue is 429', async () => {
    const { stream } = await open();
    const gone = new AbortController();
    // A search has at most twenty jobs in the queue before the first answer.
    const waiting = Array.from({ length: 150 }, () => get(search, {}, gone.signal).catch(() => undefined));
    const first = await Promise.race(waiting);
    assert.deepEqual(first, { status: 429, text: 'job queue full\n' });
    assert.match((await get('/metrics')).text, /^tempo_query_frontend_discarded_requests_total\{user="wide"\} [1-9]/m);
    gone.abort();
    await Promise.all(waiting);
    stream.close();
  });
});

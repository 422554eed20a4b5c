// A querier as a frontend sees it: bare HTTP/2 on the other side. The facts are those that real frontends count on.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { freePort } from '../../../infra/local/processes.ts';
import { freePorts, type SeparateProcess, startQuerier } from '../../../infra/local/separate.ts';
import { localStorage } from '../../../infra/local/server.ts';
import { recordedBlocks } from '../../conformance/cases.ts';
import { type FrontendStream, type RawFrontend, startRawFrontend } from './raw-frontend.ts';

const storage = localStorage(recordedBlocks);
const asSent = [
  ['X-Scope-Orgid', 'vp4'],
  ['Accept', 'application/protobuf'],
] as const;
const block = 'blockID=7d000000-4000-4000-8000-00000000000c';
const range = 'start=1768044600&end=1768050000';
/** The same search as 2.7.2 sends it: the client's own spelling, no limit, `dataEncoding`, far too many pages. */
const oldForm = `/querier/api/search?q=%7B%20kind%20%3D%20producer%20%7D&${range}&${block}&pagesToSearch=3692&size=111541&startPage=0&encoding=none&indexPageSize=0&totalRecords=1&dataEncoding=&version=vParquet4&footerSize=18420`;
/** As 3.0.3 sends it. */
const newForm = `/querier/api/search?${range}&limit=20&spss=3&q=%7B+kind+%3D+producer+%7D&${block}&pagesToSearch=1&size=111541&startPage=0&encoding=none&indexPageSize=0&totalRecords=1&version=vParquet4&footerSize=18420`;

async function greeted(frontend: RawFrontend): Promise<FrontendStream> {
  const stream = await frontend.stream();
  stream.getId();
  await stream.next();
  return stream;
}

describe('a querier for raw frontends', () => {
  let frontend: RawFrontend;
  let querier: SeparateProcess;
  before(async () => {
    frontend = await startRawFrontend();
    querier = await startQuerier('wire', { storage, multitenancy: true }, [frontend.port], await freePorts(), (config) => {
      config.querier = { ...config.querier, max_concurrent_queries: 2 };
    });
  });
  after(async () => {
    await frontend?.close();
    await querier?.stop();
  });

  test('it opens streams with snappy, answers GET_ID with its name and the feature of batches', async () => {
    const stream = await frontend.stream();
    const { headers } = stream;
    assert.equal(headers['content-type'], 'application/grpc');
    assert.equal(headers.te, 'trailers');
    assert.equal(headers['grpc-encoding'], 'snappy');
    assert.match(String(headers['grpc-accept-encoding']), /snappy/);
    assert.equal(headers['x-scope-orgid'], undefined);
    stream.getId();
    const { clientId, features, single, batch } = await stream.next();
    assert.deepEqual([clientId, features, single, batch], ['wire', 1n, [], []]);
    stream.end(0, '');
  });

  test('jobs in the spelling of both versions have one answer, in the format that is asked for', async () => {
    const stream = await greeted(frontend);
    stream.ask([oldForm], asSent);
    const [old] = (await stream.next()).single;
    stream.ask([newForm], asSent);
    const { single, flag } = await stream.next();
    assert.deepEqual([old!.status, old!.contentType], [200, 'application/protobuf']);
    assert.ok(old!.body.length > 1000);
    assert.equal(flag, 1, 'large answers are compressed');
    assert.deepEqual(single[0]!.body.subarray(0, -16), old!.body.subarray(0, -16));
    for (const headers of [
      [['x-scope-orgid', 'vp4']],
      [
        ['ACCEPT', 'application/json'],
        ['X-SCOPE-ORGID', 'vp4'],
      ],
    ] as const) {
      stream.ask([newForm], headers);
      const [answer] = (await stream.next()).single;
      assert.equal(answer!.contentType, 'application/json');
      assert.ok((JSON.parse(String(answer!.body)) as { traces: unknown[] }).traces.length > 10);
    }
    stream.end(0, '');
  });

  test('answers of a batch stand in the order of the requests', async () => {
    const stream = await greeted(frontend);
    const bad = '/querier/api/search?blockID=x';
    stream.ask(['/no/such/path', newForm, bad, '/querier/api/traces/00ff?mode=ingesters', newForm, '/querier/api/search?q=%7B%7D'], asSent);
    const { batch } = await stream.next();
    assert.deepEqual(
      batch.map(({ status }) => status),
      [404, 200, 400, 404, 200, 200],
    );
    assert.equal(String(batch[0]!.body).trimEnd(), '404 page not found');
    assert.equal(String(batch[3]!.body), '{"metrics":{}}');
    stream.end(1, 'context canceled');
    const metrics = await (await fetch(`${querier.url}/metrics`)).text();
    assert.match(
      metrics,
      /^tempo_request_duration_seconds_count\{method="GET",route="querier_api_search",status_code="200",ws="false"\} \d+$/m,
    );
    assert.match(metrics, /^tempo_request_duration_seconds_count\{method="GET",route="other",status_code="404",ws="false"\} 1$/m);
  });

  test('a stream that ends is opened again at once, whatever its status', async () => {
    for (const code of [0, 1, 2, 13]) {
      const stream = await greeted(frontend);
      stream.end(code, 'whatever');
      await stream.closed;
    }
    await (await greeted(frontend)).end(1, 'context canceled');
    assert.equal(frontend.connections(), 1);
  });

  test('an answer larger than a message may be is 413', async () => {
    const other = await startRawFrontend();
    const small = await startQuerier('small', { storage, multitenancy: true }, [other.port], await freePorts(), (config) => {
      const worker = config.querier!.frontend_worker as Record<string, unknown>;
      config.querier = {
        max_concurrent_queries: 1,
        frontend_worker: { ...worker, grpc_client_config: { max_send_msg_size: 3000, grpc_compression: 'gzip' } },
      };
    });
    try {
      const stream = await greeted(other);
      assert.equal(stream.headers['grpc-encoding'], 'gzip');
      stream.ask([newForm], asSent);
      const [answer] = (await stream.next()).single;
      assert.equal(answer!.status, 413);
      assert.match(String(answer!.body), /^response larger than the max \(\d+ vs 3000\)$/);
    } finally {
      await other.close();
      await small.stop();
    }
  });

  test('more than 100 streams need a second connection; a frontend that comes late is found', async () => {
    const port = await freePort();
    const many = await startQuerier('many', { storage, multitenancy: true }, [port], await freePorts(), (config) => {
      config.querier = { ...config.querier, max_concurrent_queries: 130 };
    });
    const late = await startRawFrontend(port);
    try {
      for (let opened = 0; opened < 130; opened++) await greeted(late);
      assert.equal(late.open(), 130);
      assert.equal(late.connections(), 2);
    } finally {
      await late.close();
      await many.stop();
    }
  });
});

describe('jobs that take long', () => {
  let frontend: RawFrontend;
  let querier: SeparateProcess;
  let slow: { readonly called: () => Promise<ServerResponse>; readonly close: () => void };
  before(async () => {
    const waiting: ((response: ServerResponse) => void)[] = [];
    const calls: ServerResponse[] = [];
    const server = createServer((request, response) => {
      request.resume();
      if (request.method !== 'GET' || !(request.url ?? '').includes('blockID')) {
        response.writeHead(400).end('not for this');
        return;
      }
      const waiter = waiting.shift();
      if (waiter === undefined) calls.push(response);
      else waiter(response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const called = () => {
      const call = calls.shift();
      return call === undefined ? new Promise<ServerResponse>((resolve) => waiting.push(resolve)) : Promise.resolve(call);
    };
    slow = {
      called,
      close: () => {
        server.close();
        server.closeAllConnections();
      },
    };
    frontend = await startRawFrontend();
    const externalEndpoints = [`http://127.0.0.1:${(server.address() as AddressInfo).port}`];
    querier = await startQuerier(
      'slow',
      { storage, multitenancy: true, externalEndpoints, preferSelf: 0 },
      [frontend.port],
      await freePorts(),
      (config) => {
        const { search } = config.querier as { search: object };
        config.querier = { ...config.querier, max_concurrent_queries: 1, search: { ...search, external_hedge_requests_at: '0s' } };
      },
    );
  });
  after(async () => {
    await frontend?.close();
    slow?.close();
    await querier?.stop();
  });

  test('the end of the stream aborts them, down to what they wait for', async () => {
    const stream = await greeted(frontend);
    stream.ask([newForm], asSent);
    const call = await slow.called();
    const gone = once(call, 'close');
    stream.end(1, 'context canceled');
    await gone;
    assert.equal(call.writableEnded, false);
  });

  test('a querier that stops says so, finishes what it was asked, and ends', async () => {
    const stream = await greeted(frontend);
    stream.ask([newForm], asSent);
    const call = await slow.called();
    const stopped = querier.stop();
    assert.equal(await frontend.stopping(), 'slow');
    call.writeHead(200, { 'Content-Type': 'application/json' }).end('{"metrics":{"inspectedTraces":7}}');
    const [answer] = (await stream.next()).single;
    assert.equal(answer!.status, 200);
    await stream.halfClosed;
    stream.end(0, '');
    await stopped;
    assert.equal(frontend.open(), 0);
  });
});

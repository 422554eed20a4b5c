// The function as a process, over real HTTP.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { LocalProcess } from '../../../infra/local/processes.ts';
import { localFunctionEnvironment, startFunction } from '../../../infra/local/server.ts';
import { recordedBlocks } from '../../conformance/cases.ts';
import type { S3Server } from '../backend/s3-server.ts';
import { startS3Server } from '../backend/s3-server.ts';

const search =
  '/?start=1768046400&end=1768050000&limit=20&spss=3&q=%7B+kind+%3D+producer+%7D&blockID=7d000000-4000-4000-8000-00000000000c&pagesToSearch=1' +
  '&size=111541&startPage=0&encoding=none&indexPageSize=0&totalRecords=1&dataEncoding=&version=vParquet4&footerSize=18420&maxBytes=0';
const headers = { 'x-scope-orgid': 'vp4' };
const credentials = { accessKey: 'test', secretKey: 'secret', region: 'us-east-1' };

function s3Environment(endpoint: string): Readonly<Record<string, string>> {
  return {
    TEMPO_BACKEND: 's3',
    TEMPO_S3_BUCKET: 'tempo',
    TEMPO_S3_ENDPOINT: endpoint,
    TEMPO_S3_INSECURE: 'true',
    TEMPO_S3_FORCEPATHSTYLE: 'true',
    TEMPO_S3_ACCESS_KEY: credentials.accessKey,
    TEMPO_S3_SECRET_KEY: credentials.secretKey,
    TEMPO_S3_REGION: credentials.region,
  };
}

async function textOf(response: Response): Promise<string> {
  return `${response.status} ${await response.text()}`;
}

describe('a function over blocks in a folder', () => {
  let local: LocalProcess;
  before(async () => {
    local = await startFunction('function', localFunctionEnvironment(recordedBlocks));
  });
  after(() => local?.stop());

  test('says where it listens', () => {
    assert.equal(local.output().split('\n')[0], `listening on ${local.url.replace('127.0.0.1', '0.0.0.0')}`);
  });

  test('takes every path and method', async () => {
    const answers = [
      await fetch(local.url + search, { headers }),
      await fetch(local.url + search.replace('/?', '/any/path?'), { headers, method: 'POST', body: 'ignored' }),
    ];
    const bodies = await Promise.all(answers.map(textOf));
    assert.match(bodies[0], /^200 \{"traces":\[\{"traceID":"f8d647121c4e9637423782156a2bad69"/);
    // What is counted may depend on what is cached already.
    const traces = bodies.map((body) => body.replace(/"metrics".*/, ''));
    assert.equal(traces[1], traces[0]);
  });

  test('takes a long query', async () => {
    const values = Array.from({ length: 2000 }, (_, i) => `.a%20%3D%20${i}`).join('%7C%7C');
    const response = await fetch(local.url + search.replace('kind+%3D+producer', values), { headers });
    assert.equal(response.status, 200, await response.text());
  });

  test('answers errors as text', async () => {
    assert.equal(await textOf(await fetch(local.url)), '400 serverless [parsing search request]: start and end required');
    assert.equal(await textOf(await fetch(local.url + search)), '400 serverless [extracting org id]: no org id');
  });
});

test('a function without a backend says so with every request', async () => {
  const process = await startFunction('function', { TEMPO_BACKEND: '' });
  try {
    for (let i = 0; i < 2; i++) {
      assert.equal(await textOf(await fetch(process.url + search, { headers })), '500 serverless [loading backend]: unknown backend ');
    }
  } finally {
    await process.stop();
  }
});

describe('a function over blocks in S3', () => {
  let s3: S3Server;
  before(async () => {
    s3 = await startS3Server({ root: recordedBlocks, bucket: 'tempo', ...credentials });
  });
  after(() => s3?.close());

  test('reads only ranges of data.parquet', async () => {
    const process = await startFunction('function', s3Environment(s3.endpoint));
    try {
      s3.clearRequests();
      const response = await fetch(process.url + search, { headers });
      assert.match(await textOf(response), /^200 \{"traces":\[\{"traceID":"f8d647121c4e9637423782156a2bad69"/);
      const requests = s3.requests();
      assert.ok(requests.length > 0 && requests.length <= 8, `${requests.length} requests`);
      for (const { key, range } of requests) {
        assert.equal(key, 'vp4/7d000000-4000-4000-8000-00000000000c/data.parquet');
        assert.ok(range !== undefined);
      }
    } finally {
      await process.stop();
    }
  });

  test('answers what runs before it stops', async () => {
    const process = await startFunction('function', s3Environment(s3.endpoint));
    s3.faults.push({ kind: 'slow', delayMs: 700 });
    const answer = fetch(process.url + search, { headers });
    await delay(300);
    const stopped = process.stop();
    assert.match(await textOf(await answer), /^200 \{"traces":/);
    await stopped;
    await assert.rejects(fetch(process.url), 'it listens no more');
  });

  test('a slow read is tried a second time', async () => {
    const hedged = { TEMPO_S3_HEDGE_REQUESTS_AT: '100ms', TEMPO_S3_HEDGE_REQUESTS_UP_TO: '2' };
    const process = await startFunction('function', { ...s3Environment(s3.endpoint), ...hedged });
    try {
      s3.faults.push({ kind: 'slow', delayMs: 5_000 });
      const start = performance.now();
      const response = await fetch(process.url + search, { headers });
      assert.equal(response.status, 200, await response.text());
      assert.ok(performance.now() - start < 4_000);
    } finally {
      await process.stop();
    }
  });
});

test('a client that goes away stops the reads', async () => {
  let open = 0;
  const silent = createServer((request) => {
    open++;
    request.once('close', () => open--);
  });
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const process = await startFunction('function', s3Environment(`127.0.0.1:${port}`));
  try {
    const client = new AbortController();
    const answer = fetch(process.url + search, { headers, signal: client.signal });
    for (let waited = 0; open === 0 && waited < 5_000; waited += 20) await delay(20);
    assert.equal(open, 1, 'the function reads');
    client.abort();
    await assert.rejects(answer);
    for (let waited = 0; open > 0 && waited < 5_000; waited += 20) await delay(20);
    assert.equal(open, 0, 'the read is aborted');
  } finally {
    await process.stop();
    silent.close();
  }
});

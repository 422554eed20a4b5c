import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { SearchBlockRequest } from '#engine/api/search-request.ts';
import { createLocalBackend } from '#engine/backend/local.ts';
import type { StorageEvent } from '#engine/backend/storage-events.ts';
import { AppError } from '#engine/base/errors.ts';
import { blockId, tenantId } from '#engine/base/units.ts';
import { createJobEnvironment } from '#engine/jobs/environment.ts';
import { createScanThreads, type SearchInProcess } from '#engine/jobs/scan-threads.ts';
import { searchBlock } from '#engine/jobs/search-block.ts';
import { startS3Server } from '../backend/s3-server.ts';

// Goal: a scan on a thread answers what a scan here answers, and threads neither leak work nor hide errors.
// Method: real threads on a real block.

const root = join(import.meta.dirname, '../../fixtures/blocks');
const tenant = tenantId('vp5');
const setup = { backend: { kind: 'local' as const, path: root }, env: {}, maxMemoryBytes: 2 ** 28, cacheBytes: 2 ** 22 };
const id = blockId('6a000000-7000-4000-8000-000000000015')!;
const block = {
  blockId: id,
  version: 'vParquet5',
  sizeBytes: 0,
  footerBytes: 0,
  totalRecords: 1,
  startPage: 0,
  pagesToSearch: 1,
  dedicatedColumns: [],
};
const signal = new AbortController().signal;
const onStorageEvent = (): void => {};

async function request(query: string): Promise<SearchBlockRequest> {
  const { statSync } = await import('node:fs');
  const { size } = statSync(join(root, 'vp5', id, 'data.parquet'));
  return { query, tags: new Map(), startSeconds: 0, endSeconds: 0, limit: 1000, spansPerSpanset: 3, block: { ...block, sizeBytes: size } };
}

async function searchHere(): Promise<{ search: SearchInProcess; calls: () => number }> {
  const environment = createJobEnvironment({ ...setup, backend: await createLocalBackend({ path: root }) });
  let calls = 0;
  return {
    search: (...job) => {
      calls++;
      return searchBlock(environment, ...job);
    },
    calls: () => calls,
  };
}

test('jobs side by side run on threads and answer the same', async () => {
  const here = await searchHere();
  const threads = createScanThreads({ count: 2, setup, searchHere: here.search, onStorageEvent });
  const job = await request('{ kind = server || status = error }');
  const alone = await here.search(tenant, job, 'json', signal);
  const answers = await Promise.all(Array.from({ length: 9 }, () => threads.search(tenant, job, 'json', signal)));
  assert.ok(alone.traces.count > 0);
  for (const { traces } of answers) assert.deepEqual(traces, alone.traces);
  assert.equal(here.calls(), 1, 'only the one that was asked for here');
  await threads.close();
});

test('what threads ask of the store is told here', async () => {
  const server = await startS3Server({ root, bucket: 'traces', accessKey: 'id', secretKey: 'secret' });
  const events: StorageEvent[] = [];
  const never: SearchInProcess = () => new Promise(() => undefined);
  const backend = {
    kind: 's3' as const,
    client: 'signed' as const,
    bucket: 'traces',
    prefix: '',
    endpoint: server.endpoint,
    insecure: true,
    forcePathStyle: true,
    region: 'x',
    accessKey: 'id',
    secretKey: 'secret',
    sessionToken: '',
    hedge: { afterMs: 100, upTo: 2 },
  };
  const threads = createScanThreads({
    count: 1,
    setup: { ...setup, backend },
    searchHere: never,
    onStorageEvent: (event) => events.push(event),
  });
  server.faults.push({ kind: 'hang' });
  const { traces } = await threads.search(tenant, await request('{ }'), 'json', signal);
  assert.ok(traces.count > 0);
  assert.equal(events.filter(({ kind }) => kind === 'hedge').length >= 1, true);
  assert.ok(events.some((event) => event.kind === 'request' && event.errorCode === undefined && event.durationMs > 0));
  await threads.close();
  await server.close();
});

test('without threads everything runs here', async () => {
  const here = await searchHere();
  const threads = createScanThreads({ count: 0, setup, searchHere: here.search, onStorageEvent });
  const job = await request('{ }');
  await Promise.all([1, 2, 3].map(() => threads.search(tenant, job, 'json', signal)));
  assert.equal(here.calls(), 3);
});

test('errors and aborts come back as they are', async () => {
  const never: SearchInProcess = () => new Promise(() => undefined);
  const threads = createScanThreads({ count: 1, setup, searchHere: never, onStorageEvent });
  await assert.rejects(
    threads.search(tenant, await request('{ .a = '), 'json', signal),
    (error) => error instanceof AppError && error.code === 'bad_request',
  );
  const controller = new AbortController();
  const aborted = threads.search(tenant, await request('{ }'), 'json', controller.signal);
  controller.abort();
  await assert.rejects(aborted, (error) => error instanceof AppError && error.code === 'cancelled');
  assert.ok((await threads.search(tenant, await request('{ }'), 'json', signal)).traces.count > 0, 'threads go on');
  await threads.close();
});

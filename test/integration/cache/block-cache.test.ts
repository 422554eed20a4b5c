import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WireJob } from '#engine/api/job-wire.ts';
import type { Backend } from '#engine/backend/backend.ts';
import { countRequests } from '#engine/backend/counted.ts';
import { createLocalBackend } from '#engine/backend/local.ts';
import { systemClock } from '#engine/base/clock.ts';
import { toAppError } from '#engine/base/errors.ts';
import type { CachesConfig } from '#engine/cache/config.ts';
import { openBlockCache } from '#engine/cache/open-block-cache.ts';
import { createJobEnvironment } from '#engine/jobs/environment.ts';
import { runWireJob } from '#engine/jobs/run-wire-job.ts';
import { blocksPath, jobsOf, lookupsOf, sampleBlocks, wireJobs } from '../jobs/sample-jobs.ts';
import type { CacheServer } from './cache-server.ts';
import { startMemcached } from './memcached-server.ts';

// Goal: jobs of every kind on blocks of every version answer the same with and without caches, with full ones, empty ones and ones full of rubbish; full ones
// save requests to the store; keys are Tempo's.
// Method: jobs on real blocks; a real socket to a memcached of test code; a new environment for each run, as after a restart.

const signal = new AbortController().signal;
const roles = ['bloom', 'parquet-footer', 'parquet-column-idx', 'parquet-offset-idx', 'parquet-page'] as const;

function configOf(server: CacheServer): CachesConfig {
  const remote = { timeoutMs: 20_000, ttlMs: 0, maxItemBytes: 0, breaker: { failures: 0, openMs: 0 }, tls: undefined };
  const addresses = [server.endpoint];
  const store = {
    kind: 'memcached' as const,
    addresses,
    host: '',
    service: '',
    maxIdleConnections: 16,
    updateIntervalMs: 60_000,
    ...remote,
  };
  return { caches: [{ roles, store }], background: { writers: 10, bufferLength: 100_000 } };
}

// Reads of a folder that cost what requests to a remote store cost.
const { readInto: _, ...local } = await createLocalBackend({ path: blocksPath });
const remoteBackend: Backend = { ...local, coalesceGapBytes: 512 * 1024 };

const bounds = { maxPageBytes: 1 << 20, bloomMaxCompactionLevel: 0, bloomMaxAgeMs: 0 };
const limits = { maxMemoryBytes: 2 ** 28, cacheBytes: 2 ** 24 };
// To make WASM instances takes longer than the jobs.
const { kernels } = createJobEnvironment({ backend: remoteBackend, ...limits });

/** One run of a job in a new process, so to speak. */
interface Run {
  readonly answer: string;
  readonly requests: readonly string[];
}

/** Bytes read are those of this run; everything else must be the same. */
function comparable(body: Uint8Array): string {
  return Buffer.from(body)
    .toString('latin1')
    .replace(/"inspectedBytes":"?\d+"?,?/, '');
}

async function runJob(job: WireJob, server: CacheServer | undefined): Promise<Run> {
  const requests: string[] = [];
  const backend = countRequests(remoteBackend, (request) => {
    if (request.kind === 'read') requests.push(`${request.key}:${request.start}:${request.end - request.start}`);
    if (request.kind === 'readWhole') requests.push(request.key);
  });
  const opened = server && (await openBlockCache({ caches: configOf(server), limits: bounds }, systemClock, () => {}));
  const environment = { ...createJobEnvironment({ ...limits, backend, blockCache: opened?.blockCache }), kernels };
  const answer = await runWireJob(environment, job, signal).then(
    ({ status, body }) => `${status} ${comparable(body)}`,
    (thrown) => toAppError(thrown).message,
  );
  await opened?.flush();
  opened?.close();
  return { answer, requests };
}

test('answers are the same, and full caches save requests', async (t) => {
  const server = await startMemcached();
  t.after(server.close);
  const sum = { without: 0, empty: 0, jobs: 0 };
  for (const meta of sampleBlocks().filter(({ tenant }) => ['vp2', 'vp4', 'vp5', 'rowgroups'].includes(tenant))) {
    const jobs = [...jobsOf(meta).filter((_, i) => i % 4 === 0), ...lookupsOf(meta, 'deadbeef')];
    for (const job of wireJobs(meta, jobs).filter(({ accept }) => accept === 'application/json')) {
      server.values.clear();
      const without = await runJob(job, undefined);
      const empty = await runJob(job, server);
      // Of a block as small as these, the first read of the end brings pages along, which only the next run keeps one by one.
      await runJob(job, server);
      const full = await runJob(job, server);
      const what = `${meta.version} ${job.url}`;
      assert.equal(empty.answer, without.answer, what);
      assert.equal(full.answer, without.answer, what);
      assert.deepEqual(full.requests, [], `${what}: everything is in the caches`);
      sum.jobs++;
      sum.without += without.requests.length;
      sum.empty += empty.requests.length;
    }
  }
  assert.ok(sum.jobs >= 20 && sum.without > 40, JSON.stringify(sum));
  assert.ok(sum.empty <= 1.2 * sum.without, `filling caches must not cost many requests: ${JSON.stringify(sum)}`);
});

test('keys and values are those of Tempo', async (t) => {
  const server = await startMemcached();
  t.after(server.close);
  const meta = sampleBlocks().find(({ version }) => version === 'vParquet5')!;
  const [job] = wireJobs(meta, lookupsOf(meta, 'deadbeef'));
  await runJob(job!, server);
  const { tenant, blockId, sizeBytes, footerBytes } = meta;
  const keys = [...server.values.keys()];
  for (const key of keys) assert.match(key, new RegExp(`^${tenant}:${blockId}:(bloom-\\d+|data\\.parquet:\\d+:\\d+)$`));
  assert.ok(keys.some((key) => key.includes(':bloom-')));
  const backend = remoteBackend;
  for (const [key, value] of server.values) {
    const [, , name = '', offset, length] = key.split(':');
    const object = `${tenant}/${blockId}/${name}`;
    const stored =
      offset === undefined ? await backend.read(object) : await backend.readRange(object, Number(offset), Number(offset) + Number(length));
    assert.deepEqual(value, Buffer.from(stored), key);
  }
  const search = wireJobs(meta, jobsOf(meta).slice(0, 1))[0]!;
  await runJob(search, server);
  assert.ok(server.values.has(`${tenant}:${blockId}:data.parquet:${sizeBytes - 8 - footerBytes}:${footerBytes}`), 'the footer alone');
});

test('rubbish in a cache does not fail a query', async (t) => {
  const server = await startMemcached();
  t.after(server.close);
  const meta = sampleBlocks().find(({ version }) => version === 'vParquet4')!;
  const [search] = wireJobs(meta, jobsOf(meta).slice(0, 1));
  const [lookup] = wireJobs(meta, lookupsOf(meta, 'deadbeef'));
  for (const job of [search!, lookup!]) {
    const expected = await runJob(job, undefined);
    await runJob(job, server);
    for (const [key, value] of server.values) {
      // Of the right length where the end of the object is, of another one elsewhere.
      const isFooter = key.endsWith(`:${meta.footerBytes}`);
      server.values.set(key, isFooter ? Buffer.alloc(value.length, 7) : Buffer.from('rubbish'));
    }
    assert.equal((await runJob(job, server)).answer, expected.answer);
  }
});

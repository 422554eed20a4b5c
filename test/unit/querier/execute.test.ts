import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SearchBlockRequest } from '#engine/api/search-request.ts';
import { AppError } from '#engine/base/errors.ts';
import { blockId } from '#engine/base/units.ts';
import type { JobReport } from '../../../querier/telemetry/recent-jobs.ts';
import { createRecentJobs } from '../../../querier/telemetry/recent-jobs.ts';
import { createJobExecutor, type ExecutorOptions } from '../../../querier/worker/execute.ts';
import { type Job, jobUrl } from '../../../querier/worker/job.ts';
import { createVirtualClock } from '../base/virtual-clock.ts';
import { answerWith } from './answers.ts';
import { shop } from './blocks.ts';

const request: SearchBlockRequest = {
  query: '{ name = "a b" }',
  tags: new Map(),
  startSeconds: 1,
  endSeconds: 2,
  limit: 20,
  spansPerSpanset: 3,
  block: {
    blockId: blockId('00000000-0000-4000-8000-000000000001')!,
    version: 'vParquet4',
    sizeBytes: 10,
    footerBytes: 1,
    totalRecords: 4,
    startPage: 2,
    pagesToSearch: 1,
    dedicatedColumns: [],
  },
};
const job: Job = { tenant: shop, request, format: 'json' };
const live = new AbortController().signal;

function executor(options: Partial<ExecutorOptions>) {
  const clock = createVirtualClock();
  const reports: JobReport[] = [];
  const waiting: (() => void)[] = [];
  const places: string[] = [];
  const searchSelf = () => {
    places.push('self');
    return new Promise<ReturnType<typeof answerWith>>((resolve) => waiting.push(() => resolve(answerWith(['a', 1]))));
  };
  const searchExternal = async () => {
    places.push('external');
    return { answer: answerWith(['a', 1], ['b', 2]), endpoint: 'http://f', hedges: 1 };
  };
  const run = createJobExecutor({
    searchSelf,
    searchExternal,
    preferSelf: 2,
    queryTimeoutMs: 1000,
    clock,
    onJob: (report) => reports.push(report),
    ...options,
  });
  return { run, clock, reports, waiting, places };
}

test('jobs stay until prefer_self slots are taken; a slot is held until the search has ended', async () => {
  const { run, waiting, places } = executor({});
  const first = [run(job, live), run(job, live)];
  await run(job, live);
  assert.deepEqual(places, ['self', 'self', 'external']);
  waiting[0]!();
  await first[0];
  const fourth = run(job, live);
  assert.deepEqual(places, ['self', 'self', 'external', 'self']);
  for (const end of waiting) end();
  await Promise.all([...first, fourth]);
});

test('a failed local search gives its slot back', async () => {
  const failing = executor({ preferSelf: 1, searchSelf: () => Promise.reject(new AppError('corrupt_block', 'damaged')) });
  await assert.rejects(failing.run(job, live), { code: 'corrupt_block' });
  await assert.rejects(failing.run(job, live), { code: 'corrupt_block' });
  assert.deepEqual(failing.places, []);
});

test('prefer_self 0 sends everything out; without endpoints everything stays', async () => {
  const out = executor({ preferSelf: 0 });
  await out.run(job, live);
  assert.deepEqual(out.places, ['external']);
  const home = executor({ preferSelf: 0, searchExternal: undefined });
  const running = home.run(job, live);
  home.waiting[0]!();
  await running;
  assert.deepEqual(home.places, ['self']);
});

test('reports say where a job ran and what it found', async () => {
  const { run, reports, waiting } = executor({ preferSelf: 1 });
  const local = run(job, live);
  await run(job, live);
  waiting[0]!();
  await local;
  assert.deepEqual(
    reports.map(({ where, endpoint, matched, bytesRead, hedges, startPage, query }) => ({
      where,
      endpoint,
      matched,
      bytesRead,
      hedges,
      startPage,
      query,
    })),
    [
      { where: 'external', endpoint: 'http://f', matched: 2, bytesRead: 100, hedges: 1, startPage: 2, query: '{ name = "a b" }' },
      { where: 'self', endpoint: undefined, matched: 1, bytesRead: 100, hedges: 0, startPage: 2, query: '{ name = "a b" }' },
    ],
  );
});

test('a job ends after query_timeout, wherever it runs', async () => {
  const listen = (_job: Job, signal: AbortSignal) =>
    new Promise<never>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  for (const preferSelf of [0, 1]) {
    const { run, clock, reports } = executor({ preferSelf, searchSelf: listen, searchExternal: listen });
    const running = assert.rejects(run(job, live), { code: 'deadline_exceeded', message: 'context deadline exceeded' });
    await clock.run();
    await running;
    assert.equal(clock.nowMs(), 1000);
    assert.equal(reports[0]?.error, 'context deadline exceeded');
    assert.equal(reports[0]?.where, preferSelf === 0 ? 'external' : 'self');
  }
});

test('a job is a request on the querier API', () => {
  assert.equal(
    jobUrl(job, '/tempo'),
    '/querier/tempo/api/search?start=1&end=2&limit=20&spss=3&q=%7B+name+%3D+%22a+b%22+%7D&blockID=00000000-0000-4000-8000-000000000001' +
      '&pagesToSearch=1&size=10&startPage=2&encoding=none&indexPageSize=0&totalRecords=4&version=vParquet4&footerSize=1',
  );
});

test('recent jobs are a ring, oldest first', () => {
  const recent = createRecentJobs(3);
  const report = { tenant: 't', query: '', blockId: '', startPage: 0, pagesToSearch: 1, where: 'self', durationMs: 1 } as const;
  for (let atMs = 1; atMs <= 5; atMs++) recent.add({ ...report, atMs, bytesRead: 0, matched: 0, hedges: 0 });
  assert.deepEqual(
    recent.list().map(({ atMs }) => atMs),
    [3, 4, 5],
  );
});

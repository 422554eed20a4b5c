import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeSearchAnswer } from '#engine/api/search-body.ts';
import type { SearchBlockRequest } from '#engine/api/search-request.ts';
import { AppError } from '#engine/base/errors.ts';
import { blockId } from '#engine/base/units.ts';
import { typedLimits } from '../../../querier/config/limits.ts';
import { createDispatcher } from '../../../querier/dispatch/dispatcher.ts';
import type { CallResult, Invoke } from '../../../querier/external/invoke.ts';
import type { JobReport } from '../../../querier/telemetry/recent-jobs.ts';
import { createRecentJobs } from '../../../querier/telemetry/recent-jobs.ts';
import { type BlockRunners, createExecutor } from '../../../querier/worker/execute.ts';
import { type Job, jobUrl, type RunJob } from '../../../querier/worker/job.ts';
import { createSpill } from '../../../querier/worker/spill.ts';
import { createWireRunners } from '../../../querier/worker/wire-runners.ts';
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

const noCost = { requests: 1, billedMs: 1, memoryMb: undefined, coldStart: false };

function resultOf(body: Uint8Array): CallResult {
  const answer = { status: 200, contentType: 'application/json', body };
  return { outcomes: [{ kind: 'answered', answer, cost: { bytesRead: 100, gets: 1, durationMs: 1 } }], cost: noCost };
}

function failedWith(reason: 'transport' | 'refused', retryable: boolean): CallResult {
  const outcome = {
    kind: 'failed',
    reason,
    code: reason === 'refused' ? 'bad_request' : 'unavailable',
    message: reason,
    retryable,
  } as const;
  return { outcomes: [outcome], cost: noCost };
}

const found = Buffer.from(encodeSearchAnswer(answerWith(['a', 1], ['b', 2]), { emptyTraces: true, rootPlaceholder: false }).body);
const never = (_: unknown, signal: AbortSignal) =>
  new Promise<never>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

interface Setup {
  readonly preferSelf?: number;
  readonly invoke?: Invoke;
  readonly noEndpoints?: boolean;
  readonly takes?: boolean;
  readonly fallBack?: boolean;
  readonly searchSelf?: RunJob;
}

function executor({
  preferSelf = 2,
  invoke = async () => resultOf(found),
  noEndpoints = false,
  takes = true,
  fallBack = true,
  searchSelf,
}: Setup) {
  const clock = createVirtualClock();
  const reports: JobReport[] = [];
  const cameBack: string[] = [];
  const cuts: string[] = [];
  const waiting: (() => void)[] = [];
  const places: string[] = [];
  const search: RunJob = () => {
    places.push('self');
    return new Promise((resolve) => waiting.push(() => resolve(answerWith(['a', 1]))));
  };
  const call: Invoke = (...args) => {
    places.push('external');
    return invoke(...args);
  };
  const endpoint = { url: 'http://f', invoke: call, maxJobsPerCall: () => 1, takes: () => takes };
  const pool = { name: 'p', endpoints: [endpoint], platform: 'none', memoryMb: undefined, stopsOnAbort: true } as const;
  const dispatcher = createDispatcher({
    ...{ pools: [pool], policy: { kind: 'off' }, budget: { share: 0.05, burst: 1 }, maxInFlightPerEndpoint: 10, maxJobsPerCall: 1 },
    ...{ targetBytesPerCall: 1, throttleWaitMs: 10, clock, random: () => 0, defer: (work) => work(), onEvent: () => {} },
  });
  const spill = createSpill({
    ...{ dispatcher: noEndpoints ? undefined : dispatcher, policy: { kind: 'slots', preferSelf }, fallBack, parallel: 1, clock },
    ...{ listener: () => undefined, onCameBack: (_, reason) => cameBack.push(reason), onCut: (kind) => cuts.push(kind) },
  });
  const self = { search: searchSelf ?? search } as BlockRunners;
  const run = createExecutor({
    ...{ self, spill, clock, httpApiPrefix: '', queryTimeoutMs: 1000, traceTimeoutMs: 1000, limits: () => typedLimits(new Map(), '') },
    ...{ wireRunners: (send) => createWireRunners(send, { httpApiPrefix: '' }), onJob: (report) => reports.push(report) },
  });
  return { run: run.search, clock, reports, waiting, places, cameBack, cuts };
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
  const home = executor({ preferSelf: 0, noEndpoints: true });
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
    reports.map(({ where, endpoint, matched, bytesRead, hedges, startPage, query }) => [
      where,
      endpoint,
      matched,
      bytesRead,
      hedges,
      startPage,
      query,
    ]),
    [
      ['external', 'http://f', 2, 100, 0, 2, '{ name = "a b" }'],
      ['self', undefined, 1, 100, 0, 2, '{ name = "a b" }'],
    ],
  );
});

test('what no function answers runs here, one at a time beyond prefer_self', async () => {
  const { run, places, waiting, cameBack, reports } = executor({ preferSelf: 0, invoke: async () => failedWith('transport', true) });
  const jobs = [run(job, live), run(job, live)];
  for (let turn = 0; turn < 100; turn++) await Promise.resolve();
  assert.equal(places.filter((place) => place === 'self').length, 1);
  waiting[0]!();
  await jobs[0];
  for (let turn = 0; turn < 100; turn++) await Promise.resolve();
  waiting[1]!();
  await jobs[1];
  assert.ok(cameBack.length === 2 && cameBack[0] === 'transport');
  assert.deepEqual(
    reports.map(({ where }) => where),
    ['self', 'self'],
  );
});

test('without falling back a failure of the functions is the job’s', async () => {
  const { run, reports } = executor({ preferSelf: 0, fallBack: false, invoke: async () => failedWith('transport', true) });
  await assert.rejects(run(job, live), { code: 'unavailable', message: 'transport' });
  assert.equal(reports[0]?.where, 'external');
});

test('without falling back that holds while the breaker is open, too', async () => {
  const { run, places } = executor({ preferSelf: 0, fallBack: false, invoke: async () => failedWith('transport', true) });
  for (let query = 0; query < 3; query++) await assert.rejects(run(job, live), { code: 'unavailable' });
  assert.deepEqual([places.includes('self'), places.length < 12], [false, true]);
});

test('jobs of a kind that no endpoint runs stay, and do not come back', async () => {
  const { run, places, waiting, cameBack } = executor({ preferSelf: 0, takes: false, fallBack: false });
  const running = [run(job, live), run(job, live)];
  for (const end of waiting) end();
  await Promise.all(running);
  assert.deepEqual([places, cameBack], [['self', 'self'], []]);
});

test('a job that is refused has failed: nobody else would take it', async () => {
  const { run, places } = executor({ preferSelf: 0, invoke: async () => failedWith('refused', false) });
  await assert.rejects(run(job, live), { code: 'bad_request' });
  assert.deepEqual(places, ['external']);
});

test('an answer that cannot be read is asked for again, then the job runs here', async () => {
  const { run, places, waiting, cameBack } = executor({ preferSelf: 0, invoke: async () => resultOf(found.subarray(0, 40)) });
  const running = run(job, live);
  for (let turn = 0; turn < 200; turn++) await Promise.resolve();
  waiting[0]!();
  await running;
  assert.deepEqual(places, ['external', 'external', 'external', 'self']);
  assert.deepEqual(cameBack, ['bad_answer']);
});

test('a job ends after query_timeout, wherever it runs', async () => {
  for (const preferSelf of [0, 1]) {
    const { run, clock, reports } = executor({ preferSelf, searchSelf: never, invoke: never });
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

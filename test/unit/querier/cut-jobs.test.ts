// A job whose answer no call can carry, through executor, spill and dispatcher on a simulated clock.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WireJob } from '#engine/api/job-wire.ts';
import { encodeSearchAnswer } from '#engine/api/search-body.ts';
import type { SearchBlockRequest } from '#engine/api/search-request.ts';
import { blockId } from '#engine/base/units.ts';
import { typedLimits } from '../../../querier/config/limits.ts';
import { createDispatcher } from '../../../querier/dispatch/dispatcher.ts';
import type { CallRecord } from '../../../querier/dispatch/state.ts';
import type { Call, CallResult, JobOutcome } from '../../../querier/external/invoke.ts';
import type { JobReport } from '../../../querier/telemetry/recent-jobs.ts';
import type { BlockRunners } from '../../../querier/worker/execute.ts';
import { createExecutor } from '../../../querier/worker/execute.ts';
import { createSpill } from '../../../querier/worker/spill.ts';
import { createWireRunners } from '../../../querier/worker/wire-runners.ts';
import { createSimulatedClock } from '../../simulation/clock.ts';
import { answerWith, traceIds } from './answers.ts';
import { shop } from './blocks.ts';

const rowGroups = 8;
const live = new AbortController().signal;

function request(limit: number, query = '{ }'): SearchBlockRequest {
  const block = { version: 'vParquet4', sizeBytes: 8000, footerBytes: 1, totalRecords: rowGroups, dedicatedColumns: [] };
  return {
    ...{ query, tags: new Map(), startSeconds: 1, endSeconds: 2, limit, spansPerSpanset: 3 },
    block: { ...block, blockId: blockId('00000000-0000-4000-8000-000000000001')!, startPage: 0, pagesToSearch: rowGroups },
  };
}

const pagesOf = ({ url }: WireJob) => ['startPage', 'pagesToSearch'].map((name) => Number(new URL(url, 'http://x').searchParams.get(name)));

/** What a job finds: a trace for each row group, named after it. */
function answered(job: WireJob): JobOutcome {
  const [startPage = 0, pages = 0] = pagesOf(job);
  const traces = Array.from({ length: pages }, (_, index) => [(startPage + index + 1).toString(16), 100 + startPage + index] as const);
  const { body } = encodeSearchAnswer(answerWith(...traces), { emptyTraces: true, rootPlaceholder: false });
  const cost = { bytesRead: 100, gets: 1, durationMs: 1 };
  return { kind: 'answered', answer: { status: 200, contentType: 'application/json', body }, cost };
}

const tooLarge = { kind: 'failed', reason: 'too_large', code: 'too_large', message: 'no room', retryable: false } as const;

interface Setup {
  /** Row groups whose answer a call can carry. */
  readonly fits: number;
  readonly fallBack?: boolean;
  /** Milliseconds of a call; Infinity: it never ends. */
  readonly callMs?: (startPage: number, pages: number) => number;
  readonly outcome?: (job: WireJob, usual: JobOutcome) => JobOutcome;
}

function world({ fits, fallBack = false, callMs = () => 10, outcome = (_, usual) => usual }: Setup) {
  const clock = createSimulatedClock();
  const startedMs = clock.nowMs();
  const calls: { readonly pages: readonly number[]; readonly deadlineMs: number; readonly jobs: number }[] = [];
  const [records, reports, cuts, cameBack]: [CallRecord[], JobReport[], string[], string[]] = [[], [], [], []];
  let aborted = 0;
  const invoke = ({ jobs, deadlineMs }: Call, signal: AbortSignal) =>
    new Promise<CallResult>((resolve, reject) => {
      for (const job of jobs) calls.push({ pages: pagesOf(job), deadlineMs: deadlineMs - startedMs, jobs: jobs.length });
      const outcomes = jobs.map((job) => outcome(job, pagesOf(job)[1]! > fits ? tooLarge : answered(job)));
      const [startPage = 0, pages = 0] = pagesOf(jobs[0]!);
      const afterMs = callMs(startPage, pages);
      const cost = { requests: 1, billedMs: 10, memoryMb: 1024, coldStart: false };
      if (afterMs < Number.POSITIVE_INFINITY) clock.after(afterMs, () => resolve({ outcomes, cost }));
      signal.addEventListener('abort', () => {
        aborted++;
        reject(signal.reason);
      });
    });
  const endpoint = { url: 'f', invoke, maxJobsPerCall: () => 10, takes: () => true };
  const dispatcher = createDispatcher({
    pools: [{ name: 'p', endpoints: [endpoint], platform: 'none', memoryMb: undefined, stopsOnAbort: true }],
    ...{ policy: { kind: 'off' }, budget: { share: 0.05, burst: 1 }, maxInFlightPerEndpoint: 100, maxJobsPerCall: 10 },
    ...{ targetBytesPerCall: 1 << 20, throttleWaitMs: 10, clock, random: () => 0, defer: (work) => void clock.after(0, work) },
    onEvent: () => {},
  });
  const spill = createSpill({
    ...{ dispatcher, policy: { kind: 'slots', preferSelf: 0 }, fallBack, parallel: 1, clock },
    ...{ listener: () => ({ onCall: (record) => records.push(record) }) },
    ...{ onCameBack: (_, reason) => cameBack.push(reason), onCut: (kind) => cuts.push(kind) },
  });
  const here: [number, number][] = [];
  const self = {
    search: async ({ request: { block } }) => {
      here.push([block.startPage, block.pagesToSearch]);
      return answerWith([(block.startPage + 1).toString(16), 100 + block.startPage]);
    },
  } as Partial<BlockRunners> as BlockRunners;
  const run = createExecutor({
    ...{ self, spill, clock, httpApiPrefix: '', queryTimeoutMs: 1000, traceTimeoutMs: 1000, limits: () => typedLimits(new Map(), '') },
    ...{ wireRunners: (send) => createWireRunners(send, { httpApiPrefix: '' }), onJob: (report) => reports.push(report) },
  });
  const search = (limit = 100, signal = live, query = '{ }') =>
    run.search({ tenant: shop, request: request(limit, query), format: 'json' }, signal);
  return { clock, search, calls, here, reports, records, cuts, cameBack, aborted: () => aborted };
}

const ids = (count: number) => Array.from({ length: count }, (_, index) => (index + 1).toString(16));

test('a job is halved until its answers fit; each part is a call of its own with the deadline of the whole', async () => {
  const { clock, search, calls, reports, records, cuts, here } = world({ fits: 2 });
  const answer = await clock.runUntil(search());
  assert.deepEqual(traceIds(answer), ids(8));
  assert.equal(answer.metrics.inspectedTraces, 4 * 5);
  assert.deepEqual(
    calls.map(({ pages }) => pages),
    [
      [0, 8],
      [0, 4],
      [4, 4],
      [0, 2],
      [2, 2],
      [4, 2],
      [6, 2],
    ],
  );
  assert.deepEqual([...new Set(calls.map(({ jobs, deadlineMs }) => `${jobs} ${deadlineMs}`))], ['1 1000']);
  assert.deepEqual([cuts.length, here.length, records.length], [3, 0, 7], 'all calls are accounted for');
  assert.deepEqual(
    reports.map(({ where, endpoint, matched }) => [where, endpoint, matched]),
    [['external', 'f', 8]],
    'one job',
  );
});

test('the next jobs of the query are cut before they are sent, those of others are not, and it is forgotten', async () => {
  const { clock, search, calls } = world({ fits: 2 });
  await clock.runUntil(search());
  const sent = async (query: string) => {
    const before = calls.length;
    await clock.runUntil(search(100, live, query));
    return calls.slice(before).map(({ pages: [, pages] }) => pages);
  };
  assert.deepEqual(await sent('{ }'), [2, 2, 2, 2]);
  assert.deepEqual(await sent('{ name = "a" }'), [8, 4, 4, 2, 2, 2, 2]);
  await clock.runUntil(clock.sleep(11 * 60 * 1000));
  assert.deepEqual(await sent('{ }'), [8, 4, 4, 2, 2, 2, 2]);
});

test('parts behind the limit are aborted, and what becomes of them does not matter', async () => {
  const slow = world({ fits: 4, callMs: (startPage) => (startPage >= 4 ? Number.POSITIVE_INFINITY : 10) });
  const answer = await slow.clock.runUntil(slow.search(3));
  assert.deepEqual([traceIds(answer), slow.aborted(), slow.calls.length], [ids(3), 1, 3]);
  const refused = { kind: 'failed', reason: 'refused', code: 'corrupt_block', message: 'damaged', retryable: false } as const;
  const damaged = { fits: 4, outcome: (job: WireJob, usual: JobOutcome) => (pagesOf(job)[0]! >= 4 ? refused : usual) };
  const lucky = world(damaged);
  assert.deepEqual(traceIds(await lucky.clock.runUntil(lucky.search(3))), ids(3));
  const unlucky = world(damaged);
  await assert.rejects(unlucky.clock.runUntil(unlucky.search(5)), { code: 'corrupt_block', message: 'damaged' });
});

test('a row group that is too large alone comes back, and only that', async () => {
  const odd = (job: WireJob, usual: JobOutcome) => {
    const [startPage = 0, pages = 0] = pagesOf(job);
    return startPage <= 5 && startPage + pages > 5 ? tooLarge : usual;
  };
  const back = world({ fits: 8, fallBack: true, outcome: odd });
  const answer = await back.clock.runUntil(back.search());
  assert.deepEqual([traceIds(answer), back.here, back.cameBack], [ids(8), [[5, 1]], ['too_large']]);
  const out = world({ fits: 8, outcome: odd });
  await assert.rejects(out.clock.runUntil(out.search()), { code: 'too_large', message: 'no room' });
  assert.deepEqual(out.here, []);
});

test('a client that goes and a deadline end all parts', async () => {
  const never = () => world({ fits: 4, callMs: (_, pages) => (pages <= 4 ? Number.POSITIVE_INFINITY : 10) });
  const left = never();
  const leave = new AbortController();
  const leaving = assert.rejects(left.search(100, leave.signal), { code: 'cancelled' });
  left.clock.after(100, () => leave.abort());
  await left.clock.runUntil(leaving);
  assert.deepEqual([left.clock.monotonicMs(), left.aborted(), left.calls.length], [100, 2, 3]);
  const late = never();
  await late.clock.runUntil(assert.rejects(late.search(), { code: 'deadline_exceeded' }));
  assert.deepEqual([late.clock.monotonicMs(), late.aborted(), late.calls.length], [1000, 2, 3]);
});

test('where it is a guess that the answer was too large, the job is tried twice first, and remembered when parts have been of help', async () => {
  const guess = { ...tooLarge, reason: 'job_error', retryable: true } as const;
  const { clock, search, calls, reports } = world({ fits: 8, outcome: (job, usual) => (pagesOf(job)[1]! > 4 ? guess : usual) });
  assert.deepEqual(traceIds(await clock.runUntil(search())), ids(8));
  const pages = () => calls.map(({ pages: [, count] }) => count);
  assert.deepEqual(pages(), [8, 8, 4, 4]);
  await clock.runUntil(search());
  assert.deepEqual(pages(), [8, 8, 4, 4, 4, 4]);
  assert.deepEqual(
    reports.map(({ where }) => where),
    ['external', 'external'],
  );
});

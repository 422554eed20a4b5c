// The dispatcher on a simulated clock: what goes where, when again, and what is left alone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WireJob } from '#engine/api/job-wire.ts';
import { AppError } from '#engine/base/errors.ts';
import { createDispatcher } from '../../../querier/dispatch/dispatcher.ts';
import type { CallRecord, DispatchOptions } from '../../../querier/dispatch/state.ts';
import type { Call, CallResult, FailureReason, JobOutcome } from '../../../querier/external/invoke.ts';
import { createSimulatedClock } from '../../simulation/clock.ts';
import { shop } from '../querier/blocks.ts';

const mebibyte = 1 << 20;
const cost = { requests: 1, billedMs: 1, memoryMb: 1024, coldStart: false };

function jobs(count: number, sizeBytes = 100 * mebibyte, query = 'a'): WireJob[] {
  return Array.from({ length: count }, (_, index) => ({
    kind: 'search',
    tenant: shop,
    url: `/querier/api/search?q=${query}&blockID=${index}&size=${sizeBytes}&startPage=0&pagesToSearch=1&totalRecords=1`,
    accept: 'application/protobuf',
  }));
}

const answered = (job: WireJob): JobOutcome => ({
  ...{ kind: 'answered', answer: { status: 200, contentType: '', body: Buffer.from(job.url) } },
  cost: { bytesRead: 1, gets: 1, durationMs: 1 },
});
const failed = (reason: FailureReason, retryAfterMs?: number): JobOutcome => ({
  ...{ kind: 'failed', reason, code: 'unavailable', message: reason, retryable: reason !== 'refused' },
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
});

/** Milliseconds that a call takes, and the outcomes of its jobs; Infinity: it never ends. */
type Behaviour = (
  call: Call,
  count: number,
) => { readonly afterMs: number; readonly outcome?: (job: WireJob, index: number) => JobOutcome };

function world(behaviours: readonly Behaviour[], options: Partial<DispatchOptions> = {}) {
  const clock = createSimulatedClock();
  const calls: { readonly endpoint: number; readonly atMs: number; readonly jobs: number; readonly hedged: boolean }[] = [];
  const records: CallRecord[] = [];
  let aborted = 0;
  const endpoints = behaviours.map((behave, endpoint) => {
    let count = 0;
    return {
      ...{ url: `f${endpoint}`, maxJobsPerCall: () => 10, takes: () => true },
      invoke: (call: Call, signal: AbortSignal) =>
        new Promise<CallResult>((resolve, reject) => {
          calls.push({ endpoint, atMs: clock.monotonicMs(), jobs: call.jobs.length, hedged: call.hedged });
          const { afterMs, outcome = answered } = behave(call, count++);
          if (afterMs < Number.POSITIVE_INFINITY) clock.after(afterMs, () => resolve({ outcomes: call.jobs.map(outcome), cost }));
          signal.addEventListener('abort', () => {
            aborted++;
            reject(signal.reason);
          });
        }),
    };
  });
  const dispatcher = createDispatcher({
    pools: [{ name: 'p', endpoints, platform: 'none', memoryMb: undefined, stopsOnAbort: true }],
    ...{
      policy: { kind: 'static', atMs: 100, upTo: 3 },
      budget: { share: 0.05, burst: 5 },
      maxInFlightPerEndpoint: 100,
      maxJobsPerCall: 10,
    },
    ...{ targetBytesPerCall: 100 * mebibyte, throttleWaitMs: 500, clock, random: () => 0, defer: (work) => void clock.after(0, work) },
    onEvent: (event) => {
      if (event.kind === 'call_ended') records.push(event.record);
    },
    ...options,
  });
  const live = new AbortController().signal;
  const send = (job: WireJob, signal = live) => dispatcher.send(job, { deadlineMs: clock.nowMs() + 30_000 }, signal);
  const sendAll = (all: readonly WireJob[]) => clock.runUntil(Promise.all(all.map((job) => send(job))));
  return { clock, calls, records, dispatcher, send, sendAll, aborted: () => aborted };
}

const quick: Behaviour = () => ({ afterMs: 10 });
const hangs: Behaviour = () => ({ afterMs: Number.POSITIVE_INFINITY });
const fails =
  (reason: FailureReason, retryAfterMs?: number): Behaviour =>
  () => ({ afterMs: 1, outcome: () => failed(reason, retryAfterMs) });

test('jobs that arrive together share calls by size, queries do not', async () => {
  const small = world([quick]);
  await small.sendAll([...jobs(25, mebibyte, 'a'), ...jobs(3, mebibyte, 'b')]);
  assert.deepEqual(
    small.calls.map((call) => call.jobs),
    [9, 8, 8, 3],
  );
  const large = world([quick]);
  const sent = await large.sendAll(jobs(4));
  assert.deepEqual(
    large.calls.map((call) => call.jobs),
    [1, 1, 1, 1],
  );
  for (const [index, one] of sent.entries()) {
    assert.ok(
      one.kind === 'answered' && Buffer.from(one.answer.body).toString() === jobs(4)[index]!.url,
      'everybody gets their own answer',
    );
  }
});

test('a slow call is repeated at another endpoint; the loser is aborted', async () => {
  const { calls, clock, sendAll, aborted, records } = world([hangs, quick]);
  const [sent] = await sendAll(jobs(1));
  assert.ok(sent?.kind === 'answered' && sent.endpoint === 'f1' && sent.hedges === 1);
  assert.deepEqual(
    calls.map(({ endpoint, atMs, hedged }) => [endpoint, atMs, hedged]),
    [
      [0, 0, false],
      [1, 100, true],
    ],
  );
  assert.deepEqual([clock.monotonicMs(), aborted()], [110, 1]);
  assert.deepEqual(records.map(({ end, hedged }) => [end, hedged]).sort(), [
    ['answered', true],
    ['lost', false],
  ]);
});

test('up_to counts all calls; where there is one endpoint it gets them all', async () => {
  const { calls, send, clock } = world([hangs]);
  const client = new AbortController();
  const ended = assert.rejects(send(jobs(1)[0]!, client.signal), { code: 'cancelled' });
  clock.after(5000, () => client.abort(new AppError('cancelled', 'gone')));
  await clock.runUntil(ended);
  assert.deepEqual(
    calls.map(({ atMs }) => atMs),
    [0, 100, 200],
  );
});

test('the budget holds for static hedging, too', async () => {
  const slow: Behaviour = () => ({ afterMs: 1000 });
  const { calls, sendAll } = world([slow, slow, slow], { budget: { share: 0.05, burst: 0 } });
  await sendAll(jobs(200));
  assert.equal(calls.filter(({ hedged }) => hedged).length, 10);
});

test('a failed call goes elsewhere at once, job by job', async () => {
  const half: Behaviour = () => ({ afterMs: 1, outcome: (job, index) => (index === 0 ? failed('server_error') : answered(job)) });
  const { calls, sendAll, clock } = world([half, quick]);
  const sent = await sendAll(jobs(4, mebibyte));
  assert.deepEqual(
    sent.map((one) => one.kind === 'answered' && one.endpoint),
    ['f1', 'f0', 'f0', 'f0'],
  );
  assert.deepEqual(
    calls.map(({ endpoint, atMs, jobs: count }) => [endpoint, atMs, count]),
    [
      [0, 0, 4],
      [1, 1, 1],
    ],
  );
  assert.equal(clock.monotonicMs(), 11);
});

test('a job that fails everywhere is no fault of an endpoint; one that succeeds elsewhere is', async () => {
  const errs: Behaviour = () => ({ afterMs: 1, outcome: () => failed('job_error') });
  const bad = world([errs, errs]);
  for (let round = 0; round < 30; round++) {
    const [sent] = await bad.sendAll(jobs(1));
    assert.ok(sent?.kind === 'unanswered' && sent.reason === 'job_error');
  }
  assert.equal(bad.calls.length, 60, 'two calls a job, and no breaker that stops them');
  const broken = world([errs, quick]);
  for (let round = 0; round < 30; round++) assert.equal((await broken.sendAll(jobs(1)))[0]?.kind, 'answered');
  const wasted = broken.calls.filter(({ endpoint }) => endpoint === 0).length;
  assert.ok(wasted >= 5 && wasted < 10, `${wasted} calls of an endpoint where everything fails`);
});

test('what succeeds here after all is held against the endpoints that failed it', async () => {
  const errs: Behaviour = () => ({ afterMs: 1, outcome: () => failed('job_error') });
  const { calls, sendAll } = world([errs, errs]);
  for (let round = 0; round < 8; round++) {
    const [sent] = await sendAll(jobs(1));
    if (sent?.kind === 'unanswered') sent.blame();
  }
  assert.ok(calls.length <= 10, `${calls.length} calls`);
});

test('when a hedge fails, what still runs may be repeated again', async () => {
  const behaviour: Behaviour = (_, count) => (count === 0 ? { afterMs: 1, outcome: () => failed('transport') } : { afterMs: 10 });
  const { clock, sendAll, calls } = world([hangs, behaviour], { policy: { kind: 'static', atMs: 100, upTo: 3 } });
  const [sent] = await sendAll(jobs(1));
  assert.equal(sent?.kind, 'answered');
  assert.ok(clock.monotonicMs() < 150, `${clock.monotonicMs()} ms, ${JSON.stringify(calls)}`);
});

test('what is too large is split, and comes back when it is alone', async () => {
  const limited: Behaviour = ({ jobs: all }) => ({ afterMs: 1, outcome: (job) => (all.length > 1 ? failed('too_large') : answered(job)) });
  const split = world([limited]);
  assert.ok((await split.sendAll(jobs(3, mebibyte))).every(({ kind }) => kind === 'answered'));
  assert.deepEqual(
    split.calls.map((call) => call.jobs),
    [3, 1, 1, 1],
  );
  const never = world([fails('too_large')]);
  const [sent] = await never.sendAll(jobs(1));
  assert.ok(sent?.kind === 'unanswered' && sent.reason === 'too_large');
  assert.ok(never.dispatcher.available('search'), 'no fault of the endpoint');
});

test('a throttled job goes elsewhere, waits for a moment where all throttle, and comes back after that', async () => {
  const elsewhere = world([fails('throttled', 400), quick]);
  const [moved] = await elsewhere.sendAll(jobs(1));
  assert.ok(moved?.kind === 'answered' && moved.endpoint === 'f1');
  assert.deepEqual(
    elsewhere.calls.map(({ hedged }) => hedged),
    [false, false],
    'that is no hedge',
  );
  const once: Behaviour = (_, count) => (count === 0 ? { afterMs: 1, outcome: () => failed('throttled', 400) } : { afterMs: 10 });
  const waits = world([once]);
  assert.equal((await waits.sendAll(jobs(1)))[0]?.kind, 'answered');
  assert.deepEqual(
    waits.calls.map(({ atMs }) => atMs),
    [0, 401],
  );
  const long = world([fails('throttled', 5000)]);
  const [back] = await long.sendAll(jobs(1));
  assert.ok(back?.kind === 'unanswered' && back.reason === 'throttled');
  assert.equal(long.clock.monotonicMs(), 1);
});

test('an endpoint that is full makes jobs wait, and these share calls', async () => {
  const { calls, sendAll, clock } = world([quick], { maxInFlightPerEndpoint: 2, targetBytesPerCall: 20 * mebibyte });
  await sendAll(jobs(8, 10 * mebibyte));
  assert.deepEqual(
    calls.map(({ atMs, jobs: count }) => [atMs, count]),
    [
      [0, 2],
      [0, 2],
      [10, 2],
      [10, 2],
    ],
  );
  assert.equal(clock.monotonicMs(), 20);
});

test('whoever goes takes calls along that nobody else waits for', async () => {
  const { clock, send, aborted, calls } = world([() => ({ afterMs: 50 })]);
  const client = new AbortController();
  const [first, second] = jobs(2, mebibyte);
  const gone = assert.rejects(send(first!, client.signal), { code: 'cancelled' });
  const stays = send(second!);
  clock.after(20, () => client.abort(new AppError('cancelled', 'gone')));
  await clock.runUntil(gone);
  assert.equal(aborted(), 0, 'the other job of the call is still wanted');
  assert.equal((await clock.runUntil(stays)).kind, 'answered');
  assert.equal(calls.length, 1);
  await assert.rejects(send(first!, client.signal), { code: 'cancelled' });
  assert.equal(calls.length, 1);
});

test('when all are down jobs come back at once', async () => {
  const { sendAll, calls, dispatcher, clock } = world([fails('transport'), fails('transport')]);
  assert.ok((await sendAll(jobs(20))).every(({ kind }) => kind === 'unanswered'));
  assert.equal(dispatcher.available('search'), false);
  const before = calls.length;
  assert.equal((await sendAll(jobs(1)))[0]?.kind, 'unanswered');
  assert.equal(calls.length, before);
  await clock.runUntil(clock.sleep(1000));
  assert.equal(dispatcher.available('search'), true, 'one call may find out');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { failureOfOutcome, faultOfEndpoint, stepAfterFailure } from '../../../querier/dispatch/after-failure.ts';
import { chooseEndpoint } from '../../../querier/dispatch/choose-endpoint.ts';
import {
  availability,
  type EndpointHealth,
  healthyEndpoint,
  onAbandoned,
  onAnswer,
  onFailure,
  onLostRace,
  onStart,
  onThrottled,
} from '../../../querier/dispatch/endpoint-health.ts';
import { createHedgeBudget } from '../../../querier/dispatch/hedge-budget.ts';
import { adaptiveDelaysMs, hedgeDelayMs } from '../../../querier/dispatch/hedge-policy.ts';
import { readJobFacts, sizeClass } from '../../../querier/dispatch/job-facts.ts';
import { planCalls } from '../../../querier/dispatch/plan-calls.ts';
import type { FailureReason, JobFailed } from '../../../querier/external/invoke.ts';
import { placeJob, predictedSelfMs } from '../../../querier/worker/place-job.ts';
import { shop } from '../querier/blocks.ts';

const failed = (reason: FailureReason, retryable = true): JobFailed => ({
  kind: 'failed',
  reason,
  code: 'unavailable',
  message: '',
  retryable,
});

test('jobs are put into calls: every job once, limits kept, bytes balanced', () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 60 });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 300 }), (all, maxJobs, targetBytes) => {
      const jobs = all.map((sizeBytes, id) => ({ id, sizeBytes }));
      const calls = planCalls(jobs, { maxJobs, targetBytes });
      assert.deepEqual(
        calls
          .flat()
          .map(({ id }) => id)
          .sort((a, b) => a - b),
        jobs.map(({ id }) => id),
      );
      for (const call of calls) assert.ok(call.length >= 1 && call.length <= maxJobs);
      const sums = calls.map((call) => call.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
      const largest = Math.max(0, ...all);
      if (maxJobs >= jobs.length && sums.length > 1) assert.ok(Math.max(...sums) - Math.min(...sums) <= largest, `${sums}`);
    }),
  );
});

test('jobs of target size go alone, small ones share', () => {
  const of = (...sizes: number[]) =>
    planCalls(
      sizes.map((sizeBytes) => ({ sizeBytes })),
      { maxJobs: 10, targetBytes: 104 },
    ).map((call) => call.length);
  assert.deepEqual(of(100, 100, 100), [1, 1, 1]);
  assert.deepEqual(of(10, 10, 10, 10), [4]);
  assert.deepEqual(of(100, 10, 10, 10).sort(), [1, 3]);
  assert.deepEqual(of(...Array.from({ length: 25 }, () => 0)).sort(), [8, 8, 9]);
});

test('a breaker opens after five failures in a row, lets one probe through, and closes on an answer', () => {
  let health: EndpointHealth = healthyEndpoint;
  for (let call = 0; call < 4; call++) health = onFailure(health, 'transport', 0);
  assert.equal(availability(health, 0), 'ready');
  health = onFailure(health, 'transport', 0);
  assert.deepEqual([availability(health, 0), availability(health, 999), availability(health, 1000)], ['down', 'down', 'probe']);
  const probing = onStart(health, 1000);
  assert.equal(availability(probing, 1000), 'down');
  assert.equal(availability(onAbandoned(probing), 1000), 'probe');
  const again = onFailure(probing, 'transport', 1000);
  assert.deepEqual([availability(again, 2999), availability(again, 3000)], ['down', 'probe'], 'twice as long');
  assert.equal(availability(onAnswer(onStart(again, 3000)), 3000), 'ready');
});

test('what is told apart: races lost, throttling, another version', () => {
  let slow: EndpointHealth = healthyEndpoint;
  for (let call = 0; call < 200; call++) slow = call % 20 === 0 ? onLostRace(slow, 0) : onAnswer(slow);
  assert.equal(availability(slow, 0), 'ready', 'a straggler in twenty is no fault');
  for (let call = 0; call < 10; call++) slow = onLostRace(slow, 0);
  assert.equal(availability(slow, 0), 'down', 'nothing but stragglers is one');
  let throttled: EndpointHealth = healthyEndpoint;
  for (let call = 0; call < 100; call++) throttled = call % 10 === 0 ? onThrottled(throttled, 0, 5000) : onAnswer(throttled);
  assert.equal(availability(throttled, 0), 'ready');
  for (let call = 0; call < 7; call++) throttled = onThrottled(throttled, 0, 5000);
  assert.deepEqual([availability(throttled, 4999), availability(throttled, 5000)], ['down', 'ready'], 'left alone for as long as it asks');
  assert.equal(availability(onFailure(healthyEndpoint, 'version', 0), 59_000), 'down');
});

test('the next endpoint: up, with room, not where the job has failed, of the first pool that has one', () => {
  const of = (name: string, inFlight = 0, health = healthyEndpoint) => ({ name, inFlight, health });
  const [a, b, c] = [of('a', 3), of('b', 1), of('c')];
  const down = of('down', 0, { ...healthyEndpoint, openUntilMs: 10 });
  const limits = { nowMs: 0, maxInFlight: 5 };
  const none = { rather: new Set<typeof a>(), untilMs: new Map<typeof a, number>() };
  const choose = (pools: (typeof a)[][], avoid = none, random = () => 0) => chooseEndpoint(pools, avoid, limits, random)?.name;
  assert.equal(choose([[a, b], [c]]), 'b', 'the lighter of two');
  assert.equal(choose([[down], [c]]), 'c');
  assert.equal(choose([[of('full', 5)], [c]]), 'c');
  assert.equal(choose([[a, b]], { ...none, rather: new Set([b]) }), 'a');
  assert.equal(choose([[b], [c]], { ...none, rather: new Set([b]) }), 'c', 'another pool rather than the same endpoint');
  assert.equal(choose([[b]], { ...none, rather: new Set([b]) }), 'b', 'there is only one');
  assert.equal(choose([[b]], { ...none, untilMs: new Map([[b, 1]]) }), undefined, 'it has throttled this job');
  assert.equal(choose([[down]]), undefined);
});

test('the budget bounds hedges over any span, whatever calls do', () => {
  const steps = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 3000 })), { maxLength: 400 });
  fc.assert(
    fc.property(steps, (all) => {
      const budget = createHedgeBudget({ share: 0.08, burst: 3 });
      let [nowMs, calls, hedges] = [0, 0, 0];
      for (const [isCall, afterMs] of all) {
        nowMs += afterMs;
        if (isCall) {
          calls++;
          budget.earn(nowMs, 1);
        } else if (budget.take(nowMs, 1)) hedges++;
      }
      assert.ok(hedges <= 3 + 0.08 * calls, `${hedges} hedges for ${calls} calls`);
    }),
  );
  const burst = createHedgeBudget({ share: 0.0625, burst: 0 });
  for (let call = 0; call < 1000; call++) burst.earn(0, call);
  assert.equal(burst.left(), 62, 'a burst earns its own hedges');
  burst.take(60_000, 0);
  assert.equal(burst.left(), 0, 'and loses them when it is over');
});

test('delays: an outlier’s in the middle of a query, a quantile in its last jobs, Tempo’s where it is static', () => {
  const delays = adaptiveDelaysMs([4, 5, 6, 10]);
  assert.ok(Math.abs(delays.middleMs - 6 * 1.5 ** 1.5) < 1e-9);
  assert.equal(delays.lastMs, 10);
  assert.deepEqual(adaptiveDelaysMs([4, 5, Infinity, Infinity]), { middleMs: 50, lastMs: 50 });
  const adaptive = { kind: 'adaptive', upTo: 4, atMostMs: 8000 } as const;
  assert.equal(hedgeDelayMs(adaptive, { outstanding: 500, peak: 1000 }, delays), delays.middleMs);
  assert.equal(hedgeDelayMs(adaptive, { outstanding: 20, peak: 1000 }, delays), 10);
  assert.equal(hedgeDelayMs(adaptive, { outstanding: 1, peak: 1 }, delays), 10);
  assert.equal(hedgeDelayMs(adaptive, { outstanding: 1, peak: 1 }, { middleMs: Infinity, lastMs: Infinity }), 8000);
  assert.equal(hedgeDelayMs({ kind: 'static', atMs: 500, upTo: 3 }, { outstanding: 1, peak: 1 }, delays), 500);
  assert.equal(hedgeDelayMs({ kind: 'off' }, { outstanding: 1, peak: 1 }, delays), Infinity);
});

test('what a job does after a failure', () => {
  const first = { failures: 1, running: 0, jobsInCall: 1 };
  for (const reason of ['transport', 'timeout', 'server_error', 'bad_answer', 'version'] as const) {
    assert.deepEqual(stepAfterFailure(failed(reason), first), { kind: 'resend', alone: false }, reason);
    assert.deepEqual(stepAfterFailure(failed(reason), { ...first, running: 1 }), { kind: 'wait' }, reason);
    assert.deepEqual(stepAfterFailure(failed(reason), { ...first, failures: 4 }), { kind: 'giveUp' }, reason);
  }
  assert.deepEqual(stepAfterFailure(failed('job_error'), first), { kind: 'resend', alone: false });
  assert.deepEqual(stepAfterFailure(failed('job_error'), { ...first, failures: 2 }), { kind: 'giveUp' }, 'two functions seldom err alike');
  assert.deepEqual(stepAfterFailure({ ...failed('throttled'), retryAfterMs: 70 }, first), { kind: 'elsewhere', notHereForMs: 70 });
  assert.deepEqual(stepAfterFailure(failed('throttled'), first), { kind: 'elsewhere', notHereForMs: 1000 });
  assert.deepEqual(stepAfterFailure(failed('too_large'), { ...first, jobsInCall: 3 }), { kind: 'resend', alone: true });
  assert.deepEqual(stepAfterFailure(failed('too_large', false), { ...first, jobsInCall: 3 }), { kind: 'giveUp' }, 'too large by itself');
  assert.deepEqual(stepAfterFailure(failed('too_large'), first), { kind: 'giveUp' });
  assert.deepEqual(stepAfterFailure(failed('refused'), first), { kind: 'reject' });
  assert.deepEqual(stepAfterFailure(failed('server_error', false), first), { kind: 'reject' }, 'a damaged block is damaged everywhere');
});

test('statuses that say nothing of the job are failures; a call is its endpoint’s fault only when all of it failed so', () => {
  const answered = (status: number) =>
    ({
      kind: 'answered',
      answer: { status, contentType: '', body: Buffer.from('no\n') },
      cost: { bytesRead: 0, gets: 0, durationMs: 0 },
    }) as const;
  assert.equal(failureOfOutcome(answered(200)), undefined);
  assert.equal(failureOfOutcome(answered(400)), undefined, 'the frontend decides what becomes of it');
  assert.equal(failureOfOutcome(answered(429))?.reason, 'throttled');
  assert.deepEqual(failureOfOutcome(answered(503)), {
    ...failed('server_error'),
    code: 'internal',
    message: 'external endpoint returned 503, no',
  });
  assert.equal(faultOfEndpoint([failed('transport'), failed('transport')]), 'transport');
  assert.equal(faultOfEndpoint([failed('server_error'), answered(200)]), undefined);
  assert.equal(faultOfEndpoint([failed('server_error', false)]), undefined);
});

test('what a job’s URL says', () => {
  const url = (block: string, rest = '') =>
    `/querier/api/search?start=1&end=2&q=%7B%7D&blockID=${block}&pagesToSearch=3&size=1000&startPage=8&totalRecords=10&version=vParquet4${rest}`;
  const job = { kind: 'search', tenant: shop, accept: 'application/json' } as const;
  const one = readJobFacts({ ...job, url: url('a') });
  assert.equal(one.sizeBytes, 200, 'two of ten row groups: there is no third');
  assert.equal(readJobFacts({ ...job, url: url('b') }).queryKey, one.queryKey);
  const lookup = (shards: number) =>
    `/querier/api/v2/traces/ab?mode=blocks&blockID=x&pagesToSearch=3&size=900&totalRecords=3&bloomShards=${shards}`;
  const trace = readJobFacts({ ...job, kind: 'trace', url: lookup(1) });
  assert.equal(trace.sizeBytes, 0, 'lookups share calls, however large the blocks are');
  assert.equal(readJobFacts({ ...job, kind: 'trace', url: lookup(2) }).queryKey, trace.queryKey);
  assert.notEqual(readJobFacts({ ...job, url: url('b', '&limit=3') }).queryKey, one.queryKey);
  assert.equal(readJobFacts({ ...job, url: '/x' }).sizeBytes, 0);
  assert.deepEqual([0, 1, 1 << 20, (4 << 20) - 1, 4 << 20, 100 << 20].map(sizeClass), [0, 1, 1, 1, 2, 4]);
});

test('where a job runs', () => {
  const view = { externalAvailable: true, running: 2, parallel: 2, selfMs: 100, externalMs: 300, remainingMs: 10_000 };
  const slots = { kind: 'slots', preferSelf: 3 } as const;
  assert.equal(placeJob(slots, view), 'self');
  assert.equal(placeJob(slots, { ...view, running: 3 }), 'external');
  assert.equal(placeJob(slots, { ...view, running: 3, externalAvailable: false }), 'self');
  assert.equal(placeJob({ kind: 'slots', preferSelf: 0 }, { ...view, running: 0 }), 'external');
  const wait = { kind: 'wait', preferSelf: 3 } as const;
  assert.equal(predictedSelfMs({ running: 5, parallel: 2, selfMs: 100 }), 300);
  assert.equal(placeJob(wait, { ...view, running: 5 }), 'self', 'done here as soon');
  assert.equal(placeJob(wait, { ...view, running: 6 }), 'external');
  assert.equal(placeJob(wait, { ...view, remainingMs: 50 }), 'external', 'not in time here');
  assert.equal(placeJob(wait, { ...view, running: 3, selfMs: undefined }), 'external', 'slots count until something is known');
});

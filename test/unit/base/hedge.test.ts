import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { AppError, toAppError } from '#engine/base/errors.ts';
import { hedge } from '#engine/base/hedge.ts';
import { createVirtualClock } from './virtual-clock.ts';

const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown) => unhandled.push(reason);
before(() => process.on('unhandledRejection', onUnhandled));
after(() => {
  process.off('unhandledRejection', onUnhandled);
  assert.deepEqual(unhandled, []);
});

interface Plan {
  readonly delayMs: number;
  readonly fails: boolean;
}

/** Runs a hedged call whose attempts behave as planned; tells what happened. */
async function simulate(plans: readonly Plan[], options: { afterMs: number; upTo: number; abortAtMs?: number; deaf?: boolean }) {
  const clock = createVirtualClock();
  const starts: number[] = [];
  const aborted = new Set<number>();
  const finished = new Set<number>();
  const caller = new AbortController();
  const run = async (attempt: number, signal: AbortSignal) => {
    starts.push(clock.nowMs());
    signal.addEventListener('abort', () => aborted.add(attempt));
    const plan = plans[attempt] ?? { delayMs: 1, fails: true };
    await clock.sleep(plan.delayMs, options.deaf ? undefined : signal);
    finished.add(attempt);
    if (plan.fails) throw new AppError('unavailable', `attempt ${attempt} failed`);
    return `answer ${attempt}`;
  };
  const outcome = hedge(run, { afterMs: options.afterMs, upTo: options.upTo, clock, signal: caller.signal }).then(
    (answer) => ({ answer, error: undefined, atMs: clock.nowMs() }),
    (thrown) => ({ answer: undefined, error: toAppError(thrown), atMs: clock.nowMs() }),
  );
  if (options.abortAtMs !== undefined) void clock.sleep(options.abortAtMs).then(() => caller.abort());
  await clock.run();
  return { ...(await outcome), starts, aborted, finished, pending: clock.pending() };
}

test('attempts start at 0, 1 and 2 s and never a fourth', async () => {
  const slow = { delayMs: 3000, fails: false };
  const seen = await simulate([slow, slow, slow, slow], { afterMs: 1000, upTo: 3 });
  assert.deepEqual(seen.starts, [0, 1000, 2000]);
  assert.deepEqual(seen.answer, { value: 'answer 0', attempt: 0, started: 3 });
  assert.deepEqual([...seen.aborted], [1, 2]);
});

test('a failure starts the next attempt at once and restarts the wait', async () => {
  const seen = await simulate(
    [
      { delayMs: 100, fails: true },
      { delayMs: 5000, fails: false },
      { delayMs: 10, fails: false },
    ],
    { afterMs: 1000, upTo: 3 },
  );
  assert.deepEqual(seen.starts, [0, 100, 1100]);
  assert.equal(seen.answer?.value, 'answer 2');
});

test('when all fail the error lists them; the only attempt fails with its own error', async () => {
  const fails = { delayMs: 10, fails: true };
  const both = await simulate([fails, fails], { afterMs: 1000, upTo: 2 });
  assert.deepEqual(both.starts, [0, 10]);
  assert.equal(both.error?.code, 'unavailable');
  assert.equal(both.error?.message, '2 errors occurred: * attempt 0 failed * attempt 1 failed');
  const one = await simulate([fails, fails], { afterMs: 0, upTo: 5 });
  assert.deepEqual(one.starts, [0]);
  assert.equal(one.error?.message, 'attempt 0 failed');
});

test('an abort ends the call at once even when the attempts do not listen', async () => {
  const slow = { delayMs: 60_000, fails: false };
  const seen = await simulate([slow, slow], { afterMs: 1000, upTo: 2, abortAtMs: 1500, deaf: true });
  assert.equal(seen.error?.code, 'cancelled');
  assert.equal(seen.atMs, 1500);
  assert.deepEqual([...seen.aborted], [0, 1]);
});

test('an aborted signal starts nothing', async () => {
  const clock = createVirtualClock();
  const never = () => assert.fail('started');
  await assert.rejects(hedge(never, { afterMs: 1, upTo: 2, clock, signal: AbortSignal.abort() }), { code: 'cancelled' });
});

test('never more than upTo attempts, exactly one winner, every loser aborted, nothing left running', async () => {
  const plan = fc.record({ delayMs: fc.integer({ min: 0, max: 5000 }), fails: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(
      fc.array(plan, { minLength: 6, maxLength: 6 }),
      fc.integer({ min: 0, max: 2000 }),
      fc.integer({ min: 0, max: 6 }),
      fc.option(fc.integer({ min: 1, max: 6000 }), { nil: undefined }),
      async (plans, afterMs, upTo, abortAtMs) => {
        const seen = await simulate(plans, { afterMs, upTo, ...(abortAtMs === undefined ? {} : { abortAtMs }) });
        const limit = afterMs > 0 ? Math.max(1, upTo) : 1;
        assert.ok(seen.starts.length <= limit);
        assert.notEqual(seen.answer === undefined, seen.error === undefined);
        const winner = seen.answer?.attempt;
        for (let attempt = 0; attempt < seen.starts.length; attempt++) {
          if (attempt !== winner) assert.ok(seen.aborted.has(attempt) || seen.finished.has(attempt), `attempt ${attempt} still runs`);
        }
        if (winner !== undefined) assert.equal(plans[winner]!.fails, false);
        if (seen.error !== undefined && abortAtMs === undefined) assert.equal(seen.starts.length, limit);
        if (seen.error?.code !== 'cancelled' && winner === undefined) {
          assert.ok(plans.slice(0, limit).every((each) => each.fails));
        }
        for (let attempt = 1; attempt < seen.starts.length; attempt++) {
          assert.ok(seen.starts[attempt]! - seen.starts[attempt - 1]! <= afterMs);
        }
        assert.equal(seen.pending, 0);
      },
    ),
    { numRuns: 150 },
  );
});

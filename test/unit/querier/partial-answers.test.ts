import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '#engine/base/errors.ts';
import { type ProgressiveQuery, partialAnswers } from '../../../querier/frontend/partial-answers.ts';

const forever = new AbortController().signal;

/** A query that goes on when the test says so, on a clock that the test moves. */
function controlled() {
  let nowMs = 0;
  let steps = 0;
  let sent = 0;
  let onProgress = () => {};
  let seen: AbortSignal | undefined;
  const ended = Promise.withResolvers<void>();
  const query: ProgressiveQuery<string> = {
    run: (progress, signal) => {
      onProgress = progress;
      seen = signal;
      signal.addEventListener('abort', () => ended.reject(new AppError('cancelled', 'context canceled')));
      return ended.promise;
    },
    changes: () => {
      const from = sent;
      sent = steps;
      return `${from}-${steps}`;
    },
    result: () => `0-${steps}`,
  };
  return {
    clock: { monotonicMs: () => nowMs },
    query,
    ended,
    aborted: () => seen?.aborted ?? false,
    /** Makes one step at that time. */
    step: (atMs: number) => {
      nowMs = atMs;
      steps++;
      onProgress();
    },
  };
}

/** Lets what is waiting go on. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

test('a part comes with the first step after more than 500 ms, the rest with the last part', async () => {
  const { clock, query, ended, step } = controlled();
  const parts: string[] = [];
  const reading = (async () => {
    for await (const { kind, answer } of partialAnswers(clock, query, forever)) parts.push(`${kind} ${answer}`);
  })();
  await settle();
  for (const atMs of [100, 500, 501, 600, 1001, 1002, 1400]) {
    step(atMs);
    await settle();
  }
  assert.deepEqual(parts, ['partial 0-3', 'partial 3-6']);
  ended.resolve();
  await reading;
  assert.deepEqual(parts, ['partial 0-3', 'partial 3-6', 'final 0-7']);
});

test('a slow reader gets what has gathered, once', async () => {
  const { clock, query, ended, step } = controlled();
  const stream = partialAnswers(clock, query, forever);
  const first = stream.next();
  await settle();
  step(1000);
  assert.deepEqual((await first).value, { kind: 'partial', answer: '0-1' });
  for (const atMs of [2000, 3000, 4000]) step(atMs);
  assert.deepEqual((await stream.next()).value, { kind: 'partial', answer: '1-4' });
  step(5000);
  ended.resolve();
  await settle();
  assert.deepEqual((await stream.next()).value, { kind: 'final', answer: '0-5' });
  assert.equal((await stream.next()).done, true);
});

test('the query is aborted when the reader leaves, and when the signal says so', async () => {
  const left = controlled();
  const stream = partialAnswers(left.clock, left.query, forever);
  const first = stream.next();
  await settle();
  left.step(1000);
  await first;
  assert.equal(left.aborted(), false);
  await stream.return();
  assert.equal(left.aborted(), true);

  const stopped = controlled();
  const controller = new AbortController();
  const waiting = partialAnswers(stopped.clock, stopped.query, controller.signal).next();
  await settle();
  controller.abort();
  await assert.rejects(waiting, { code: 'cancelled' });
});

test('what the query throws comes instead of the last part', async () => {
  const { clock, query, ended } = controlled();
  const first = partialAnswers(clock, query, forever).next();
  ended.reject(new AppError('internal', 'broken'));
  await assert.rejects(first, { message: 'broken' });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHedgedReads } from '#engine/backend/hedged-reads.ts';
import { withRetries } from '#engine/backend/retry.ts';
import { transportFailure } from '#engine/backend/transport-failure.ts';
import { AppError, toAppError } from '#engine/base/errors.ts';
import { createVirtualClock } from '../base/virtual-clock.ts';

/** What a request does: it takes some time and ends in one of these ways. */
interface Request {
  readonly takesMs: number;
  readonly ends: 'good' | 'not_found' | 'unavailable' | 'reset';
}

/** Runs one hedged read over requests that behave as told. */
async function read(requests: readonly Request[], { upTo = 3, abortAtMs = -1, retries = 1 } = {}) {
  const clock = createVirtualClock();
  const sentMs: number[] = [];
  const aborted: number[] = [];
  let hedges = 0;
  const sendRead = createHedgedReads({ afterMs: 1000, upTo, clock, onHedge: () => hedges++ });
  const send = async (signal?: AbortSignal): Promise<number> => {
    const index = sentMs.length;
    sentMs.push(clock.nowMs());
    const { takesMs, ends } = requests[index]!;
    await clock.sleep(takesMs, signal).catch((thrown) => {
      aborted.push(index);
      throw thrown;
    });
    if (ends === 'reset') throw transportFailure(`request ${index}: reset`, new Error('ECONNRESET'));
    if (ends !== 'good') throw new AppError(ends, `request ${index}: ${ends}`);
    return index;
  };
  const caller = new AbortController();
  if (abortAtMs >= 0) void clock.sleep(abortAtMs).then(() => caller.abort());
  const policy = { maxAttempts: retries, initialDelayMs: 100, maxDelayMs: 100 };
  const outcome = withRetries(policy, { clock, random: () => 1 }, caller.signal, () => sendRead(send, caller.signal)).then(
    (value) => ({ value, error: undefined, atMs: clock.nowMs() }),
    (thrown) => ({ value: undefined, error: toAppError(thrown), atMs: clock.nowMs() }),
  );
  await clock.run();
  const { value, error, atMs } = await outcome;
  return { sentMs, aborted, hedges, atMs, value, code: error?.code, message: error?.message, pending: clock.pending() };
}

const slow: Request = { takesMs: 10_000, ends: 'good' };

test('requests go out at 0, 1 and 2 s, and never a fourth; the first answer ends the others', async () => {
  const seen = await read([slow, slow, { takesMs: 10, ends: 'good' }, slow]);
  assert.deepEqual(seen.sentMs, [0, 1000, 2000]);
  assert.deepEqual([seen.value, seen.atMs, seen.hedges], [2, 2010, 2]);
  assert.deepEqual(seen.aborted, [0, 1]);
  assert.equal(seen.pending, 0);
});

test('a fast error of the store beats a slow success, and starts no other request', async () => {
  for (const ends of ['not_found', 'unavailable'] as const) {
    const alone = await read([{ takesMs: 10, ends }]);
    assert.deepEqual([alone.code, alone.atMs, alone.hedges], [ends, 10, 0]);
    const hedged = await read([slow, { takesMs: 10, ends }]);
    assert.deepEqual([hedged.code, hedged.atMs, hedged.aborted], [ends, 1010, [0]]);
  }
});

test('a request without an answer starts the next one at once; when all fail, the error lists them', async () => {
  const reset: Request = { takesMs: 10, ends: 'reset' };
  const seen = await read([reset, reset, { takesMs: 5, ends: 'good' }]);
  assert.deepEqual(seen.sentMs, [0, 10, 20]);
  assert.equal(seen.value, 2);
  const failed = await read([reset, reset, reset]);
  assert.equal(failed.code, 'unavailable');
  assert.match(failed.message ?? '', /^3 errors occurred: \* request 0: reset \* request 1: reset \* request 2: reset$/);
});

test('each try of the retries is hedged anew', async () => {
  const seen = await read([{ takesMs: 10, ends: 'unavailable' }, slow, { takesMs: 10, ends: 'good' }], { retries: 2, upTo: 2 });
  assert.deepEqual(seen.sentMs, [0, 110, 1110]);
  assert.deepEqual([seen.value, seen.hedges], [2, 1]);
});

test('the caller ends all requests', async () => {
  const seen = await read([slow, slow, slow], { abortAtMs: 1500 });
  assert.deepEqual([seen.code, seen.atMs], ['cancelled', 1500]);
  assert.deepEqual(seen.aborted, [0, 1]);
  assert.equal(seen.pending, 0);
});

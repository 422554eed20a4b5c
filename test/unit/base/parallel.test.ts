import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mapParallel } from '#engine/base/parallel.ts';

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};

test('results keep their order and the bound is kept', async () => {
  let running = 0;
  let most = 0;
  const items = Array.from({ length: 20 }, (_, index) => index);
  const results = await mapParallel(items, 3, async (item) => {
    most = Math.max(most, ++running);
    await turns(20 - item);
    running--;
    return item * 2;
  });
  assert.deepEqual(
    results,
    items.map((item) => item * 2),
  );
  assert.equal(most, 3);
  assert.deepEqual(await mapParallel([], 3, async () => 1), []);
});

test("the caller's signal stops new work", async () => {
  const controller = new AbortController();
  let started = 0;
  const work = mapParallel(
    Array.from({ length: 100 }, (_, index) => index),
    2,
    async () => {
      if (++started === 4) controller.abort();
      await turns(1);
    },
    controller.signal,
  );
  await assert.rejects(work, { code: 'cancelled' });
  assert.ok(started <= 5);
  await assert.rejects(
    mapParallel([1], 1, async () => assert.fail('must not run'), AbortSignal.abort()),
    { code: 'cancelled' },
  );
});

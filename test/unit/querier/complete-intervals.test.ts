import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCompleteIntervals } from '../../../querier/frontend/complete-intervals.ts';

const grid = { startNanos: 100n, stepNanos: 10n, count: 5 };
const job = (startNanos: bigint, endNanos: bigint) => ({ startNanos, endNanos });

test('an interval is complete when the last job that touches it is done, and is taken once', () => {
  const late = job(125n, 150n);
  const middle = job(110n, 130n);
  const intervals = createCompleteIntervals(grid, () => [late, middle]);
  assert.deepEqual([...intervals.take()], [1, 0, 0, 0, 0], 'nobody looks at the first one');
  intervals.finish(late);
  assert.deepEqual([...intervals.take()], [0, 0, 0, 1, 1]);
  assert.deepEqual([...intervals.take()], [0, 0, 0, 0, 0]);
  intervals.finish(middle);
  assert.deepEqual([...intervals.take()], [0, 1, 1, 0, 0]);
});

test('jobs may reach beyond the grid', () => {
  const wide = job(0n, 1000n);
  const intervals = createCompleteIntervals(grid, () => [wide]);
  assert.deepEqual([...intervals.take()], [0, 0, 0, 0, 0]);
  intervals.finish(wide);
  assert.deepEqual([...intervals.take()], [1, 1, 1, 1, 1]);
});

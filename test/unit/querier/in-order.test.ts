import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { inOrder, numbered } from '../../../querier/frontend/in-order.ts';

test('whatever the order of arrival, values are passed on by number, and no later than possible', () => {
  const arrivals = fc.integer({ min: 0, max: 30 }).chain((count) => fc.shuffledSubarray([...Array(count).keys()], { minLength: count }));
  fc.assert(
    fc.property(arrivals, (order) => {
      const taken: number[] = [];
      const add = inOrder<number>((value) => taken.push(value));
      const arrived = new Set<number>();
      for (const number of order) {
        add(number, number);
        arrived.add(number);
        let ready = 0;
        while (arrived.has(ready)) ready++;
        assert.deepEqual(taken, [...Array(ready).keys()]);
      }
    }),
  );
});

test('numbers count from 0', () => {
  assert.deepEqual(
    [...numbered('ab')],
    [
      { number: 0, value: 'a' },
      { number: 1, value: 'b' },
    ],
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { loadKernels } from '#engine/kernels/load.ts';
import { outsideWindow, timeIntervals } from '#engine/kernels/time-intervals.ts';

const kernels = loadKernels({ maxBytes: 16 << 20 });
const day = 86_400_000_000_000n;

test('intervals of times are those of whole-number arithmetic', () => {
  const window = fc.record({
    baseNanos: fc.bigInt({ min: 0n, max: 2n ** 62n }),
    after: fc.bigInt({ min: 0n, max: day }),
    length: fc.bigInt({ min: 1n, max: 100n * day }),
    stepNanos: fc.oneof(fc.bigInt({ min: 1n, max: 1000n }), fc.constantFrom(50_000_000n, 1_000_000_000n, 15_000_000_007n, day)),
  });
  const offset = fc.tuple(fc.bigInt({ min: -5n, max: 120n }), fc.bigInt({ min: -2n, max: 2n }), fc.bigInt({ min: 0n, max: 100n * day }));
  fc.assert(
    fc.property(window, fc.array(offset, { maxLength: 40 }), ({ baseNanos, after, length, stepNanos }, offsets) => {
      const startNanos = baseNanos + after;
      const endNanos = startNanos + (length > 100n * day - after ? 100n * day - after : length);
      // Some times anywhere, some at and beside the edges of intervals and of the window.
      const near = (steps: bigint, beside: bigint) => [baseNanos + steps * stepNanos + beside, startNanos + beside, endNanos + beside];
      // And some neighbours that share an interval.
      const times = BigInt64Array.from(
        offsets.flatMap(([steps, beside, anywhere]) => [
          ...near(steps, beside),
          ...[0n, 1n, 2n, 3n, 4n, 5n].map((more) => baseNanos + anywhere + more),
        ]),
      );
      const mark = kernels.mark();
      const timesAt = kernels.put(new Uint8Array(times.buffer));
      const out = kernels.alloc(4 * times.length);
      const inside = timeIntervals(kernels, timesAt, times.length, { startNanos, endNanos, baseNanos, stepNanos }, out);
      const found = [...kernels.u32(out, times.length)];
      kernels.release(mark);
      const expected = Array.from(times, (time) => {
        if (time <= startNanos || time > endNanos) return outsideWindow;
        return Number((time - baseNanos + stepNanos - 1n) / stepNanos - 1n) >>> 0;
      });
      const isLarge = (i: number) => (times[i]! - baseNanos) / stepNanos >= 2n ** 32n; // more intervals than any query may have
      found.forEach((interval, i) => {
        if (!isLarge(i)) assert.equal(interval, expected[i]);
      });
      assert.equal(inside, expected.filter((interval) => interval !== outsideWindow).length);
    }),
    { numRuns: 300 },
  );
});

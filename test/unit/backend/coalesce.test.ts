import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Backend } from '#engine/backend/backend.ts';
import { planMergedReads, readRanges } from '#engine/backend/coalesce.ts';
import { createMemoryBackend } from '#engine/backend/memory.ts';
import { AppError } from '#engine/base/errors.ts';

test('ranges are merged over gaps up to the limit, in order', () => {
  const ranges = [
    { start: 100, end: 110 },
    { start: 0, end: 10 },
    { start: 15, end: 20 },
    { start: 120, end: 120 },
  ];
  assert.deepEqual(planMergedReads(ranges, 4, 1000), [
    { start: 0, end: 10, parts: [1] },
    { start: 15, end: 20, parts: [2] },
    { start: 100, end: 110, parts: [0] },
  ]);
  assert.deepEqual(planMergedReads(ranges, 5, 1000), [
    { start: 0, end: 20, parts: [1, 2] },
    { start: 100, end: 110, parts: [0] },
  ]);
  assert.deepEqual(planMergedReads(ranges, 80, 1000), [{ start: 0, end: 110, parts: [1, 2, 0] }]);
  assert.deepEqual(planMergedReads(ranges, 80, 20), [
    { start: 0, end: 20, parts: [1, 2] },
    { start: 100, end: 110, parts: [0] },
  ]);
});

const anyRange = fc.tuple(fc.nat(2000), fc.nat(300)).map(([start, length]) => ({ start, end: start + length }));

test('a plan covers each range once, within its limits', () => {
  fc.assert(
    fc.property(fc.array(anyRange, { maxLength: 40 }), fc.nat(100), fc.nat(600), (ranges, gap, most) => {
      const reads = planMergedReads(ranges, gap, most);
      const seen = reads.flatMap((read) => read.parts).sort((a, b) => a - b);
      const wanted = ranges.flatMap(({ start, end }, index) => (end > start ? [index] : []));
      assert.deepEqual(seen, wanted);
      for (const [index, read] of reads.entries()) {
        for (const part of read.parts) assert.ok(ranges[part].start >= read.start && ranges[part].end <= read.end);
        const longest = Math.max(...read.parts.map((part) => ranges[part].end - ranges[part].start));
        assert.ok(read.end - read.start <= Math.max(most, longest));
        if (index > 0) assert.ok(read.start >= reads[index - 1].start);
      }
    }),
  );
});

test('what is read is what was asked for', async () => {
  const content = Uint8Array.from({ length: 2300 }, (_, index) => index * 31);
  const memory = createMemoryBackend();
  memory.put('t/b/data.parquet', content);
  await fc.assert(
    fc.asyncProperty(fc.array(anyRange, { maxLength: 20 }), fc.nat(100), async (ranges, coalesceGapBytes) => {
      const parts = await readRanges({ ...memory, coalesceGapBytes }, 't/b/data.parquet', ranges);
      for (const [index, { start, end }] of ranges.entries()) {
        assert.deepEqual(Buffer.from(parts[index]), Buffer.from(content.subarray(start, end)));
      }
    }),
  );
});

test('at most so many requests run, and the first failure cancels and waits for the others', async () => {
  let running = 0;
  let most = 0;
  let cancelled = 0;
  const slow: Backend = {
    ...createMemoryBackend(),
    readRange: async (_key, start, end, signal) => {
      running++;
      most = Math.max(most, running);
      for (let turn = 0; turn < (start === 30 ? 3 : 10) && !signal?.aborted; turn++) await new Promise((resolve) => setImmediate(resolve));
      running--;
      if (start === 30) throw new AppError('unavailable', 'no answer');
      if (signal?.aborted) {
        cancelled++;
        throw new AppError('cancelled', 'context canceled');
      }
      return new Uint8Array(end - start);
    },
  };
  const ranges = Array.from({ length: 10 }, (_, index) => ({ start: index * 10, end: index * 10 + 1 }));
  await assert.rejects(readRanges(slow, 't/x', ranges, undefined, { concurrency: 4 }), { code: 'unavailable' });
  assert.equal(running, 0);
  assert.equal(most, 4);
  assert.equal(cancelled, 3);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { everyBlock } from '#engine/api/trace-params.ts';
import { blockId } from '#engine/base/units.ts';
import { shardBlockIds } from '../../../querier/frontend/trace-sharder.ts';
import { blocksToLookAt } from '../../../querier/worker/trace-job.ts';
import { block, list } from './blocks.ts';

test('ranges cover all block ids and share their boundaries', () => {
  for (const queryShards of [2, 3, 50, 1000]) {
    const ranges = [...shardBlockIds(queryShards)];
    assert.equal(ranges.length, queryShards - 1);
    assert.equal(ranges[0]!.blockStart, '0'.repeat(32));
    assert.equal(ranges.at(-1)!.blockEnd, 'f'.repeat(32));
    for (let i = 1; i < ranges.length; i++) assert.equal(ranges[i]!.blockStart, ranges[i - 1]!.blockEnd);
    const sizes = ranges.map(({ blockStart, blockEnd }) => BigInt(`0x${blockEnd.slice(0, 16)}`) - BigInt(`0x${blockStart.slice(0, 16)}`));
    const [smallest = 0n] = sizes.toSorted((a, b) => Number(a - b));
    assert.ok(
      sizes.every((size) => size - smallest <= 1n),
      'ranges differ by 1 at most',
    );
  }
});

test('every block is looked at by one job, or by two on a boundary', () => {
  fc.assert(
    fc.property(fc.uuid(), fc.integer({ min: 2, max: 100 }), (uuid, queryShards) => {
      const blocks = list(block(1, { blockId: blockId(uuid)! }));
      const times = { mode: 'blocks', startSeconds: 0, endSeconds: 0 } as const;
      const found = [...shardBlockIds(queryShards)].filter((range) => blocksToLookAt(blocks, { ...range, ...times }, 0).length > 0);
      assert.ok(found.length === 1 || (found.length === 2 && found[0]!.blockEnd === uuid.replaceAll('-', '')));
    }),
  );
});

test('times choose blocks strictly, and only both together; compacted blocks count while they are young', () => {
  const blocks = { ...list(block(1, { startSeconds: 1000, endSeconds: 2000 })), compacted: [{ meta: block(2), compactedMs: 500 }] };
  const look = (startSeconds: number, endSeconds: number, since = 501) =>
    blocksToLookAt(blocks, { ...everyBlock, mode: 'blocks', startSeconds, endSeconds }, since).length;
  assert.deepEqual([look(0, 0), look(2000, 3000), look(1999, 3000), look(500, 1000), look(500, 1001)], [1, 0, 1, 0, 1]);
  assert.deepEqual([look(5000, 0), look(0, 10)], [1, 1]);
  assert.equal(look(0, 0, 500), 2);
});

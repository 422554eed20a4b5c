import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BlockId, blockId } from '#engine/base/units.ts';
import { createBlocklist } from '#engine/blocklist/list.ts';
import { blockMetaFromJson } from '#engine/blocklist/meta.ts';
import { selectBlocks } from '#engine/blocklist/select.ts';
import { metaJson } from './index-files.ts';

const idOf = (number: number): BlockId => blockId(`00000000-0000-4000-8000-${String(number).padStart(12, '0')}`)!;
const time = (seconds: number): string => new Date(seconds * 1000).toISOString();
const meta = (number: number, start: number, end: number) =>
  blockMetaFromJson(metaJson(idOf(number), { startTime: time(start), endTime: time(end) }));
const ids = (metas: readonly { readonly blockId: BlockId }[]): number[] => metas.map(({ blockId }) => Number(blockId.slice(-12)));

test('newest first, then by id, each block once, compacted before live', () => {
  const list = createBlocklist(
    [meta(3, 0, 50), meta(2, 0, 100), meta(1, 0, 50), meta(4, 90, 200), meta(3, 0, 50), meta(9, 0, 1)],
    [
      { meta: meta(8, 0, 10), compactedMs: 5 },
      { meta: meta(9, 0, 20), compactedMs: 6 },
    ],
  );
  assert.deepEqual(ids(list.metas), [4, 2, 1, 3]);
  assert.deepEqual(ids(list.compacted.map((entry) => entry.meta)), [9, 8]);
});

test('a search takes blocks that touch its window, both ends included', () => {
  const list = createBlocklist([meta(1, 100, 200), meta(2, 201, 300), meta(3, 50, 400)], [{ meta: meta(4, 100, 200), compactedMs: 0 }]);
  assert.deepEqual(ids(selectBlocks(list, 200, 200)), [3, 1]);
  assert.deepEqual(ids(selectBlocks(list, 200, 201)), [3, 2, 1]);
  assert.deepEqual(ids(selectBlocks(list, 0, 49)), []);
  assert.deepEqual(ids(selectBlocks(list, 0, 50)), [3]);
  assert.deepEqual(ids(selectBlocks(list, 401, 500)), []);
});

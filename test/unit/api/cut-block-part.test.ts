import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cutBlockPart } from '#engine/api/cut-block-part.ts';
import type { BlockPart } from '#engine/api/search-request.ts';
import { blockId } from '#engine/base/units.ts';

function part(startPage: number, pagesToSearch: number, totalRecords: number): BlockPart {
  const id = blockId('00000000-0000-4000-8000-000000000001')!;
  return { blockId: id, version: 'vParquet4', sizeBytes: 10, footerBytes: 1, dedicatedColumns: [], startPage, pagesToSearch, totalRecords };
}

test('a part of a block is halved by its row groups, down to one', () => {
  assert.deepEqual(cutBlockPart(part(0, 2, 2)), [part(0, 1, 2), part(1, 1, 2)]);
  assert.deepEqual(cutBlockPart(part(3, 5, 20)), [part(3, 3, 20), part(6, 2, 20)]);
  assert.equal(cutBlockPart(part(3, 1, 20)), undefined);
});

test('row groups beyond the block’s are no reason to cut, and stay with the last part', () => {
  assert.equal(cutBlockPart(part(0, 3692, 1)), undefined);
  assert.equal(cutBlockPart(part(7, 3, 8)), undefined);
  assert.equal(cutBlockPart(part(9, 3, 8)), undefined);
  assert.deepEqual(cutBlockPart(part(6, 3692, 8)), [part(6, 1, 8), part(7, 3691, 8)]);
});

test('cut down to one each, parts cover every row group once, in order', () => {
  const leaves = (one: BlockPart): readonly BlockPart[] => cutBlockPart(one)?.flatMap(leaves) ?? [one];
  fc.assert(
    fc.property(fc.nat(50), fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 100 }), (startPage, pagesToSearch, total) => {
      let next = startPage;
      const all = leaves(part(startPage, pagesToSearch, total));
      for (const one of all) {
        assert.equal(one.startPage, next);
        next += one.pagesToSearch;
      }
      assert.equal(next, startPage + pagesToSearch);
      assert.equal(all.length, Math.max(1, Math.min(pagesToSearch, total - startPage)));
    }),
  );
});

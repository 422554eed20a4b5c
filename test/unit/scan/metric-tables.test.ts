import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createCompareCounts, createComparePairs } from '#engine/scan/compare-counts.ts';
import { createGroupTable, noGroup } from '#engine/scan/metric-groups.ts';
import { createTextTable } from '#engine/scan/text-table.ts';

// The tables that metrics count with, against maps of strings.

test('groups are numbered once, whatever comes in later row groups', () => {
  const size = fc.constantFrom(3, 50, 3000);
  const rowGroup = size.chain((most) => fc.array(fc.tuple(fc.nat(most), fc.nat(most), fc.nat(3)), { minLength: 1, maxLength: 60 }));
  fc.assert(
    fc.property(fc.array(rowGroup, { maxLength: 6 }), fc.integer({ min: 1, max: 3 }), fc.boolean(), (rowGroups, columnCount, required) => {
      const table = createGroupTable(columnCount, required ? columnCount - 1 : undefined);
      const known = new Map<string, number>();
      let most = 0;
      for (const rows of rowGroups) {
        for (const row of rows) most = Math.max(most, ...row);
        const columns = Array.from({ length: columnCount }, (_, column) => ({
          ids: Uint32Array.from(rows, (row) => row[column]!),
          size: most + 1,
        }));
        const groups = table.groupsOf(columns, rows.length);
        rows.forEach((row, i) => {
          const tuple = row.slice(0, columnCount);
          if (required && tuple.at(-1) === 0) {
            assert.equal(groups[i], noGroup);
            return;
          }
          const expected = known.get(tuple.join()) ?? groups[i]!;
          known.set(tuple.join(), expected);
          assert.equal(groups[i], expected);
          assert.deepEqual(table.members(expected), tuple);
        });
      }
      assert.equal(new Set(known.values()).size, known.size);
    }),
    { numRuns: 60 },
  );
});

test('texts are numbered by their bytes', () => {
  const texts = createTextTable();
  const known = new Map<string, number>();
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 12 }), { maxLength: 200 }), (words) => {
      for (const word of words) {
        const bytes = Buffer.from(`..${word}`);
        const id = texts.intern(bytes, 2, bytes.length - 2);
        assert.equal(id, known.get(word) ?? known.size);
        known.set(word, id);
        assert.equal(texts.text(id), word);
      }
    }),
  );
  for (let i = 0; i < 20_000; i++) {
    const bytes = Buffer.from(`text ${i}`);
    assert.equal(texts.intern(bytes, 0, bytes.length), known.size + i);
  }
  assert.equal(texts.text(known.size + 19_999), 'text 19999');
});

test('pairs are told apart by attribute, kind and both halves', () => {
  const pairs = createComparePairs();
  const known = new Map<string, number>();
  const part = fc.oneof(fc.nat(3), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(40), fc.nat(6), part, part), { maxLength: 300 }), (list) => {
      for (const [attribute, kind, low, high] of list) {
        const key = [attribute, kind, low, high].join();
        const pair = pairs.pairOf(attribute, kind, low, high | 0);
        assert.equal(pair, known.get(key) ?? known.size);
        known.set(key, pair);
        assert.deepEqual(
          [pairs.attributeOf(pair), pairs.kindOf(pair), pairs.lowOf(pair), pairs.highOf(pair)],
          [attribute, kind, low, high],
        );
      }
    }),
  );
  assert.equal(pairs.count(), known.size);
});

test('counts of common and of rare pairs add up', () => {
  const event = fc.tuple(fc.oneof(fc.nat(2), fc.nat(3000)), fc.nat(7), fc.integer({ min: 1, max: 4 }));
  fc.assert(
    fc.property(fc.array(event, { maxLength: 400 }), (events) => {
      const counts = createCompareCounts(4);
      const expected = new Float64Array(3001 * 8);
      for (const [pair, cell, count] of events) {
        counts.add(pair, cell, count);
        expected[8 * pair + cell]! += count;
      }
      const rows = counts.rows(
        Int32Array.from({ length: 3001 }, (_, pair) => pair),
        3001,
      );
      assert.deepEqual(rows, expected);
      const totals = counts.totals(3001);
      for (let side = 0; side < 6002; side++)
        assert.equal(
          totals[side],
          expected.subarray(4 * side, 4 * side + 4).reduce((a, b) => a + b, 0),
        );
    }),
    { numRuns: 40 },
  );
});

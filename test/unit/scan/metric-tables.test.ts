import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Tallied } from '#engine/kernels/tally.ts';
import { commonest } from '#engine/scan/commonest.ts';
import { createCompareCounts } from '#engine/scan/compare-counts.ts';
import { comparedKind, createComparePairs } from '#engine/scan/compare-pairs.ts';
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
        const id = texts.intern(bytes, 2, bytes.length - 2, word.length % 7); // hashes that many texts share
        assert.equal(id, known.get(word) ?? known.size);
        known.set(word, id);
        assert.equal(texts.text(id), word);
      }
    }),
  );
  for (let i = 0; i < 20_000; i++) {
    const bytes = Buffer.from(`text ${i}`);
    assert.equal(texts.intern(bytes, 0, bytes.length, Math.imul(i, 0x9e3779b1) >>> 0), known.size + i);
  }
  assert.equal(texts.text(known.size + 19_999), 'text 19999');
});

test('pairs are told apart by attribute, kind and both halves', () => {
  const pairs = createComparePairs();
  const known = new Map<string, number>();
  const part = fc.oneof(fc.nat(3), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(40), fc.nat(6), part, part), { maxLength: 300 }), (list) => {
      for (const [attribute, kind, anyLow, anyHigh] of list) {
        // Texts are numbers of texts, which are dense.
        const [low, high] = kind === comparedKind.text ? [anyLow % 5000, 0] : [anyLow, anyHigh];
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

/** What kernels would tally of the events of one column. */
function talliedOf(events: readonly (readonly [number, number, number])[], cellCount: number, rowsFrom: number): Tallied {
  const met = [...new Set(events.map(([number]) => number))];
  const cellsOf = met.map((number) => {
    const cells = new Uint32Array(cellCount);
    for (const [one, cell, count] of events) if (one === number) cells[cell]! += count;
    return cells;
  });
  const totalOf = (cells: Uint32Array) => cells.reduce((a, b) => a + b, 0);
  const tallies = new Uint32Array(2 * (Math.max(0, ...met) + 1));
  met.forEach((number, i) => {
    tallies[2 * number] = totalOf(cellsOf[i]!.subarray(0, cellCount / 2));
    tallies[2 * number + 1] = totalOf(cellsOf[i]!.subarray(cellCount / 2));
  });
  const cellTotals = new Uint32Array(cellCount);
  for (const [, cell, count] of events) cellTotals[cell]! += count;
  return {
    met: Uint32Array.from(met),
    tallies,
    rowsFrom,
    rows: Uint32Array.from(cellsOf.filter((cells) => totalOf(cells) >= rowsFrom).flatMap((cells) => [...cells])),
    lists: Uint32Array.from(
      cellsOf
        .filter((cells) => totalOf(cells) < rowsFrom)
        .flatMap((cells) => [...cells].flatMap((count, cell) => new Array<number>(count).fill(cell))),
    ),
    cellTotals,
  };
}

test('counts of common and of rare pairs add up', () => {
  const event = fc.tuple(fc.oneof(fc.nat(2), fc.nat(3000)), fc.nat(7), fc.integer({ min: 1, max: 4 }));
  fc.assert(
    fc.property(fc.array(fc.array(event, { maxLength: 200 }), { maxLength: 4 }), (columns) => {
      const counts = createCompareCounts(4);
      const expected = new Float64Array(3001 * 8);
      const ofAttributes = new Float64Array(7 * 8);
      for (const events of columns) {
        counts.add(talliedOf(events, 8, 16), (number) => 3000 - number);
        for (const [number, cell, count] of events) {
          expected[8 * (3000 - number) + cell]! += count;
          ofAttributes[8 * ((3000 - number) % 7) + cell]! += count;
        }
      }
      counts.addCells(5, Uint32Array.of(1, 0, 0, 2, 0, 3, 0, 0));
      [1, 0, 0, 2, 0, 3].forEach((count, cell) => {
        expected[8 * 5 + cell]! += count;
        ofAttributes[8 * 5 + cell]! += count;
      });
      // Every second pair has a row.
      const rowOf = Int32Array.from({ length: 3001 }, (_, pair) => (pair % 2 === 0 ? pair / 2 : -1));
      const rows = counts.rows(rowOf, 1501, (pair) => pair % 7, 7);
      rowOf.forEach((row, pair) => {
        if (row >= 0) assert.deepEqual(rows.pairs.subarray(8 * row, 8 * row + 8), expected.subarray(8 * pair, 8 * pair + 8));
      });
      assert.deepEqual(rows.attributes, ofAttributes);
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

test('the commonest rows are those of a stable sort', () => {
  const total = fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1000, max: 1030 }), fc.nat(2 ** 31));
  fc.assert(
    fc.property(fc.array(total, { maxLength: 200 }), fc.integer({ min: 1, max: 60 }), (list, most) => {
      const totals = Uint32Array.from(list);
      const rows = Uint32Array.from(list.keys());
      const expected =
        list.length <= most
          ? rows
          : rows
              .slice()
              .sort((a, b) => totals[b]! - totals[a]!)
              .slice(0, most);
      assert.deepEqual(commonest(rows, totals, most), expected);
    }),
  );
});

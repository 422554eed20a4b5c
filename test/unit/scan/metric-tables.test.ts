import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Tallied } from '#engine/kernels/tally.ts';
import { commonest } from '#engine/scan/commonest.ts';
import { createCompareCounts } from '#engine/scan/compare-counts.ts';
import { comparedKind, type LocalValues, valueName } from '#engine/scan/compare-values.ts';
import { createGroupTable, noGroup } from '#engine/scan/metric-groups.ts';
import { createTextTable, type TextTable } from '#engine/scan/text-table.ts';

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

function textOf(table: TextTable, id: number): string {
  const { memory, starts } = table.texts();
  return Buffer.from(memory.subarray(starts[id], starts[id + 1])).toString('utf8');
}

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
        assert.equal(textOf(texts, id), word);
      }
    }),
  );
  for (let i = 0; i < 20_000; i++) {
    const bytes = Buffer.from(`text ${i}`);
    assert.equal(texts.intern(bytes, 0, bytes.length, Math.imul(i, 0x9e3779b1) >>> 0), known.size + i);
  }
  assert.equal(textOf(texts, known.size + 19_999), 'text 19999');
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

test('counts of common and of rare values add up, whatever has cells of its own', () => {
  const kind = fc.constantFrom(comparedKind.nil, comparedKind.text, comparedKind.int, comparedKind.double);
  // Few values, so that most occur in several columns, once often and once rarely.
  const value = fc.record({ attribute: fc.nat(6), kind, low: fc.nat(40), high: fc.nat(1) });
  const event = fc.tuple(fc.nat(60), fc.nat(7), fc.oneof(fc.integer({ min: 1, max: 4 }), fc.constant(40)));
  const column = fc.record({ values: fc.array(value, { minLength: 61, maxLength: 61 }), events: fc.array(event, { maxLength: 150 }) });
  fc.assert(
    fc.property(fc.array(column, { maxLength: 5 }), (columns) => {
      const counts = createCompareCounts(4);
      const expected = new Map<string, number[]>();
      const ofAttributes = new Float64Array(7 * 8);
      for (const { values, events } of columns) {
        const names = values.map((one) => (one.kind === comparedKind.text ? { ...one, high: 0 } : one));
        counts.add(talliedOf(events, 8, 16), localValues(names));
        for (const [number, cell, count] of events) {
          const { attribute, kind: one, low, high } = names[number]!;
          const key = one === comparedKind.text ? `${attribute} text ${low}` : `${attribute} ${one} ${low} ${high}`;
          const cells = expected.get(key) ?? new Array<number>(8).fill(0);
          cells[cell]! += count;
          expected.set(key, cells);
          ofAttributes[8 * attribute + cell]! += count;
        }
      }
      counts.addNil(3, Uint32Array.of(1, 0, 0, 2, 0, 3, 0, 0));
      const nil = expected.get('3 0 0 0') ?? new Array<number>(8).fill(0);
      expected.set('3 0 0 0', nil);
      [1, 0, 0, 2, 0, 3].forEach((count, cell) => {
        nil[cell]! += count;
        ofAttributes[8 * 3 + cell]! += count;
      });
      const { values, sides, cells } = counts.kept(7, 1000);
      const found = new Map<string, number[]>();
      for (const index of new Set(sides.map((side) => side >> 1))) {
        const [name, low, high] = [values.names[index]!, values.low(index), values.high(index)];
        const isText = (name & 7) === comparedKind.text;
        found.set(isText ? `${name >> 3} ${values.text(index)}` : `${name >> 3} ${name & 7} ${low} ${high}`, [...cells(index)]);
      }
      const sorted = (map: Map<string, number[]>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
      assert.deepEqual(sorted(found), sorted(expected));
      for (const side of sides) {
        const both = cells(side >> 1);
        assert.ok(both.subarray(4 * (side & 1), 4 * (side & 1) + 4).some((count) => count > 0));
      }
      for (let attribute = 0; attribute < 7; attribute++) {
        const all = counts.attribute(attribute);
        for (let cell = 0; cell < 8; cell++) assert.equal(all[cell] ?? 0, ofAttributes[8 * attribute + cell]);
      }
    }),
    { numRuns: 100 },
  );
});

interface ValueTwin {
  readonly attribute: number;
  readonly kind: number;
  readonly low: number;
  readonly high: number;
}

/** Values as a column has them: number i is that of index i; texts read "text" and their low half. */
function localValues(values: readonly ValueTwin[]): LocalValues {
  const texts = createTextTable();
  const members = values.flatMap(({ attribute, kind, low, high }) => {
    const bytes = Buffer.from(`text ${low}`);
    const word = kind === comparedKind.text ? texts.intern(bytes, 0, bytes.length, low % 5) : low;
    return [word, high, valueName(attribute, kind), 0];
  });
  return { attribute: 0, members: Uint32Array.from(members), texts: texts.texts() };
}

test('the commonest are those of a stable sort', () => {
  const total = fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1000, max: 1030 }), fc.nat(2 ** 31));
  fc.assert(
    fc.property(fc.array(total, { maxLength: 200 }), fc.integer({ min: 1, max: 60 }), fc.integer(), (list, most, seed) => {
      const totals = Uint32Array.from(list);
      const orders = Uint32Array.from(list, (_, i) => (Math.imul(i + 1, seed | 1) >>> 0) ^ 0x55);
      const expected = Uint32Array.from(list.keys()).sort((a, b) => totals[b]! - totals[a]! || orders[a]! - orders[b]!);
      assert.deepEqual(commonest(totals, orders, most), expected.slice(0, most));
    }),
  );
});

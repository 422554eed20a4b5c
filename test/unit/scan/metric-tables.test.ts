import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { loadKernels } from '#engine/kernels/load.ts';
import type { Tallied } from '#engine/kernels/tally.ts';
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

const kernels = loadKernels({ maxBytes: 64 << 20, detachViews: true });

function putWords(words: Uint32Array): number {
  return kernels.put(new Uint8Array(words.buffer, words.byteOffset, words.byteLength));
}

type Event = readonly [number: number, cell: number, count: number];

/** What kernels would tally of the events of one column, and its values in their memory. */
function talliedOf(
  events: readonly Event[],
  cellCount: number,
  rowsFrom: number,
  values: LocalValues,
): { readonly tallied: Tallied; readonly values: LocalValues } {
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
  const rows = cellsOf.filter((cells) => totalOf(cells) >= rowsFrom).flatMap((cells) => [...cells]);
  const lists = cellsOf
    .filter((cells) => totalOf(cells) < rowsFrom)
    .flatMap((cells) => [...cells].flatMap((count, cell) => new Array<number>(count).fill(cell)));
  const words = [Uint32Array.from(met), tallies, Uint32Array.from(rows), Uint32Array.from(lists), values.members!];
  const placed = words.map((list) => ({ at: putWords(list), length: list.length }));
  const [metView, talliesView, rowsView, listsView, members] = placed.map(({ at, length }) => kernels.u32(at, length));
  return {
    tallied: { met: metView!, tallies: talliesView!, rowsFrom, rows: rowsView!, lists: listsView! },
    values: { ...values, members },
  };
}

interface CountTwin {
  readonly attribute: number;
  readonly key: string;
  readonly cells: number[];
}

/** The commonest of each attribute and side; `counts` in the order in which values were met. */
function commonestTwin(counts: readonly CountTwin[], attributeCount: number, most: number): string[] {
  return Array.from({ length: 2 * attributeCount }, (_, group) => {
    const totalOf = ({ cells }: CountTwin) => cells.slice(4 * (group & 1), 4 * (group & 1) + 4).reduce((a, b) => a + b, 0);
    return counts
      .filter((one) => one.attribute === group >> 1 && totalOf(one) > 0)
      .sort((a, b) => totalOf(b) - totalOf(a))
      .slice(0, most)
      .map(({ key, cells }) => `${group & 1} ${key}: ${cells}`);
  }).flat();
}

test('counts of common and of rare values add up, whatever has cells of its own', () => {
  const kind = fc.constantFrom(comparedKind.nil, comparedKind.text, comparedKind.int, comparedKind.double);
  // Few values, so that most occur in several columns, once often and once rarely.
  const value = fc.record({ attribute: fc.nat(6), kind, low: fc.nat(40), high: fc.nat(1) });
  const event: fc.Arbitrary<Event> = fc.tuple(fc.nat(60), fc.nat(7), fc.oneof(fc.integer({ min: 1, max: 4 }), fc.constant(40)));
  const column = fc.record({ values: fc.array(value, { minLength: 61, maxLength: 61 }), events: fc.array(event, { maxLength: 150 }) });
  fc.assert(
    fc.property(fc.array(column, { maxLength: 5 }), fc.constantFrom(1, 3, 1000), (columns, most) => {
      const counts = createCompareCounts(kernels, 4);
      const expected = new Map<string, CountTwin>();
      const count = ({ attribute, kind: one, low, high }: ValueTwin, cell: number, more: number) => {
        const key = one === comparedKind.text ? `${attribute} text ${low}` : `${attribute} ${one} ${low} ${high}`;
        const known = expected.get(key) ?? { attribute, key, cells: new Array<number>(8).fill(0) };
        known.cells[cell]! += more;
        expected.set(key, known);
      };
      for (const { values, events } of columns) {
        const names = values.map((one) => (one.kind === comparedKind.text ? { ...one, high: 0 } : one));
        const mark = kernels.mark();
        const placed = talliedOf(events, 8, 16, localValues(names));
        counts.add(placed.tallied, placed.values);
        kernels.release(mark);
        for (const [number, cell, more] of events) count(names[number]!, cell, more);
      }
      const nil = { attribute: 3, kind: comparedKind.nil, low: 0, high: 0 };
      counts.addNil(3, Uint32Array.of(1, 0, 0, 2, 0, 3, 0, 0));
      for (const [cell, more] of [1, 0, 0, 2, 0, 3].entries()) count(nil, cell, more);
      const { commonest, attribute: attributeCells, close } = counts.kept(7, most);
      const found = commonest.map(({ value: { name, low, high, text }, side, cells }) => {
        const isText = (name & 7) === comparedKind.text;
        const key = isText ? `${name >> 3} ${text()}` : `${name >> 3} ${name & 7} ${low} ${high}`;
        return `${side} ${key}: ${[...cells]}`;
      });
      assert.deepEqual(found, commonestTwin([...expected.values()], 7, most));
      for (let attribute = 0; attribute < 7; attribute++) {
        const all = new Array<number>(8).fill(0);
        for (const one of expected.values()) if (one.attribute === attribute) one.cells.forEach((more, cell) => void (all[cell]! += more));
        assert.deepEqual([...attributeCells(attribute)], all);
      }
      close();
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

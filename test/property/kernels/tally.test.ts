import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { loadKernels } from '#engine/kernels/load.ts';
import { joinRuns, noNumber, type RunList, type Tallied, tallyIds, tallyRecords, tallyWithMissing } from '#engine/kernels/tally.ts';
import { openTypedValues, severalValues, type TypedValues } from '#engine/kernels/typed-values.ts';
import { type NumberedValues, numberListValues, numberSlotIds, numberSlotValues } from '#engine/kernels/value-numbers.ts';
import { joinRunsTwin, type RunTwin, tallyTwin } from '../../unit/kernels/twins/tally.ts';

const kernels = loadKernels({ maxBytes: 64 << 20, detachViews: true });

function putWords(values: readonly number[]): number {
  return kernels.put(new Uint8Array(Uint32Array.from(values).buffer));
}

/** Where lists start that stand behind each other, and where the last one ends. */
function startsOf(lists: readonly (readonly unknown[])[]): number[] {
  const starts = [0];
  for (const { length } of lists) starts.push(starts.at(-1)! + length);
  return starts;
}

/** Runs a check and gives the memory back. */
function scoped(check: () => void): void {
  const mark = kernels.mark();
  check();
  kernels.release(mark);
}

/** What was tallied, by number. */
function countsOf({ met, tallies, rowsFrom, rows, lists }: Tallied, cellCount: number): Map<number, number[]> {
  const counts = new Map<number, number[]>();
  let row = 0;
  let listed = 0;
  for (const number of met) {
    const total = tallies[2 * number]! + tallies[2 * number + 1]!;
    const cells = new Array<number>(cellCount).fill(0);
    if (total >= rowsFrom)
      cells.forEach((_, cell) => {
        cells[cell] = rows[row * cellCount + cell]!;
      });
    else for (const cell of lists.subarray(listed, listed + total)) cells[cell]!++;
    if (total >= rowsFrom) row++;
    else listed += total;
    counts.set(number, cells);
  }
  assert.equal(row * cellCount, rows.length);
  assert.equal(listed, lists.length);
  return counts;
}

const anyRuns = fc.array(fc.record({ slot: fc.nat(), cell: fc.nat(), weight: fc.integer({ min: 1, max: 9 }) }), { maxLength: 120 });

/** Runs over so many slots and cells. */
function runsWithin(all: readonly RunTwin[], slotCount: number, cellCount: number): RunTwin[] {
  return all.map(({ slot, cell, weight }) => ({ slot: slot % slotCount, cell: cell % cellCount, weight })).sort((a, b) => a.slot - b.slot);
}

function putRuns(all: readonly RunTwin[]): RunList {
  return {
    slots: putWords(all.map(({ slot }) => slot)),
    cells: putWords(all.map(({ cell }) => cell)),
    weights: putWords(all.map(({ weight }) => weight)),
    count: all.length,
  };
}

/** A value of a kind; texts are ids below 50. Words are near to each other and far from each other. */
const typed = fc.oneof(
  fc.record({ kind: fc.constant(1), word: fc.bigInt({ min: 0n, max: 49n }) }),
  fc.record({
    kind: fc.constantFrom(2, 3, 4),
    word: fc.oneof(fc.bigInt({ min: -3n, max: 3n }), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  }),
  fc.record({ kind: fc.constant(2), word: fc.integer({ min: -90_000, max: 90_000 }).map((i) => BigInt(i) & ~3n) }),
  fc.record({ kind: fc.constantFrom(0, 8), word: fc.bigInt({ min: 0n, max: 9n }) }),
);

type Typed = { readonly kind: number; readonly word: bigint };

function putTyped(values: readonly Typed[]): TypedValues {
  const kinds = kernels.put(Uint8Array.from(values, ({ kind }) => kind));
  const words = kernels.put(new Uint8Array(BigInt64Array.from(values, ({ word }) => word).buffer));
  return { kinds, words, idCount: 50 };
}

function keyOf(attribute: number, { kind, word }: Typed): string {
  return kind === 0 || kind === 8 ? `${attribute} 0 0` : `${attribute} ${kind} ${word}`;
}

/** What was tallied, by value. */
function countsOfValues({ records, members: membersAt }: NumberedValues, tallied: Tallied, intervals: number): Map<string, number[]> {
  const members = kernels.u32(membersAt, 4 * records.count);
  const keys = Array.from({ length: records.count }, (_, i) => {
    const [low, high, name] = [members[4 * i]!, members[4 * i + 1]!, members[4 * i + 2]!];
    return `${name >>> 3} ${name & 7} ${(BigInt(high | 0) << 32n) | BigInt(low)}`;
  });
  assert.equal(new Set(keys).size, keys.length);
  return new Map([...countsOf(tallied, 2 * intervals)].map(([number, cells]) => [keys[number]!, cells]));
}

/** Maps of the same entries, whose order matters among those of one attribute. */
function assertSameByAttribute(found: ReadonlyMap<string, number[]>, expected: ReadonlyMap<string, number[]>): void {
  const attributeOf = ([key]: readonly [string, number[]]) => Number(key.split(' ')[0]);
  const sorted = (map: ReadonlyMap<string, number[]>) => [...map].sort((a, b) => attributeOf(a) - attributeOf(b));
  assert.deepEqual(sorted(found), sorted(expected));
}

test('values of lists are counted by key, kind, word and cell as a plain loop does', () => {
  const entry = fc.tuple(fc.oneof(fc.nat(3), fc.constant(noNumber)), typed);
  const slots = fc.array(fc.array(entry, { maxLength: 6 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(slots, anyRuns, fc.integer({ min: 1, max: 40 }), fc.nat(2000), (few, runTwins, intervals, more) => {
      // Many distinct values, near and far, make for large tables, whose slots are met again with the next key.
      const many = [1, 3].flatMap((key) =>
        Array.from({ length: more }, (_, i): [number, Typed] => [key, { kind: 2, word: BigInt(i) << (i % 2 === 0 ? 40n : 4n) }]),
      );
      const lists = [...few, many];
      const all = [...runsWithin(runTwins, lists.length, 2 * intervals), { slot: lists.length - 1, cell: 0, weight: 1 }];
      // Keys stand for attributes in any order.
      const attributes = Uint32Array.of(7, 2, 9, 4);
      scoped(() => {
        const runs = putRuns(all);
        const keys = putWords(lists.flat().map(([key]) => key));
        const list = { keys, starts: putWords(startsOf(lists)), attributes };
        const numbered = numberListValues(kernels, list, putTyped(lists.flat().map(([, value]) => value)), runs, intervals);
        const expected = tallyTwin(
          lists.map((entries) => entries.flatMap(([key, value]) => (key === noNumber ? [] : [keyOf(attributes[key]!, value)]))),
          all,
          2 * intervals,
        );
        const tallied = tallyRecords(kernels, numbered.records, intervals);
        assertSameByAttribute(countsOfValues(numbered, tallied, intervals), expected);
      });
    }),
    { numRuns: 60 },
  );
});

/** Sums of the cells of all. */
function cellTotals(counts: ReadonlyMap<string, number[]>, cellCount: number): Uint32Array {
  const totals = new Uint32Array(cellCount);
  for (const cells of counts.values()) cells.forEach((count, cell) => void (totals[cell]! += count));
  return totals;
}

test('values of slots are counted, and slots without one are not', () => {
  const slots = fc.array(
    typed.filter(({ kind }) => kind < 8),
    { minLength: 1, maxLength: 200 },
  );
  fc.assert(
    fc.property(slots, anyRuns, fc.integer({ min: 1, max: 40 }), (values, runTwins, intervals) => {
      const all = runsWithin(runTwins, values.length, 2 * intervals);
      scoped(() => {
        const runs = putRuns(all);
        const numbered = numberSlotValues(kernels, putTyped(values), runs, intervals);
        const expected = tallyTwin(
          values.map((value) => (value.kind === 0 ? [] : [keyOf(0, value)])),
          all,
          2 * intervals,
        );
        const totals = cellTotals(
          tallyTwin(
            values.map(() => ['all']),
            all,
            2 * intervals,
          ),
          2 * intervals,
        );
        const { tallied, missing } = tallyWithMissing(kernels, numbered.records, totals);
        assertSameByAttribute(countsOfValues(numbered, tallied, intervals), expected);
        const met = cellTotals(expected, 2 * intervals);
        assert.deepEqual(
          missing,
          totals.map((total, cell) => total - met[cell]!),
        );
      });
    }),
  );
});

test('ids are counted, few in rows and many numbered, and slots without one by cell', () => {
  const slots = fc.array(fc.oneof(fc.nat(3), fc.nat(29), fc.constant(noNumber)), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(slots, anyRuns, fc.integer({ min: 1, max: 60 }), (ids, runTwins, intervals) => {
      const cellCount = 2 * intervals;
      const all = runsWithin(runTwins, ids.length, cellCount);
      scoped(() => {
        const { tallied, missing } = tallyIds(kernels, putWords(ids), 30, putRuns(all), intervals);
        const expected = tallyTwin(
          ids.map((id) => [id]),
          all,
          cellCount,
        );
        assert.deepEqual([...missing], expected.get(noNumber) ?? new Array<number>(cellCount).fill(0));
        expected.delete(noNumber);
        assert.deepEqual(
          [...countsOf(tallied, cellCount)],
          [...expected].sort(([a], [b]) => a - b),
        );
        const numbered = numberSlotIds(kernels, putWords(ids), 30, putRuns(all), intervals);
        const texts = new Map([...expected].map(([id, cells]) => [`0 1 ${id}`, cells]));
        assertSameByAttribute(countsOfValues(numbered, tallyRecords(kernels, numbered.records, intervals), intervals), texts);
      });
    }),
  );
});

test('neighbouring spans of a slot and cell are joined', () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.tuple(fc.boolean(), fc.nat(2)), { maxLength: 6 }), { minLength: 1, maxLength: 30 }), (slots) => {
      const starts = startsOf(slots);
      const counted = slots.flatMap((spans, slot) =>
        spans.map(([isCounted, cell], i) => ({ span: starts[slot]! + i, slot, cell, isCounted })),
      );
      const spans = counted.filter(({ isCounted }) => isCounted);
      scoped(() => {
        const cells = spans.map(({ cell }) => cell);
        const runs = joinRuns(kernels, putWords(starts), putWords(spans.map(({ span }) => span)), putWords(cells), spans.length);
        const words = (at: number) => [...kernels.u32(at, runs.count)];
        const expected = joinRunsTwin(
          spans.map(({ slot }) => slot),
          cells,
        );
        assert.deepEqual(
          words(runs.slots),
          expected.map(({ slot }) => slot),
        );
        assert.deepEqual(
          words(runs.cells),
          expected.map(({ cell }) => cell),
        );
        assert.deepEqual(
          words(runs.weights),
          expected.map(({ weight }) => weight),
        );
      });
    }),
  );
});

test('ids become typed values, of which several in one entry are none', () => {
  const id = fc.oneof(fc.nat(9), fc.constant(noNumber));
  const lists = fc.array(fc.tuple(fc.array(id, { minLength: 1, maxLength: 2 }), fc.nat(1)), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(lists, fc.boolean(), (entries, hasFirsts) => {
      const ids = entries.map(([list]) => (hasFirsts ? list : list.slice(0, 1)));
      scoped(() => {
        const values = openTypedValues(kernels, entries.length, 10);
        entries.forEach(([, taken], i) => {
          kernels.u8(values.kinds, entries.length)[i] = 3 * taken;
        });
        values.addIds(putWords(ids.flat()), 1, hasFirsts ? putWords(startsOf(ids)) : 0);
        const kinds = kernels.u8(values.kinds, entries.length);
        const words = kernels.i64(values.words, entries.length);
        entries.forEach(([, taken], i) => {
          const [first] = ids[i]!;
          const expected = taken === 1 ? 3 : ids[i]!.length > 1 ? severalValues : first === noNumber ? 0 : 1;
          assert.equal(kinds[i], expected);
          if (expected === 1) assert.equal(words[i], BigInt(first!));
        });
      });
    }),
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { loadKernels } from '#engine/kernels/load.ts';
import { joinRuns, noNumber, type Tallied, tallyNumbers } from '#engine/kernels/tally.ts';
import { hashTexts } from '#engine/kernels/text-hashes.ts';
import { openValueNumbers, translateIds } from '#engine/kernels/value-numbers.ts';
import { joinRunsTwin, tallyTwin } from '../../unit/kernels/twins/tally.ts';

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

test('numbers are counted by cell as a plain loop does', () => {
  const number = fc.oneof(fc.nat(3), fc.nat(199), fc.constant(noNumber));
  const slots = fc.array(fc.array(number, { maxLength: 4 }), { minLength: 1, maxLength: 60 });
  const runs = fc.array(fc.record({ slot: fc.nat(), cell: fc.nat(), weight: fc.integer({ min: 1, max: 9 }) }), { maxLength: 120 });
  fc.assert(
    fc.property(slots, runs, fc.integer({ min: 1, max: 60 }), fc.boolean(), (lists, anyRuns, intervals, oneEach) => {
      const numbersOf = oneEach ? lists.map(([first]) => [first ?? noNumber]) : lists;
      const cellCount = 2 * intervals;
      const all = anyRuns
        .map(({ slot, cell, weight }) => ({ slot: slot % numbersOf.length, cell: cell % cellCount, weight }))
        .sort((a, b) => a.slot - b.slot);
      scoped(() => {
        const starts = startsOf(numbersOf);
        const tallied = tallyNumbers(
          kernels,
          { numbers: putWords(numbersOf.flat()), count: 200, starts: oneEach ? 0 : putWords(starts) },
          {
            slots: putWords(all.map(({ slot }) => slot)),
            cells: putWords(all.map(({ cell }) => cell)),
            weights: putWords(all.map(({ weight }) => weight)),
            count: all.length,
          },
          intervals,
        );
        const expected = tallyTwin(
          numbersOf.map((numbers) => numbers.filter((one) => one !== noNumber)),
          all,
          cellCount,
        );
        assert.deepEqual([...countsOf(tallied, cellCount)], [...expected]);
        const totals = [...expected.values()].reduce(
          (sum, cells) => sum.map((one, i) => one + cells[i]!),
          new Array<number>(cellCount).fill(0),
        );
        assert.deepEqual([...tallied.cellTotals], totals);
      });
    }),
    { numRuns: 300 },
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

test('values are numbered by attribute, kind and word, in order of appearance', () => {
  const attribute = fc.oneof(fc.nat(2), fc.constant(noNumber));
  const values = fc.array(fc.option(fc.nat(5), { nil: undefined }), { minLength: 1, maxLength: 2 });
  const entry = fc.record({ attribute, texts: values, ints: fc.option(fc.bigInt({ min: -2n, max: 2n }), { nil: undefined }) });
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 80 }), fc.integer({ min: 0, max: 3000 }), (few, more) => {
      // Many distinct values make the table grow.
      const entries = [...few, ...Array.from({ length: more }, (_, i) => ({ attribute: 1, texts: [undefined], ints: BigInt(i) << 30n }))];
      const known = new Map<string, number>();
      const numberOf = (key: string) => {
        if (!known.has(key)) known.set(key, known.size);
        return known.get(key)!;
      };
      const expected = entries.map(({ attribute: name, texts }) => {
        if (name === noNumber) return noNumber;
        if (texts.length > 1) return numberOf(`${name} 0 0`);
        return texts[0] === undefined ? undefined : numberOf(`${name} 1 ${texts[0]}`);
      });
      entries.forEach(({ attribute: name, ints }, i) => {
        if (ints !== undefined) expected[i] ??= numberOf(`${name} 2 ${ints}`);
      });
      entries.forEach(({ attribute: name }, i) => {
        expected[i] ??= numberOf(`${name} 0 0`);
      });
      scoped(() => {
        const firsts = startsOf(entries.map(({ texts }) => texts));
        const ids = putWords(entries.flatMap(({ texts }) => texts.map((text) => text ?? noNumber)));
        const words = kernels.put(new Uint8Array(BigInt64Array.from(entries, ({ ints }) => ints ?? 0n).buffer));
        const present = kernels.put(Uint8Array.from(entries, ({ ints }) => (ints === undefined ? 0 : 1)));
        const numbers = openValueNumbers(kernels, putWords(entries.map((one) => one.attribute)), entries.length);
        numbers.addTexts(ids, 6, putWords(firsts), 1);
        numbers.addWords(words, present, 0, 2, 8);
        numbers.addRest();
        assert.deepEqual([...kernels.u32(numbers.numbers, entries.length)], expected);
        assert.equal(numbers.count(), known.size);
        const members = numbers.members();
        const keys = Array.from({ length: known.size }, (_, i) => {
          const [low, high, name] = [members[4 * i]!, members[4 * i + 1]!, members[4 * i + 2]!];
          return `${name >>> 3} ${name & 7} ${(BigInt(high | 0) << 32n) | BigInt(low)}`;
        });
        assert.deepEqual(keys, [...known.keys()]);
      });
    }),
    { numRuns: 150 },
  );
});

test('ids become what a table has for them, and nulls stay', () => {
  scoped(() => {
    const ids = putWords([2, noNumber, 0, 1]);
    translateIds(kernels, ids, 4, Uint32Array.of(7, noNumber, 9));
    assert.deepEqual([...kernels.u32(ids, 4)], [9, noNumber, 7, noNumber]);
  });
});

test('hashes of texts do not depend on where they stand, and differ', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 50, selector: (text) => text.join() }),
      (texts) => {
        const hashesAt = (offset: number) => {
          const bytes = Uint8Array.from([...new Uint8Array(offset).fill(255), ...texts.flatMap((text) => [...text])]);
          const at = kernels.put(bytes);
          let end = at + offset;
          const places = texts.flatMap(({ length }) => {
            end += length;
            return [end - length, length];
          });
          return [...kernels.u32(hashTexts(kernels, putWords([...places, 0, noNumber]), texts.length + 1), texts.length + 1)];
        };
        scoped(() => {
          const hashes = hashesAt(0);
          assert.deepEqual(hashesAt(3), hashes);
          assert.equal(hashes.at(-1), 0);
          assert.equal(new Set(hashes.slice(0, -1)).size, texts.length);
        });
      },
    ),
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Kernels } from '#engine/kernels/kernels.ts';
import { loadKernels } from '#engine/kernels/load.ts';
import { addRecordCells, joinRecords, openRecordStore, pickCommonest, type RecordBlock } from '#engine/kernels/record-store.ts';
import { recordWords, writeRecords, writeTexts } from '#engine/kernels/value-records.ts';
import { commonestTwin, joinTwin, type RecordTwin } from '../../unit/kernels/twins/value-records.ts';

const kernels = loadKernels({ maxBytes: 64 << 20, detachViews: true });
const textKind = 1;
const intKind = 2;

function putWords(to: Kernels, words: readonly number[]): number {
  return to.put(new Uint8Array(Uint32Array.from(words).buffer));
}

/** What stands in WASM memory. */
function readRecords(from: Kernels, { records, count }: RecordBlock): (RecordTwin & { readonly next: number; readonly list: number })[] {
  return Array.from({ length: count }, (_, i) => {
    const [next, name, low, high, baseline, selection, list, order] = from.u32(records + 4 * recordWords * i, recordWords);
    const text = (name! & 7) === textKind ? Buffer.from(from.u8(low!, high!)).toString('latin1') : undefined;
    return {
      next: next!,
      name: name!,
      low: low!,
      high: high!,
      text,
      baseline: baseline!,
      selection: selection!,
      list: list!,
      order: order!,
    };
  });
}

const value = fc.record({
  attribute: fc.nat(4),
  text: fc.option(fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 40 }), { nil: undefined }),
  low: fc.nat(20),
  high: fc.nat(1),
});
const counts = fc.record({ baseline: fc.nat(3), selection: fc.oneof(fc.nat(3), fc.nat(2 ** 20)) });

interface Valued {
  readonly value: { readonly attribute: number; readonly text: string | undefined; readonly low: number; readonly high: number };
  readonly counts: { readonly baseline: number; readonly selection: number };
}

/** Puts the values of a column; texts stand behind `skip` bytes of their entries. `plain`: all are texts. */
function putValues(all: readonly Valued[], skip: number, plain: boolean) {
  const texts = all.map(({ value: { text } }) => text ?? '');
  const starts = [0];
  for (const text of texts) starts.push(starts.at(-1)! + skip + text.length);
  const base = kernels.put(Buffer.from(texts.map((text) => '#'.repeat(skip) + text).join(''), 'latin1'));
  const hashes = putWords(
    kernels,
    texts.map((_, i) => i),
  );
  const members = all.flatMap(({ value: { attribute, text, low, high } }, i) =>
    text === undefined ? [low, high, (attribute << 3) | intKind, 0] : [i, high, (attribute << 3) | textKind, 0],
  );
  return {
    name: (7 << 3) | (plain ? textKind : 0),
    members: plain ? 0 : putWords(kernels, members),
    texts: { base, starts: putWords(kernels, starts), skip, hashes },
  };
}

/** A value of {@link putValues} as it should be written down. */
function recordOf({ value: { attribute, text, low, high }, counts }: Valued, plain: boolean, order: number): RecordTwin {
  if (plain || text !== undefined) {
    const name = ((plain ? 7 : attribute + 7) << 3) | textKind;
    return { name, text: text ?? '', low: 0, high: text?.length ?? 0, ...counts, order };
  }
  return { name: ((attribute + 7) << 3) | intKind, text, low, high, ...counts, order };
}

test('what was met rarely is written down as records, with its text', () => {
  const run = fc.array(fc.record({ value, counts, isMet: fc.boolean() }), { maxLength: 80 });
  fc.assert(
    fc.property(run, fc.integer({ min: 1, max: 8 }), fc.integer({ min: 0, max: 8 }), fc.boolean(), (all, rowsFrom, skip, plain) => {
      const mark = kernels.mark();
      const met = all.flatMap(({ isMet }, i) => (isMet ? [i] : [])).reverse();
      const isOften = (i: number) => all[i]!.counts.baseline + all[i]!.counts.selection >= rowsFrom;
      const [rare, often] = [met.filter((i) => !isOften(i)), met.filter(isOften)];
      const tallies = all.flatMap(({ counts: { baseline, selection } }) => [baseline, selection]);
      const metAt = putWords(kernels, met);
      const tallied = { met: metAt, metCount: met.length, tallies: putWords(kernels, tallies), rowsFrom, rowCount: often.length };
      const source = putValues(all, skip, plain);
      const written = writeRecords(kernels, tallied, source, 4000, 100);
      const textsAt = writeTexts(kernels, written, source, 0);
      // Texts are where their records say once they have been copied to their place.
      for (let i = 0; i < written.count; i++) {
        const words = kernels.u32(written.records + 4 * recordWords * i, recordWords);
        if ((words[1]! & 7) === textKind) words[2]! += textsAt;
      }
      const found = readRecords(kernels, written);
      const foundOften = readRecords(kernels, { records: written.oftenAt, hashes: 0, count: often.length });
      const twinsOf = (numbers: readonly number[]) => numbers.map((i) => recordOf(all[i]!, plain, 100 + met.indexOf(i)));
      const asTwins = (records: typeof found) =>
        records.map(({ next: _, list: __, ...one }) => (one.text === undefined ? one : { ...one, low: 0 }));
      assert.deepEqual(asTwins(found), twinsOf(rare));
      assert.deepEqual(asTwins(foundOften), twinsOf(often));
      let cells = 4000;
      for (const { list, baseline, selection } of found) {
        assert.equal(list, cells);
        cells += 4 * (baseline + selection);
      }
      assert.equal(
        written.textBytes,
        found.reduce((sum, { text }) => sum + (text?.length ?? 0), 0),
      );
      assert.equal(written.topName, Math.max(0, ...found.map(({ name }) => name)));
      kernels.release(mark);
    }),
    { numRuns: 150 },
  );
});

/** Puts blocks of records where a store has them; hashes that many values share. */
function putBlocks(store: Kernels, blocks: readonly (readonly RecordTwin[])[], cells: readonly (readonly number[])[]): RecordBlock[] {
  let position = 0;
  return blocks.map((block) => {
    const words = block.flatMap(({ name, low, high, text, baseline, selection, order }) => {
      const at = text === undefined ? low : store.put(Buffer.from(text, 'latin1'));
      const list = cells[position++]!;
      return [0, name, at, high, baseline, selection, putWords(store, list), order];
    });
    const hashes = block.map(({ name, low, text }) => Math.imul(((text?.length ?? low) % 4) ^ name, 0x9e3779b1) >>> 0);
    return { hashes: putWords(store, hashes), records: putWords(store, words), count: block.length };
  });
}

test('equal records are joined, and the commonest of each attribute and side are those of a sort', () => {
  const record = fc.record({ value, counts });
  fc.assert(
    fc.property(
      fc.array(fc.array(record, { maxLength: 120 }), { maxLength: 5 }),
      fc.constantFrom(1, 2, 5, 500),
      fc.nat(),
      (lists, most, seed) => {
        // Orders differ and do not ascend.
        let order = 0;
        const blocks = lists.map((list) =>
          list.map(
            ({ value: { attribute, text, low, high }, counts: sides }): RecordTwin => ({
              name: (attribute << 3) | (text === undefined ? intKind : textKind),
              low: text === undefined ? low : 0,
              high: text === undefined ? high : text.length,
              text,
              ...sides,
              order: (Math.imul(++order, seed | 1) ^ 0x55) >>> 0,
            }),
          ),
        );
        const { kernels: store, close } = openRecordStore(kernels, 64 << 20);
        const placed = putBlocks(
          store,
          blocks,
          blocks.flat().map(() => []),
        );
        joinRecords(store, placed);
        const joined = joinTwin(blocks.flat());
        const keyOf = ({ name, low, high, text, baseline, selection, order: first }: RecordTwin) =>
          `${name} ${text ?? `${low} ${high}`} ${baseline} ${selection} ${first}`;
        const recordCounts = new Uint32Array(5);
        for (const { name } of blocks.flat()) recordCounts[name >> 3]!++;
        const picked = pickCommonest(store, placed, recordCounts, most);
        assert.deepEqual(
          picked.map(({ record: at, side }) => `${side} ${keyOf(readRecords(store, { records: at, hashes: 0, count: 1 })[0]!)}`),
          commonestTwin(joined, 5, most).map(({ record: one, side }) => `${side} ${keyOf(one)}`),
        );
        // Chains hold all records with a value, each once.
        const chained = new Set<number>();
        for (const block of placed) {
          readRecords(store, block).forEach(({ next }) => {
            if (next === 0) return;
            assert.ok(!chained.has(next));
            chained.add(next);
          });
        }
        assert.equal(chained.size, blocks.flat().length - joined.length);
        close();
      },
    ),
    { numRuns: 150 },
  );
});

test('cells of records are added to the rows of their attributes, but for those that stand elsewhere', () => {
  const record = fc.record({ attribute: fc.nat(3), cells: fc.array(fc.nat(5), { maxLength: 6 }), elsewhere: fc.boolean() });
  fc.assert(
    fc.property(fc.array(record, { maxLength: 60 }), (all) => {
      const mark = kernels.mark();
      const words = all.flatMap(({ attribute, cells, elsewhere }, i) => {
        const list = elsewhere ? 0x80000000 + i : putWords(kernels, cells);
        return [0, (attribute << 3) | intKind, 0, 0, 0, cells.length, list, i];
      });
      const rows = putWords(kernels, new Array<number>(24).fill(0));
      const recordCounts = putWords(kernels, [0, 0, 0, 0]);
      addRecordCells(kernels, { hashes: 0, records: putWords(kernels, words), count: all.length }, 6, rows, recordCounts);
      const expected = new Array<number>(24).fill(0);
      for (const { attribute, cells, elsewhere } of all) if (!elsewhere) for (const cell of cells) expected[6 * attribute + cell]!++;
      assert.deepEqual([...kernels.u32(rows, 24)], expected);
      const met = [0, 1, 2, 3].map((attribute) => all.filter((one) => one.attribute === attribute).length);
      assert.deepEqual([...kernels.u32(recordCounts, 4)], met);
      kernels.release(mark);
    }),
    { numRuns: 100 },
  );
});

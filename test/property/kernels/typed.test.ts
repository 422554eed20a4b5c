import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ColumnShape } from '#engine/kernels/kernels.ts';
import { loadKernels } from '#engine/kernels/load.ts';
import { readChunk, type TwinEntry } from '../../unit/kernels/twins/chunk.ts';
import { kinds, putColumn, type RandomColumn, randomColumn } from './columns.ts';
import { choiceOf } from './encode-values.ts';
import { writeDataPage } from './page-writer.ts';

const kernels = loadKernels({ maxBytes: 64 << 20, detachViews: true });

const several = 8;

/** The entries of a column, each a list of one or more values. */
function listsOf(entries: readonly TwinEntry[], level: number): TwinEntry[][] {
  const lists: TwinEntry[][] = [];
  for (const entry of entries) {
    if (entry.repetition <= level || lists.length === 0) lists.push([entry]);
    else lists.at(-1)!.push(entry);
  }
  return lists;
}

function wordOf(value: TwinEntry['value']): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'boolean') return value ? 1n : 0n;
  return BigInt(value as number);
}

function doubleOf(word: bigint): number {
  return new Float64Array(BigInt64Array.of(word).buffer)[0]!;
}

for (const name of ['ids', 'int32Delta', 'int64', 'doubles', 'booleans'] as const) {
  test(`values of a column become typed: ${name}`, () => {
    fc.assert(
      fc.property(randomColumn(kinds[name]), fc.nat(6), fc.nat(2), (column: RandomColumn, level, taken) => {
        const mark = kernels.mark();
        const lists = listsOf(readChunk(column.bytes, column.shape), level);
        const pages = putColumn(kernels, column);
        const kindsAt = kernels.alloc(lists.length);
        const wordsAt = kernels.alloc(8 * lists.length);
        // Some entries have a value of another column.
        const before = lists.map((_, i) => (taken > 0 && i % 3 < taken ? 5 : 0));
        kernels.u8(kindsAt, lists.length).set(before);
        const add = (capacity: number) => kernels.typed(pages, column.dictionaryCount, level, 2, kindsAt, wordsAt, capacity);
        assert.equal(add(lists.length), lists.length);
        const foundKinds = kernels.u8(kindsAt, lists.length);
        const words = kernels.i64(wordsAt, lists.length);
        lists.forEach((list, i) => {
          const { value } = list[0]!;
          const kind = before[i] || (list.length > 1 ? several : value === undefined ? 0 : 2);
          assert.equal(foundKinds[i], kind);
          if (kind !== 2) return;
          if (name === 'doubles') assert.ok(Object.is(doubleOf(words[i]!), value));
          else assert.equal(words[i], wordOf(value));
        });
        assert.throws(() => add(lists.length - 1), { code: 'corrupt_block' });
        kernels.release(mark);
      }),
      { numRuns: 80 },
    );
  });
}

test('a column that starts within a list is damaged', () => {
  const shape: ColumnShape = { type: 'int64', codec: 'none', maxRepetition: 2, maxDefinition: 1 };
  const entries = [2, 1, 2].map((repetition) => ({ repetition, definition: 1, value: 7n }));
  const bytes = writeDataPage(entries, shape, { encoding: 'plain', choice: choiceOf(1), idBits: 0 });
  const mark = kernels.mark();
  const pages = kernels.pages(kernels.put(bytes), bytes.length, shape);
  const at = kernels.alloc(100);
  assert.throws(() => kernels.typed(pages, 0, 1, 2, at, at, 3), { code: 'corrupt_block', message: /continues a list/ });
  kernels.release(mark);
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ColumnShape, Comparison } from '#engine/kernels/kernels.ts';
import { loadKernels } from '#engine/kernels/load.ts';
import { unsnapTwin } from '../../unit/kernels/twins/snappy.ts';
import { choiceOf, writeSnappy } from './encode-values.ts';
import { writeDictionaryPage } from './page-writer.ts';

const kernels = loadKernels({ maxBytes: 64 << 20 });

// Few letters, so that prefixes and equal words are common; long words too, since kernels compare 16 bytes at a time.
const word = fc.array(fc.constantFrom(0, 97, 98, 255), { maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
const words = fc.uniqueArray(word, { maxLength: 60 });
const comparisons: readonly Comparison[] = ['=', '!=', '<', '<=', '>', '>='];

function satisfies(order: number, comparison: Comparison): boolean {
  if (comparison === '=') return order === 0;
  if (comparison === '!=') return order !== 0;
  if (comparison === '<') return order < 0;
  if (comparison === '<=') return order <= 0;
  return comparison === '>' ? order > 0 : order >= 0;
}

describe('dictionaries', () => {
  it('entries, find and compare', () => {
    fc.assert(
      fc.property(words, word, fc.constantFrom('none', 'snappy', 'zstd'), fc.integer(), (entries, other, codec, seed) => {
        const mark = kernels.mark();
        const shape: ColumnShape = { type: 'bytes', codec, maxRepetition: 0, maxDefinition: 0 };
        const page = writeDictionaryPage(entries, shape, choiceOf(seed));
        const dictionary = kernels.dictionary(kernels.put(page), page.length, shape);
        assert.equal(dictionary.count, entries.length);
        const offsets = [...kernels.u32(dictionary.offsets, entries.length + 1)];
        const stored = entries.map((_, i) => kernels.u8(dictionary.at + offsets[i] + 4, offsets[i + 1] - offsets[i] - 4));
        assert.deepEqual(
          stored.map((bytes) => Buffer.from(bytes).toString('latin1')),
          entries,
        );
        for (const literal of [other, ...entries.slice(0, 5)]) {
          const bytes = Buffer.from(literal, 'latin1');
          assert.equal(kernels.findInDictionary(dictionary, bytes), entries.indexOf(literal));
          for (const comparison of comparisons) {
            const hits = kernels.alloc(entries.length);
            const count = kernels.compareDictionary(dictionary, comparison, bytes, hits);
            const orders = entries.map((entry) => Buffer.compare(Buffer.from(entry, 'latin1'), bytes));
            const expected = orders.map((order) => Number(satisfies(order, comparison)));
            assert.deepEqual([...kernels.u8(hits, entries.length)], expected);
            assert.equal(count, expected.filter((hit) => hit === 1).length);
          }
        }
        kernels.release(mark);
      }),
      { numRuns: 150 },
    );
  });

  it('snappy blocks of all kinds of copies', () => {
    const chunk = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc.tuple(fc.nat(255), fc.nat(3000)).map(([byte, count]) => new Uint8Array(count).fill(byte)),
    );
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 12 }), fc.integer(), (chunks, seed) => {
        const mark = kernels.mark();
        // Every part comes twice, so that there are far copies as well.
        const plain = Buffer.concat([...chunks, ...chunks]);
        const block = Uint8Array.from(writeSnappy(plain, choiceOf(seed)));
        assert.deepEqual(Buffer.from(unsnapTwin(block)), plain);
        const shape: ColumnShape = { type: 'bytes', codec: 'snappy', maxRepetition: 0, maxDefinition: 0 };
        const page = writeDictionaryPage([plain.toString('latin1')], shape, choiceOf(seed));
        const dictionary = kernels.dictionary(kernels.put(page), page.length, shape);
        assert.deepEqual(Buffer.from(kernels.u8(dictionary.at + 4, dictionary.sizeBytes - 4)), plain);
        kernels.release(mark);
      }),
      { numRuns: 150 },
    );
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Dictionary } from '#engine/kernels/kernels.ts';
import { loadKernels } from '#engine/kernels/load.ts';
import { noNumber } from '#engine/kernels/tally.ts';
import { hashDictionary, numberTexts } from '#engine/kernels/text-hashes.ts';

const kernels = loadKernels({ maxBytes: 64 << 20, detachViews: true });

function putWords(values: readonly number[]): number {
  return kernels.put(new Uint8Array(Uint32Array.from(values).buffer));
}

/** Texts behind each other, with so many bytes before each, and where they are. */
function putTexts(texts: readonly Uint8Array[], gap: number): { readonly at: number; readonly starts: readonly number[] } {
  const starts: number[] = [];
  let end = 0;
  for (const { length } of texts) {
    end += gap + length;
    starts.push(end - length);
  }
  const bytes = new Uint8Array(end).fill(255);
  texts.forEach((text, i) => void bytes.set(text, starts[i]!));
  return { at: kernels.put(bytes), starts };
}

test('texts are numbered by their bytes wherever they stand, with the hashes of dictionaries', () => {
  // Bytes of two kinds make for texts that are equal, or differ in their last byte only.
  const text = fc
    .oneof(fc.array(fc.nat(1), { maxLength: 40 }), fc.array(fc.constant(0), { maxLength: 40 }))
    .map((list) => Uint8Array.from(list));
  const list = fc.array(fc.option(text, { nil: undefined }), { maxLength: 300 });
  fc.assert(
    fc.property(list, fc.nat(9), (entries, gap) => {
      const mark = kernels.mark();
      const { at, starts } = putTexts(
        entries.map((entry) => entry ?? new Uint8Array(0)),
        gap,
      );
      const places = putWords(entries.flatMap((entry, i) => (entry === undefined ? [0, noNumber] : [at + starts[i]!, entry.length])));
      const numbered = numberTexts(kernels, places, entries.length);

      const known = new Map<string, number>();
      const expected = entries.map((entry) => {
        if (entry === undefined) return noNumber;
        const key = entry.join('');
        if (!known.has(key)) known.set(key, known.size);
        return known.get(key)!;
      });
      assert.deepEqual([...kernels.u32(numbered.ids, entries.length)], expected);
      assert.equal(numbered.count, known.size);
      const ends = kernels.u32(numbered.starts, numbered.count + 1);
      const found = Array.from({ length: numbered.count }, (_, i) => kernels.u8(numbered.at + ends[i]!, ends[i + 1]! - ends[i]!).join(''));
      assert.deepEqual(found, [...known.keys()]);

      const texts = [...known.keys()].map((key) => Uint8Array.from(key, Number));
      const inDictionary = putTexts(texts, 4);
      const offsets = putWords([...inDictionary.starts.map((start) => start - 4), texts.reduce((sum, { length }) => sum + length + 4, 0)]);
      const shape = { type: 'bytes', codec: 'none', maxRepetition: 0, maxDefinition: 0 } as const;
      const dictionary: Dictionary = { shape, at: inDictionary.at, sizeBytes: 0, count: texts.length, offsets };
      const hashes = hashDictionary(kernels, dictionary);
      assert.deepEqual([...kernels.u32(numbered.hashes, texts.length)], [...kernels.u32(hashes, texts.length)]);
      assert.equal(new Set(kernels.u32(hashes, texts.length)).size, texts.length);
      kernels.release(mark);
    }),
    { numRuns: 200 },
  );
});

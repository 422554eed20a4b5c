import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { AppError } from '#engine/base/errors.ts';
import type { Kernels, Pages } from '#engine/kernels/kernels.ts';
import { loadKernels } from '#engine/kernels/load.ts';
import { kinds, type RandomColumn, randomColumn } from './columns.ts';
import { choiceOf } from './encode-values.ts';
import { type Encoding, writeDataPage, writeDictionaryPage } from './page-writer.ts';

/** Codes that damage may end in: `internal` would be a fault of ours, and anything but an AppError a crash. */
const allowed: readonly AppError['code'][] = ['corrupt_block', 'unimplemented', 'resource_exhausted'];
const kernels = loadKernels({ maxBytes: 32 << 20 });

/** Runs what may end in a clear error, and in nothing else. */
function survives(run: () => void): void {
  const mark = kernels.mark();
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof AppError, String(error));
    assert.ok(allowed.includes(error.code), `${error.code}: ${error.message}`);
  } finally {
    kernels.release(mark);
  }
}

/** Changes some bytes, or cuts the end off. */
function damage(bytes: Uint8Array, seed: number): Uint8Array {
  const choice = choiceOf(seed);
  const out = Uint8Array.from(bytes);
  for (let i = choice(4); i >= 0; i--) out[choice(choice(2) ? Math.min(60, out.length) : out.length)] = choice(256);
  return choice(5) === 0 ? out.subarray(0, choice(out.length)) : out;
}

/** Every kernel that reads pages; those of other types must refuse, which is `internal` and right here. */
function readers({ shape, dictionaryCount }: RandomColumn, pages: Pages, encoding: Encoding): readonly ((out: number) => void)[] {
  const entries = kernels.alloc(pages.entryCount * 4);
  const count = Math.ceil(pages.entryCount / 3);
  kernels.u32(entries, count).forEach((_, i, list) => {
    list[i] = i * 3;
  });
  const hits = kernels.alloc(dictionaryCount);
  const common = [kernels.repetitions, kernels.definitions, kernels.matchPresent].map((kernel) => (out: number) => kernel(pages, out));
  const typed = (out: number) => {
    kernels.typed(pages, dictionaryCount, 1, 1, kernels.alloc(pages.entryCount), out, pages.entryCount);
  };
  const byType: Record<string, readonly ((out: number) => void)[]> = {
    int32: [
      (out) => kernels.ints(pages, out),
      (out) => kernels.gatherInts(pages, entries, count, out),
      (out) => kernels.matchInts(pages, '<', 3n, out),
    ],
    double: [
      (out) => kernels.doubles(pages, out),
      (out) => kernels.gatherDoubles(pages, entries, count, out),
      (out) => kernels.matchDoubles(pages, '<', 3, out),
    ],
    boolean: [
      (out) => kernels.booleans(pages, out),
      (out) => kernels.gatherBooleans(pages, entries, count, out),
      (out) => kernels.matchBooleans(pages, '=', true, out),
    ],
    bytes: [(out) => kernels.byteArrays(pages, out), (out) => kernels.gatherByteArrays(pages, entries, count, out)],
    ids: [
      (out) => kernels.ids(pages, dictionaryCount, out),
      (out) => kernels.gatherIds(pages, dictionaryCount, entries, count, out),
      (out) => kernels.matchIds(pages, hits, dictionaryCount, out),
      (out) => kernels.matchAttributes(pages, hits, dictionaryCount, 0, out, pages.entryCount),
      (out) => kernels.findAttributes(pages, hits, dictionaryCount, 0, pages.entryCount, out, out, pages.entryCount),
    ],
  };
  const type = encoding === 'dictionary' ? 'ids' : shape.type === 'int64' ? 'int32' : shape.type;
  return [...common, typed, ...byType[type]];
}

describe('damage never ends in a crash', () => {
  for (const [name, kind] of Object.entries(kinds)) {
    it(`in pages of ${name}`, () => {
      fc.assert(
        fc.property(randomColumn(kind), fc.integer(), (column, seed) => {
          const choice = choiceOf(seed);
          const options = { encoding: kind.encoding, choice, idBits: 19, checksum: false };
          const bytes = damage(writeDataPage(column.entries, column.shape, options), seed);
          survives(() => {
            const pages = kernels.pages(kernels.put(bytes), bytes.length, column.shape);
            const out = kernels.alloc(pages.entryCount * 8);
            for (const read of readers(column, pages, kind.encoding)) survives(() => read(out));
          });
        }),
        { numRuns: 150 },
      );
    });
  }

  it('in dictionaries', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.constantFrom('none', 'snappy', 'zstd'), fc.integer(), (words, codec, seed) => {
        const shape = { type: 'bytes', codec, maxRepetition: 0, maxDefinition: 0 } as const;
        const bytes = damage(writeDictionaryPage(words, shape, choiceOf(seed), false), seed);
        survives(() => {
          const dictionary = kernels.dictionary(kernels.put(bytes), bytes.length, shape);
          kernels.findInDictionary(dictionary, Buffer.from('abc'));
          kernels.compareDictionary(dictionary, '<', Buffer.from('abc'), kernels.alloc(dictionary.count));
        });
      }),
      { numRuns: 500 },
    );
  });

  it('in the footer of a real block', () => {
    const dir = new URL('../../fixtures/blocks/edge5/', import.meta.url);
    const block = readdirSync(dir).find((name) => name.length === 36);
    const file = readFileSync(new URL(`${block}/data.parquet`, dir));
    const length = file.readUInt32LE(file.length - 8);
    const footer = file.subarray(file.length - 8 - length, file.length - 8);
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const bytes = damage(footer, seed);
        survives(() => readFooter(kernels, bytes));
      }),
      { numRuns: 500 },
    );
  });
});

function readFooter(target: Kernels, bytes: Uint8Array): void {
  const footer = target.footer(target.put(bytes), bytes.length);
  assert.ok(footer.schema.start <= footer.schema.end && footer.schema.end <= bytes.length);
  assert.ok(footer.chunks.every((number) => number >= 0));
}

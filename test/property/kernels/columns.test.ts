import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ColumnShape, Comparison, Kernels, Pages } from '#engine/kernels/kernels.ts';
import { loadKernels } from '#engine/kernels/load.ts';
import { readChunk, type TwinEntry, type TwinValue } from '../../unit/kernels/twins/chunk.ts';
import { satisfies } from '../../unit/kernels/twins/slots.ts';
import { kinds, putColumn, type RandomColumn, randomColumn, someEntries } from './columns.ts';
import { choiceOf } from './encode-values.ts';
import { writeDataPage } from './page-writer.ts';

const runs = { numRuns: 120 };
const comparisons: readonly Comparison[] = ['=', '!=', '<', '<=', '>', '>='];
const comparison = fc.constantFrom(...comparisons);
const nullLength = 0xffffffff;

const kernels = loadKernels({ maxBytes: 64 << 20 });

/** Runs `check` with the column in WASM memory and gives the memory back. */
function withColumn(column: RandomColumn, check: (pages: Pages, twin: readonly TwinEntry[]) => void): void {
  const twin = readChunk(column.bytes, column.shape);
  assert.deepEqual(twin, column.entries);
  const mark = kernels.mark();
  check(putColumn(kernels, column), twin);
  kernels.release(mark);
}

function bytesAt(at: number, count: number): number[] {
  return [...kernels.u8(at, count)];
}

function read(what: Kernels['repetitions'], pages: Pages): number[] {
  const out = kernels.alloc(pages.entryCount);
  what(pages, out);
  return bytesAt(out, pages.entryCount);
}

function match(count: number, run: (out: number) => void): number[] {
  const out = kernels.alloc(count);
  run(out);
  return bytesAt(out, count);
}

/** Values of 8 bytes: decoded whole, and for some entries. */
function longs(pages: Pages, seed: number, whole: (out: number) => void, gather: (entries: number, count: number, out: number) => void) {
  const count = pages.entryCount;
  const list = someEntries(count, seed);
  const entries = kernels.put(new Uint8Array(Uint32Array.from(list).buffer));
  const out = kernels.alloc(count * 8);
  whole(out);
  const some = kernels.alloc(list.length * 8);
  gather(entries, list.length, some);
  return { list, out, some };
}

function words(at: number, count: number): (string | undefined)[] {
  const pairs = kernels.u32(at, count * 2);
  return Array.from({ length: count }, (_, i) => {
    const length = pairs[i * 2 + 1];
    return length === nullLength ? undefined : Buffer.from(kernels.u8(pairs[i * 2], length)).toString('latin1');
  });
}

/** A literal that values often meet: one of them, or the fallback. */
function literalOf<T extends TwinValue>(twin: readonly TwinEntry[], seed: number, fallback: T): T {
  const values = twin.flatMap((entry) => (entry.value === undefined ? [] : [entry.value as T]));
  return values[(seed >>> 0) % Math.max(1, values.length)] ?? fallback;
}

describe('kernels decode what the twins decode', () => {
  it('levels and presence', () => {
    fc.assert(
      fc.property(randomColumn(kinds.int64), (column) => {
        withColumn(column, (pages, twin) => {
          assert.equal(pages.entryCount, twin.length);
          assert.equal(pages.valueCount, twin.filter((entry) => entry.value !== undefined).length);
          assert.equal(pages.rowCount, twin.filter((entry) => entry.repetition === 0).length);
          assert.deepEqual(
            read(kernels.repetitions, pages),
            twin.map((entry) => entry.repetition),
          );
          assert.deepEqual(
            read(kernels.definitions, pages),
            twin.map((entry) => entry.definition),
          );
          assert.deepEqual(
            read(kernels.matchPresent, pages),
            twin.map((entry) => (entry.value === undefined ? 0 : 1)),
          );
        });
      }),
      runs,
    );
  });

  it('dictionary ids', () => {
    fc.assert(
      fc.property(randomColumn(kinds.ids), fc.integer(), (column, seed) => {
        withColumn(column, (pages, twin) => {
          const { dictionaryCount } = column;
          const expected = twin.map((entry) => (entry.value as number | undefined) ?? 0xffffffff);
          const out = kernels.alloc(twin.length * 4);
          kernels.ids(pages, dictionaryCount, out);
          assert.deepEqual([...kernels.u32(out, twin.length)], expected);
          const list = someEntries(twin.length, seed);
          const entries = kernels.put(new Uint8Array(Uint32Array.from(list).buffer));
          kernels.gatherIds(pages, dictionaryCount, entries, list.length, out);
          assert.deepEqual(
            [...kernels.u32(out, list.length)],
            list.map((i) => expected[i]),
          );
          const many = Array.from({ length: dictionaryCount }, (_, id) => ((id * 7 + seed) % 3 === 0 ? 1 : 0));
          const only = literalOf(twin, seed, 0);
          const single = Array.from({ length: dictionaryCount }, (_, id) => (id === only ? 1 : 0));
          for (const hit of [many, single]) {
            const hits = kernels.put(Uint8Array.from(hit));
            const matched = match(twin.length, (to) => kernels.matchIds(pages, hits, dictionaryCount, to));
            const wanted = expected.map((id) => hit[id] ?? 0);
            assert.deepEqual(matched, wanted);
          }
        });
      }),
      runs,
    );
  });

  it('ids of every width', () => {
    const wide = fc
      .integer({ min: 1, max: 32 })
      .chain((bits) => fc.tuple(fc.constant(bits), fc.array(fc.nat(2 ** bits - 2), { minLength: 1, maxLength: 90 })));
    fc.assert(
      fc.property(wide, fc.integer(), ([idBits, ids], seed) => {
        const mark = kernels.mark();
        const shape: ColumnShape = { type: 'bytes', codec: 'none', maxRepetition: 0, maxDefinition: 0 };
        const entries = ids.map((value) => ({ repetition: 0, definition: 0, value }));
        const bytes = writeDataPage(entries, shape, { encoding: 'dictionary', choice: choiceOf(seed), idBits });
        const pages = kernels.pages(kernels.put(bytes), bytes.length, shape);
        const out = kernels.alloc(ids.length * 4);
        kernels.ids(pages, 2 ** idBits - 1, out);
        assert.deepEqual([...kernels.u32(out, ids.length)], ids);
        kernels.release(mark);
      }),
      { numRuns: 400 },
    );
  });

  for (const name of ['int32', 'int32Delta', 'int64', 'int64Delta'] as const) {
    it(name, () => {
      fc.assert(
        fc.property(randomColumn(kinds[name]), comparison, fc.integer(), (column, operator, seed) => {
          withColumn(column, (pages, twin) => {
            const expected = twin.map((entry) => (entry.value as bigint | undefined) ?? 0n);
            const { list, out, some } = longs(
              pages,
              seed,
              (to) => kernels.ints(pages, to),
              (entries, count, to) => kernels.gatherInts(pages, entries, count, to),
            );
            assert.deepEqual([...kernels.i64(out, twin.length)], expected);
            assert.deepEqual(
              [...kernels.i64(some, list.length)],
              list.map((i) => expected[i]),
            );
            const literal = literalOf(twin, seed, 5n);
            const hit = twin.map((entry) => Number(entry.value !== undefined && satisfies(entry.value as bigint, operator, literal)));
            assert.deepEqual(
              match(twin.length, (to) => kernels.matchInts(pages, operator, literal, to)),
              hit,
            );
            const compared = match(twin.length, (to) => kernels.compareInts(out, twin.length, operator, literal, to));
            assert.deepEqual(
              compared,
              expected.map((value) => Number(satisfies(value, operator, literal))),
            );
          });
        }),
        runs,
      );
    });
  }

  it('doubles', () => {
    fc.assert(
      fc.property(randomColumn(kinds.doubles), comparison, fc.integer(), (column, operator, seed) => {
        withColumn(column, (pages, twin) => {
          const expected = twin.map((entry) => (entry.value as number | undefined) ?? 0);
          const { list, out, some } = longs(
            pages,
            seed,
            (to) => kernels.doubles(pages, to),
            (entries, count, to) => kernels.gatherDoubles(pages, entries, count, to),
          );
          assert.deepEqual([...kernels.f64(out, twin.length)], expected);
          assert.deepEqual(
            [...kernels.f64(some, list.length)],
            list.map((i) => expected[i]),
          );
          const literal = literalOf(twin, seed, 1.5);
          const hit = twin.map((entry) => Number(entry.value !== undefined && satisfies(entry.value as number, operator, literal)));
          assert.deepEqual(
            match(twin.length, (to) => kernels.matchDoubles(pages, operator, literal, to)),
            hit,
          );
          const compared = match(twin.length, (to) => kernels.compareDoubles(out, twin.length, operator, literal, to));
          assert.deepEqual(
            compared,
            expected.map((value) => Number(satisfies(value, operator, literal))),
          );
        });
      }),
      runs,
    );
  });

  it('booleans', () => {
    fc.assert(
      fc.property(
        randomColumn(kinds.booleans),
        fc.boolean(),
        fc.constantFrom('=', '!='),
        fc.integer(),
        (column, literal, operator, seed) => {
          withColumn(column, (pages, twin) => {
            const expected = twin.map((entry) => (entry.value === undefined ? 2 : Number(entry.value)));
            assert.deepEqual(read(kernels.booleans, pages), expected);
            const list = someEntries(twin.length, seed);
            const entries = kernels.put(new Uint8Array(Uint32Array.from(list).buffer));
            const some = match(list.length, (to) => kernels.gatherBooleans(pages, entries, list.length, to));
            assert.deepEqual(
              some,
              list.map((i) => expected[i]),
            );
            const hit = twin.map((entry) => Number(entry.value !== undefined && satisfies(entry.value as boolean, operator, literal)));
            assert.deepEqual(
              match(twin.length, (to) => kernels.matchBooleans(pages, operator, literal, to)),
              hit,
            );
          });
        },
      ),
      runs,
    );
  });

  for (const name of ['bytes', 'bytesDelta', 'fixedBytes'] as const) {
    it(name, () => {
      fc.assert(
        fc.property(randomColumn(kinds[name]), fc.integer(), (column, seed) => {
          withColumn(column, (pages, twin) => {
            const expected = twin.map((entry) => entry.value as string | undefined);
            const { list, out, some } = longs(
              pages,
              seed,
              (to) => kernels.byteArrays(pages, to),
              (entries, count, to) => kernels.gatherByteArrays(pages, entries, count, to),
            );
            assert.deepEqual(words(out, twin.length), expected);
            assert.deepEqual(
              words(some, list.length),
              list.map((i) => expected[i]),
            );
          });
        }),
        runs,
      );
    });
  }
});

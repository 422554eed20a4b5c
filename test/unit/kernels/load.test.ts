import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AppError } from '#engine/base/errors.ts';
import type { ColumnShape } from '#engine/kernels/kernels.ts';
import { loadKernels } from '#engine/kernels/load.ts';
import { choiceOf } from '../../property/kernels/encode-values.ts';
import { writeDataPage } from '../../property/kernels/page-writer.ts';

const ints: ColumnShape = { type: 'int64', codec: 'snappy', maxRepetition: 0, maxDefinition: 0 };

function isExhausted(error: unknown): boolean {
  return error instanceof AppError && error.code === 'resource_exhausted';
}

/** A page of the numbers `[first, first + count)`. */
function pageOf(first: number, count: number): Uint8Array {
  const entries = Array.from({ length: count }, (_, i) => ({ repetition: 0, definition: 0, value: BigInt(first + i) }));
  return writeDataPage(entries, ints, { encoding: 'plain', choice: choiceOf(first) });
}

describe('the arena', () => {
  it('aligns to 16 and leaves 64 bytes of slack', () => {
    const kernels = loadKernels({ maxBytes: 1 << 20 });
    const places = [1, 16, 17, 0].map((size) => ({ at: kernels.alloc(size), size }));
    places.forEach(({ at, size }, i) => {
      assert.equal(at % 16, 0);
      if (i + 1 < places.length) assert.ok(places[i + 1].at >= at + size + 64);
    });
  });

  it('gives back what was taken since a mark', () => {
    const kernels = loadKernels({ maxBytes: 1 << 20 });
    const kept = kernels.put(Uint8Array.of(1, 2, 3));
    const mark = kernels.mark();
    const first = kernels.alloc(100);
    kernels.alloc(1000);
    kernels.release(mark);
    assert.equal(kernels.alloc(50), first);
    assert.deepEqual([...kernels.u8(kept, 3)], [1, 2, 3]);
  });

  it('grows up to its limit and says so beyond', () => {
    const kernels = loadKernels({ maxBytes: 4 << 20 });
    kernels.alloc(3 << 20);
    assert.throws(() => kernels.alloc(2 << 20), isExhausted);
    assert.ok(kernels.memory.buffer.byteLength <= 4 << 20);
    kernels.alloc(1000);
  });

  it('keeps scratch within the limit, too', () => {
    const kernels = loadKernels({ maxBytes: 1 << 20 });
    const bytes = pageOf(0, 60_000);
    assert.throws(() => kernels.pages(kernels.put(bytes), bytes.length, ints), isExhausted);
  });

  it('gives scratch back with the pages that needed it', () => {
    const kernels = loadKernels({ maxBytes: 2 << 20 });
    const bytes = pageOf(0, 60_000);
    const mark = kernels.mark();
    kernels.pages(kernels.put(bytes), bytes.length, ints);
    assert.throws(() => kernels.alloc(1 << 20), isExhausted);
    kernels.release(mark);
    kernels.alloc(1.9 * 1024 * 1024);
  });

  it('instances share nothing', () => {
    const [a, b] = [loadKernels({ maxBytes: 1 << 20 }), loadKernels({ maxBytes: 1 << 20 })];
    const at = a.put(Uint8Array.of(9));
    assert.deepEqual([...b.u8(at, 1)], [0]);
  });
});

describe('page tables', () => {
  it('joins pages at the entries that the list says', () => {
    const kernels = loadKernels({ maxBytes: 4 << 20 });
    const parts = [
      { firstEntry: 1000, bytes: Buffer.concat([pageOf(1000, 30), pageOf(1030, 20)]) },
      { firstEntry: 5000, bytes: Buffer.from(pageOf(5000, 10)) },
    ].map(({ firstEntry, bytes }) => ({ firstEntry, pages: kernels.pages(kernels.put(bytes), bytes.length, ints) }));
    const joined = kernels.joinPages(parts);
    assert.deepEqual([joined.pageCount, joined.entryCount, joined.valueCount, joined.rowCount], [3, 60, 60, 60]);
    const wanted = [1000, 1029, 1030, 1049, 5009];
    const entries = kernels.put(new Uint8Array(Uint32Array.from(wanted).buffer));
    const out = kernels.alloc(60 * 8);
    kernels.gatherInts(joined, entries, wanted.length, out);
    assert.deepEqual([...kernels.i64(out, wanted.length)], wanted.map(BigInt));
    kernels.ints(joined, out);
    assert.equal(kernels.i64(out, 60)[50], 5000n);
  });

  it('refuses entries that no page has, or that do not ascend', () => {
    const kernels = loadKernels({ maxBytes: 4 << 20 });
    const bytes = pageOf(0, 30);
    const pages = kernels.pages(kernels.put(bytes), bytes.length, ints);
    for (const wanted of [[30], [3, 2], [4, 4]]) {
      const entries = kernels.put(new Uint8Array(Uint32Array.from(wanted).buffer));
      const out = kernels.alloc(64);
      assert.throws(() => kernels.gatherInts(pages, entries, wanted.length, out), /entries to gather/);
    }
  });

  it('walks more pages than the first table has room for', () => {
    const kernels = loadKernels({ maxBytes: 4 << 20 });
    const bytes = Buffer.concat(Array.from({ length: 150 }, (_, i) => pageOf(i, 1)));
    const pages = kernels.pages(kernels.put(bytes), bytes.length, ints);
    const out = kernels.alloc(150 * 8);
    kernels.ints(pages, out);
    assert.equal(pages.pageCount, 150);
    assert.deepEqual(
      [...kernels.i64(out, 150)],
      Array.from({ length: 150 }, (_, i) => BigInt(i)),
    );
  });

  it('an empty range has no pages', () => {
    const kernels = loadKernels({ maxBytes: 1 << 20 });
    const pages = kernels.pages(kernels.alloc(0), 0, ints);
    assert.deepEqual([pages.pageCount, pages.entryCount], [0, 0]);
  });
});

describe('owners and capacities', () => {
  const keys: ColumnShape = { type: 'bytes', codec: 'none', maxRepetition: 1, maxDefinition: 1 };
  const entries = [0, 1, 0, 0, 1].map((repetition) => ({ repetition, definition: 1, value: 0 }));
  const bytes = writeDataPage(entries, keys, { encoding: 'dictionary', choice: choiceOf(1), idBits: 1 });
  const kernels = loadKernels({ maxBytes: 1 << 20 });
  const pages = kernels.pages(kernels.put(bytes), bytes.length, keys);
  const hits = kernels.put(Uint8Array.of(1, 0));
  const out = kernels.alloc(100);

  it('more owners than there is room for are damage', () => {
    assert.throws(() => kernels.matchAttributes(pages, hits, 2, 0, out, 2), /page 0: a column has more owners/);
    assert.throws(() => kernels.findAttributes(pages, hits, 2, 0, 2, out, out, 10), /page 0: a column has more owners/);
    assert.equal(kernels.matchAttributes(pages, hits, 2, 0, out, 3), 3);
  });

  it('more results than there is room for are refused', () => {
    assert.throws(() => kernels.findAttributes(pages, hits, 2, 0, 3, out, out, 4), isExhausted);
    assert.throws(() => kernels.starts(kernels.put(Uint8Array.of(0, 0, 0)), 3, 0, out, 2), isExhausted);
  });

  it('a column cannot start inside a list', () => {
    assert.throws(() => kernels.starts(kernels.put(Uint8Array.of(1, 0)), 2, 0, out, 2), /starts with an entry that continues a list/);
    assert.throws(() => kernels.anyByRepetition(out, kernels.put(Uint8Array.of(1, 0)), 2, 0, out), /continues a list/);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AppError } from '#engine/base/errors.ts';
import type { ColumnShape, Pages } from '#engine/kernels/kernels.ts';
import { loadKernels } from '#engine/kernels/load.ts';
import { choiceOf, packBits, varint, writeDeltas, writeSnappy, zigzag } from '../../property/kernels/encode-values.ts';
import { writeDataPage, writeDictionaryPage } from '../../property/kernels/page-writer.ts';

const maxBytes = 8 << 20;
const kernels = loadKernels({ maxBytes });
const flat: ColumnShape = { type: 'int64', codec: 'none', maxRepetition: 0, maxDefinition: 0 };
const words: ColumnShape = { ...flat, type: 'bytes' };

/** Numbers of a v2 page header, and the body; what is left out is a page of one plain int64. */
interface RawPage {
  readonly type?: number;
  readonly entries?: number;
  readonly nulls?: number;
  readonly rows?: number;
  readonly encoding?: number;
  readonly definitionBytes?: number;
  readonly repetitionBytes?: number;
  readonly plainBytes?: number;
  readonly storedBytes?: number;
  readonly body?: readonly number[];
}

function rawPage(page: RawPage): Uint8Array {
  const body = page.body ?? [1, 0, 0, 0, 0, 0, 0, 0];
  const header = [
    page.entries ?? 1,
    page.nulls ?? 0,
    page.rows ?? 1,
    page.encoding ?? 0,
    page.definitionBytes ?? 0,
    page.repetitionBytes ?? 0,
  ];
  const v2 = [...header.flatMap((number) => [0x15, ...zigzag(number)]), 0];
  const sizes = [page.type ?? 3, page.plainBytes ?? body.length, page.storedBytes ?? body.length];
  return Uint8Array.from([...sizes.flatMap((number) => [0x15, ...zigzag(number)]), 0x5c, ...v2, 0, ...body]);
}

function walk(bytes: Uint8Array, shape: ColumnShape): Pages {
  return kernels.pages(kernels.put(bytes), bytes.length, shape);
}

function ints(bytes: Uint8Array, shape: ColumnShape = flat): void {
  const pages = walk(bytes, shape);
  kernels.ints(pages, kernels.alloc(pages.entryCount * 8));
}

function fails(run: () => void, code: AppError['code'], message: RegExp): void {
  const mark = kernels.mark();
  try {
    assert.throws(run, (error) => {
      assert.ok(error instanceof AppError, String(error));
      assert.equal(error.code, code);
      assert.match(error.message, message);
      return true;
    });
  } finally {
    kernels.release(mark);
  }
}

describe('damaged page headers', () => {
  it('reads the page that the cases below damage', () => {
    const pages = walk(rawPage({}), flat);
    const out = kernels.alloc(8);
    kernels.ints(pages, out);
    assert.deepEqual([...kernels.i64(out, 1)], [1n]);
  });

  const cases: readonly (readonly [string, RawPage, RegExp])[] = [
    ['a page beyond its chunk', { storedBytes: 9, plainBytes: 9 }, /page 0: a page ends behind its column chunk/],
    ['a negative size', { storedBytes: -1 }, /negative/],
    ['a wild number of entries', { entries: 1 << 28, rows: 0 }, /implausible number of entries/],
    ['a negative number of entries', { entries: -5 }, /implausible/],
    ['more nulls than entries', { nulls: 2 }, /implausible/],
    ['more rows than entries', { rows: 2 }, /implausible/],
    ['levels longer than the page', { definitionBytes: 9 }, /levels of a page are longer/],
    ['more plain values than bytes', { entries: 2 }, /too short for its values/],
  ];
  for (const [name, page, message] of cases) it(name, () => fails(() => ints(rawPage(page)), 'corrupt_block', message));

  it('a header that ends early', () => fails(() => ints(rawPage({}).subarray(0, 7)), 'corrupt_block', /thrift structure is damaged/));
  it('more decompressed bytes than snappy can make', () => {
    fails(() => ints(rawPage({ plainBytes: 1 << 30 }), { ...flat, codec: 'snappy' }), 'corrupt_block', /claims more bytes/);
  });
  it('a data page of version 1', () => fails(() => ints(rawPage({ type: 0 })), 'unimplemented', /version 1/));
  it('an unknown page type', () => fails(() => ints(rawPage({ type: 9 })), 'unimplemented', /page type 9/));
  it('a checksum that does not match', () => {
    const page = writeDataPage([{ repetition: 0, definition: 0, value: 77n }], flat, { encoding: 'plain', choice: choiceOf(1) });
    page[page.length - 1] ^= 1;
    fails(() => ints(page), 'corrupt_block', /page 0: the checksum does not match/);
    const trusting = loadKernels({ maxBytes, verifyChecksums: false });
    assert.equal(trusting.pages(trusting.put(page), page.length, flat).entryCount, 1);
  });
});

describe('damaged values', () => {
  for (const [encoding, name] of [
    [9, 'BYTE_STREAM_SPLIT'],
    [7, 'DELTA_BYTE_ARRAY'],
    [3, 'RLE'],
  ] as const) {
    it(`encoding ${name} is named`, () =>
      fails(() => ints(rawPage({ encoding })), 'unimplemented', new RegExp(`encoding ${name} is not supported`)));
  }

  it('definition levels that disagree with the header', () => {
    // A run of two levels 1, so no null at all.
    const body = [4, 1, ...new Array<number>(8).fill(0)];
    const page = rawPage({ body, entries: 2, nulls: 1, rows: 2, definitionBytes: 2 });
    fails(() => ints(page, { ...flat, maxDefinition: 1 }), 'corrupt_block', /levels do not agree with the number of nulls/);
  });

  it('runs of levels that end early', () => {
    const page = rawPage({ body: [3, 0, ...new Array<number>(8).fill(0)], entries: 20, nulls: 19, rows: 20, definitionBytes: 2 });
    fails(() => ints(page, { ...flat, maxDefinition: 1 }), 'corrupt_block', /run of levels ends behind the page/);
  });

  const ids = (body: readonly number[], entries: number, dictionaryCount: number) => () => {
    const pages = walk(rawPage({ body, entries, rows: entries, encoding: 8 }), words);
    const out = kernels.alloc(entries * 4);
    const hits = kernels.alloc(dictionaryCount);
    fails(() => kernels.ids(pages, dictionaryCount, out), 'corrupt_block', /not in the dictionary|ids ends behind/);
    kernels.matchIds(pages, hits, dictionaryCount, out);
  };
  it('a packed id that is not in the dictionary', () =>
    fails(ids([2, 3, ...packBits([0n, 1n, 2n, 3n, 0n, 0n, 0n, 0n], 2)], 8, 3), 'corrupt_block', /not in the dictionary/));
  it('a repeated id that is not in the dictionary', () => fails(ids([2, 16, 3], 8, 3), 'corrupt_block', /not in the dictionary/));
  it('an id of a dictionary that is empty', () => fails(ids([0, 16], 8, 0), 'corrupt_block', /not in the dictionary/));
  it('ids wider than 32 bits', () => fails(ids([33, 16, 0, 0, 0, 0, 0], 8, 3), 'corrupt_block', /ids ends behind/));
  it('ids that end early', () => fails(ids([2, 9, 1], 32, 4), 'corrupt_block', /ids ends behind the page/));

  const deltas = (body: readonly number[], entries: number) => () => ints(rawPage({ body, entries, rows: entries, encoding: 5 }));
  const good = writeDeltas([1n, 5n, 2n, 100n], 64, choiceOf(3));
  it('another number of deltas than entries', () => fails(deltas(good, 5), 'corrupt_block', /not as many as the page header says/));
  it('deltas that end early', () => fails(deltas(good.slice(0, -20), 4), 'corrupt_block', /delta-encoded numbers end behind the page/));
  it('a block of no miniblocks', () => fails(deltas([...varint(128), 0, 4, 2], 4), 'corrupt_block', /head of delta-encoded numbers/));
  it('a wild block size', () => fails(deltas([...varint(1n << 40n), 1, 4, 2], 4), 'corrupt_block', /head of delta-encoded numbers/));
  it('a miniblock wider than 64 bits', () => {
    fails(deltas([...varint(32), 1, 4, 2, 0, 65, ...new Array<number>(300).fill(0)], 4), 'corrupt_block', /end behind the page/);
  });

  const lengths = (values: readonly bigint[], data: number) => () => {
    const body = [...writeDeltas(values, 64, choiceOf(1)), ...new Array<number>(data).fill(97)];
    const pages = walk(rawPage({ body, entries: values.length, rows: values.length, encoding: 6 }), words);
    kernels.byteArrays(pages, kernels.alloc(values.length * 8));
  };
  it('a negative length', () => fails(lengths([3n, -1n, 2n], 10), 'corrupt_block', /byte array ends behind its page/));
  it('lengths beyond the page', () => fails(lengths([3n, 3n, 5n], 10), 'corrupt_block', /byte array ends behind its page/));
  it('a length beyond 32 bits', () => fails(lengths([3n, 1n << 32n], 10), 'corrupt_block', /byte array ends behind its page/));

  const snappy: ColumnShape = { ...flat, codec: 'snappy' };
  const block = writeSnappy(
    new Uint8Array(800).map((_, i) => i % 50),
    choiceOf(2),
  );
  const padding = new Array<number>(60).fill(0);
  const inflated = (body: readonly number[]) => () => ints(rawPage({ body, entries: 100, rows: 100, plainBytes: 800 }), snappy);
  it('reads the snappy block that the cases below damage', () => inflated(block)());
  it('snappy data cut short', () => fails(inflated(block.slice(0, -3)), 'corrupt_block', /snappy data is damaged/));
  it('snappy data that goes on', () => fails(inflated([...block, 0, 1]), 'corrupt_block', /snappy data is damaged/));
  it('a snappy copy from before the start', () =>
    fails(inflated([...varint(800), 0, 1, 254, 2, 0, ...padding]), 'corrupt_block', /snappy data is damaged/));
  it('snappy copies far beyond the end, without touching what is there', () => {
    const copies = Array.from({ length: 100_000 }, () => [254, 1, 0]).flat();
    const page = rawPage({ body: [...varint(800), 0, 1, ...copies], entries: 100, rows: 100, plainBytes: 800 });
    const fresh = loadKernels({ maxBytes: 2 << 20 });
    const pages = fresh.pages(fresh.put(page), page.length, snappy);
    fails(() => fresh.ints(pages, fresh.alloc(800)), 'corrupt_block', /snappy data is damaged/);
  });
  it('a snappy literal of 4 GiB', () =>
    fails(inflated([...varint(800), 63 << 2, 255, 255, 255, 255, ...padding]), 'corrupt_block', /snappy data is damaged/));
  it('zstd data that is none', () =>
    fails(() => ints(rawPage({}), { ...flat, codec: 'zstd' }), 'corrupt_block', /page 0: zstd data is damaged/));
});

describe('damaged dictionaries and footers', () => {
  it('a dictionary page with a wrong checksum', () => {
    const page = writeDictionaryPage(['abc', 'defg'], words, choiceOf(1));
    page[page.length - 1] ^= 1;
    fails(() => kernels.dictionary(kernels.put(page), page.length, words), 'corrupt_block', /dictionary page: the checksum/);
  });
  it('a dictionary entry beyond its page', () => {
    // A dictionary page header: type 2, sizes, then field 7 with two values in PLAIN.
    const body = [1, 0, 0, 0, 97, 9, 0, 0, 0, 98];
    const page = Uint8Array.from([0x15, 4, 0x15, ...zigzag(10), 0x15, ...zigzag(10), 0x4c, 0x15, ...zigzag(2), 0x15, 0, 0, 0, ...body]);
    fails(() => kernels.dictionary(kernels.put(page), page.length, words), 'corrupt_block', /dictionary entry ends behind its page/);
  });
  it('no dictionary page in front', () => {
    const page = rawPage({});
    fails(() => kernels.dictionary(kernels.put(page), page.length, words), 'corrupt_block', /does not start with a dictionary page/);
  });
  it('a footer of nothing, of noise, and of a list longer than itself', () => {
    for (const bytes of [[], [0], [255, 255, 255, 255], [0x19, 0xfc, 255, 255, 255, 255, 15]]) {
      fails(() => kernels.footer(kernels.put(Uint8Array.from(bytes)), bytes.length), 'corrupt_block', /thrift structure is damaged/);
    }
  });
});

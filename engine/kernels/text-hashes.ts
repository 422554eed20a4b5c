import type { Dictionary, Kernels } from './kernels.ts';

interface TextExports {
  readonly hashDictionary: (at: number, offsets: number, count: number, out: number) => void;
  readonly numberTexts: (
    places: number,
    count: number,
    table: number,
    tableWords: number,
    ids: number,
    firsts: number,
    hashes: number,
  ) => number;
  readonly numberedBytes: () => number;
  readonly copyTexts: (places: number, count: number, out: number, starts: number) => void;
}

/** Writes a hash of 32 bits of each entry of a dictionary of texts into newly taken space, u32 each: equal for equal texts, wherever they stand. Returns its address. */
export function hashDictionary(kernels: Kernels, { at, offsets, count }: Dictionary): number {
  const exports = kernels.exports as unknown as TextExports;
  const out = kernels.alloc(4 * count);
  exports.hashDictionary(at, offsets, count, out);
  return out;
}

/** Texts that were numbered, as addresses: text i is the bytes `[starts[i], starts[i + 1])` behind `at`. */
export interface NumberedTexts {
  /** Of each place the number of its text; 0xffffffff for null. */
  readonly ids: number;
  /** Different texts. */
  readonly count: number;
  readonly at: number;
  readonly starts: number;
  /** As {@link hashDictionary} would give them. */
  readonly hashes: number;
}

/** Numbers the texts of `count` (address, length) pairs in order of appearance, equal ones alike. Takes space. */
export function numberTexts(kernels: Kernels, places: number, count: number): NumberedTexts {
  const exports = kernels.exports as unknown as TextExports;
  const ids = kernels.alloc(4 * count);
  const hashes = kernels.alloc(4 * count);
  const firsts = kernels.alloc(8 * count);
  const tableWords = 2 ** Math.ceil(Math.log2(2 * count + 2));
  const mark = kernels.mark();
  const found = exports.numberTexts(places, count, kernels.alloc(4 * tableWords), tableWords, ids, firsts, hashes) >>> 0;
  kernels.release(mark);
  const starts = kernels.alloc(4 * (found + 1));
  const at = kernels.alloc(exports.numberedBytes());
  exports.copyTexts(firsts, found, at, starts);
  return { ids, count: found, at, starts, hashes };
}

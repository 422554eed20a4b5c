import type { Dictionary, Kernels } from './kernels.ts';

interface HashExports {
  readonly hashDictionary: (at: number, offsets: number, count: number, out: number) => void;
  readonly hashPlaces: (places: number, count: number, out: number) => void;
}

/** Writes a hash of 32 bits of each entry of a dictionary of texts into newly taken space, u32 each: equal for equal texts, wherever they stand. Returns its address. */
export function hashDictionary(kernels: Kernels, { at, offsets, count }: Dictionary): number {
  const exports = kernels.exports as unknown as HashExports;
  const out = kernels.alloc(4 * count);
  exports.hashDictionary(at, offsets, count, out);
  return out;
}

/** The same of `count` (address, length) pairs; 0 for null. */
export function hashTexts(kernels: Kernels, places: number, count: number): number {
  const exports = kernels.exports as unknown as HashExports;
  const out = kernels.alloc(4 * count);
  exports.hashPlaces(places, count, out);
  return out;
}

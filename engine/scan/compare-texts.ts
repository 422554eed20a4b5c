import type { Dictionary, Kernels, Pages } from '#engine/kernels/kernels.ts';
import { type NumberedTexts, numberTexts } from '#engine/kernels/text-hashes.ts';
import type { LeafColumn } from '#engine/parquet/schema.ts';
import type { LocalTexts } from './compare-values.ts';
import { onColumn, type RowGroup } from './row-group.ts';

/** A dictionary's texts; `hashesAt` as `hashDictionary` gave it. Valid until memory moves. */
export function dictionaryTexts(kernels: Kernels, dictionary: Dictionary, hashesAt: number): LocalTexts {
  return {
    memory: new Uint8Array(kernels.memory.buffer),
    base: dictionary.at,
    starts: kernels.u32(dictionary.offsets, dictionary.count + 1),
    skip: 4,
    hashes: kernels.u32(hashesAt, dictionary.count),
  };
}

/** Texts that were numbered by kernels. Valid until memory moves. */
export function numberedTexts(kernels: Kernels, { at, starts, hashes, count }: NumberedTexts): LocalTexts {
  return {
    memory: new Uint8Array(kernels.memory.buffer),
    base: at,
    starts: kernels.u32(starts, count + 1),
    skip: 0,
    hashes: kernels.u32(hashes, count),
  };
}

/** Numbers the texts of a column without a dictionary: a number for each entry. */
export async function numberPlainTexts(group: RowGroup, column: LeafColumn, pages: Pages): Promise<NumberedTexts> {
  const { kernels } = group;
  const placesAt = kernels.alloc(8 * pages.entryCount);
  await onColumn(group, column, () => kernels.byteArrays(pages, placesAt));
  return numberTexts(kernels, placesAt, pages.entryCount);
}

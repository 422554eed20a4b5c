import type { Dictionary, Kernels, Pages } from '#engine/kernels/kernels.ts';
import { noNumber } from '#engine/kernels/tally.ts';
import { hashTexts } from '#engine/kernels/text-hashes.ts';
import type { LeafColumn } from '#engine/parquet/schema.ts';
import { onColumn, type RowGroup } from './row-group.ts';
import type { TextTable } from './text-table.ts';

/** Says which text a dictionary's entry is; `hashesAt` as `hashDictionary` gave it. Valid until memory moves. */
export function dictionaryTexts(texts: TextTable, kernels: Kernels, dictionary: Dictionary, hashesAt: number): (id: number) => number {
  const { at, offsets, count } = dictionary;
  const memory = new Uint8Array(kernels.memory.buffer);
  const starts = kernels.u32(offsets, count + 1);
  const hashes = kernels.u32(hashesAt, count);
  return (id) => texts.intern(memory, at + starts[id] + 4, starts[id + 1] - starts[id] - 4, hashes[id]);
}

/** Interns (address, length) pairs and writes the number of each, {@link noNumber} for null, into newly taken space; returns its address. */
export function internTexts(texts: TextTable, kernels: Kernels, placesAt: number, count: number): number {
  const hashesAt = hashTexts(kernels, placesAt, count);
  const idsAt = kernels.alloc(4 * count);
  const ids = kernels.u32(idsAt, count);
  const hashes = kernels.u32(hashesAt, count);
  const places = kernels.u32(placesAt, 2 * count);
  const memory = new Uint8Array(kernels.memory.buffer);
  for (let i = 0; i < count; i++) {
    const length = places[2 * i + 1];
    ids[i] = length === noNumber ? noNumber : texts.intern(memory, places[2 * i], length, hashes[i]);
  }
  return idsAt;
}

/** The same of a column of texts without a dictionary. */
export async function plainTextIds(texts: TextTable, group: RowGroup, column: LeafColumn, pages: Pages): Promise<number> {
  const { kernels } = group;
  const placesAt = kernels.alloc(8 * pages.entryCount);
  await onColumn(group, column, () => kernels.byteArrays(pages, placesAt));
  return internTexts(texts, kernels, placesAt, pages.entryCount);
}

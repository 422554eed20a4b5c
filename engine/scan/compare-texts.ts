import type { Dictionary, Kernels, Pages } from '#engine/kernels/kernels.ts';
import { noNumber } from '#engine/kernels/tally.ts';
import { hashTexts } from '#engine/kernels/text-hashes.ts';
import type { LeafColumn } from '#engine/parquet/schema.ts';
import type { LocalTexts } from './compare-values.ts';
import { onColumn, type RowGroup } from './row-group.ts';
import { createTextTable } from './text-table.ts';

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

/** Texts that were numbered, and where in WASM memory the numbers are: u32, {@link noNumber} for null. */
export interface NumberedTexts {
  readonly ids: number;
  readonly count: number;
  readonly texts: LocalTexts;
}

/** Numbers (address, length) pairs, equal texts alike. */
export function numberPlaces(kernels: Kernels, placesAt: number, count: number): NumberedTexts {
  const hashesAt = hashTexts(kernels, placesAt, count);
  const idsAt = kernels.alloc(4 * count);
  const ids = kernels.u32(idsAt, count);
  const hashes = kernels.u32(hashesAt, count);
  const places = kernels.u32(placesAt, 2 * count);
  const memory = new Uint8Array(kernels.memory.buffer);
  const table = createTextTable();
  // Most status messages are empty.
  let empty: number | undefined;
  for (let i = 0; i < count; i++) {
    const length = places[2 * i + 1];
    if (length === noNumber) ids[i] = noNumber;
    else if (length > 0) ids[i] = table.intern(memory, places[2 * i], length, hashes[i]);
    else {
      empty ??= table.intern(memory, 0, 0, hashes[i]);
      ids[i] = empty;
    }
  }
  return { ids: idsAt, count: table.count(), texts: table.texts() };
}

/** The same of a column of texts without a dictionary. */
export async function numberPlainTexts(group: RowGroup, column: LeafColumn, pages: Pages): Promise<NumberedTexts> {
  const { kernels } = group;
  const placesAt = kernels.alloc(8 * pages.entryCount);
  await onColumn(group, column, () => kernels.byteArrays(pages, placesAt));
  return numberPlaces(kernels, placesAt, pages.entryCount);
}

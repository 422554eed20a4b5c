import type { LeafColumn } from '#engine/parquet/schema.ts';
import { dictionaryOf, onColumn, pagesOf, type RowGroup } from './row-group.ts';

/** Length of a text that is null. */
export const nullText = 0xffffffff;

/** (address, length) of a string column's texts at some entries (an address of ascending u32), with {@link nullText} as length of nulls. */
export async function gatherTexts(group: RowGroup, column: LeafColumn, entries: number, count: number): Promise<Uint32Array> {
  const dictionary = await dictionaryOf(group, column);
  const pages = await pagesOf(group, column);
  return onColumn(group, column, () => {
    const { kernels } = group;
    if (dictionary === undefined) {
      const at = kernels.alloc(8 * count);
      kernels.gatherByteArrays(pages, entries, count, at);
      return kernels.u32(at, 2 * count).slice();
    }
    const idsAt = kernels.alloc(4 * count);
    kernels.gatherIds(pages, dictionary.count, entries, count, idsAt);
    const ids = kernels.u32(idsAt, count);
    const offsets = kernels.u32(dictionary.offsets, dictionary.count + 1);
    const pairs = new Uint32Array(2 * count);
    for (let i = 0; i < count; i++) {
      const id = ids[i];
      pairs[2 * i] = id === nullText ? 0 : dictionary.at + offsets[id] + 4;
      pairs[2 * i + 1] = id === nullText ? nullText : offsets[id + 1] - offsets[id] - 4;
    }
    return pairs;
  });
}

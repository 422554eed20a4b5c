import type { Kernels, Pages } from './kernels.ts';
import { noNumber } from './tally.ts';

/** Values of entries: a kind (u8, 0 for none) and a word (u64) for each, at these addresses. Texts (kind 1) are ids below `idCount`. */
export interface TypedValues {
  readonly kinds: number;
  readonly words: number;
  readonly idCount: number;
}

/** The kind of an entry with several values. */
export const severalValues = 8;

/** Values that are put together from several columns; an entry keeps the first. */
export interface OpenTypedValues extends TypedValues {
  /** Adds a column's values, as {@link Kernels.typed} does. Returns the number of entries. */
  readonly add: (pages: Pages, kind: number, level: number) => number;
  /** Adds ids, u32 at this address, {@link noNumber} for none. `firsts` has the first id of each entry, and their number behind the last; 0: each has one. */
  readonly addIds: (ids: number, kind: number, firsts: number) => void;
}

/** No entry has a value yet. `idCount`: of the texts that will be added. Takes space. */
export function openTypedValues(kernels: Kernels, count: number, idCount: number): OpenTypedValues {
  const kinds = kernels.alloc(count);
  const words = kernels.alloc(8 * count);
  kernels.u8(kinds, count).fill(0);
  return {
    kinds,
    words,
    idCount,
    add: (pages, kind, level) => kernels.typed(pages, idCount, level, kind, kinds, words, count),
    addIds: (ids, kind, firsts) => {
      const kindsOf = kernels.u8(kinds, count);
      const wordsOf = kernels.u32(words, 2 * count);
      const firstsOf = firsts === 0 ? undefined : kernels.u32(firsts, count + 1);
      const idsOf = kernels.u32(ids, firstsOf?.[count] ?? count);
      for (let i = 0; i < count; i++) {
        const first = firstsOf?.[i] ?? i;
        const isSeveral = firstsOf !== undefined && firstsOf[i + 1] - first > 1;
        if (kindsOf[i] !== 0 || (!isSeveral && idsOf[first] === noNumber)) continue;
        kindsOf[i] = isSeveral ? severalValues : kind;
        wordsOf[2 * i] = idsOf[first];
        wordsOf[2 * i + 1] = 0;
      }
    },
  };
}

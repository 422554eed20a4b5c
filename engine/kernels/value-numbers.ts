import type { Kernels } from './kernels.ts';

/**
 * Numbers values from 0 on in order of appearance, equal ones alike. A value is an attribute, a kind (below 8) and a word of 64 bits. An entry keeps its first
 * number. Entries are values unless `firsts` (not 0) has the first value of each, and their number behind the last; an entry with several has kind 0.
 */
export interface ValueNumbers {
  /** Address of the number of each entry, u32, 0xffffffff while it has none. */
  readonly numbers: number;
  readonly count: () => number;
  /** Words are ids below `idCount`, u32 for each value, 0xffffffff for null. */
  readonly addTexts: (ids: number, idCount: number, firsts: number, kind: number) => void;
  /** Words are i64, or bytes, of the values where `present` has a 1. */
  readonly addWords: (words: number, present: number, firsts: number, kind: number, width: 8 | 1) => void;
  /** Entries with an attribute and no number yet: kind 0, word 0. */
  readonly addRest: () => void;
  /** Four words for each number: the value's word, low half first, then attribute · 8 + kind. Valid until memory moves. */
  readonly members: () => Uint32Array;
}

interface NumberExports {
  readonly openNumbers: (table: number, members: number, numbers: number, entryCount: number) => void;
  readonly numberedCount: () => number;
  readonly numberTexts: (
    attributes: number,
    ids: number,
    idCount: number,
    firsts: number,
    entryCount: number,
    kind: number,
    owners: number,
    numbers: number,
  ) => void;
  readonly numberWords: (
    attributes: number,
    words: number,
    present: number,
    firsts: number,
    entryCount: number,
    kind: number,
    bytes: number,
    numbers: number,
  ) => void;
  readonly numberRest: (attributes: number, entryCount: number, numbers: number) => void;
  readonly translateIds: (ids: number, count: number, table: number) => void;
}

const smallestTable = 4096;

/**
 * Starts a numbering of `count` entries in space that it takes; an instance of the kernels has one at a time. `attributes`: the address of each entry's attribute,
 * u32, 0xffffffff for none; 0: all are of attribute 0.
 */
export function openValueNumbers(kernels: Kernels, attributes: number, count: number): ValueNumbers {
  const exports = kernels.exports as unknown as NumberExports;
  const numbers = kernels.alloc(4 * count);
  const members = kernels.alloc(16 * (count + 1));
  const table = kernels.alloc(4 * Math.max(smallestTable, 2 ** (Math.ceil(Math.log2(2 * (count + 1))) + 1)));
  exports.openNumbers(table, members, numbers, count);
  const numberCount = () => exports.numberedCount() >>> 0;
  return {
    numbers,
    count: numberCount,
    addTexts: (ids, idCount, firsts, kind) => {
      const mark = kernels.mark();
      exports.numberTexts(attributes, ids, idCount, firsts, count, kind, kernels.alloc(8 * idCount), numbers);
      kernels.release(mark);
    },
    addWords: (words, present, firsts, kind, width) =>
      exports.numberWords(attributes, words, present, firsts, count, kind, width === 1 ? 1 : 0, numbers),
    addRest: () => exports.numberRest(attributes, count, numbers),
    members: () => kernels.u32(members, 4 * numberCount()),
  };
}

/** Replaces each of `count` ids (u32) at `ids` by what `table` has for it; 0xffffffff stays. */
export function translateIds(kernels: Kernels, ids: number, count: number, table: Uint32Array): void {
  const exports = kernels.exports as unknown as NumberExports;
  const mark = kernels.mark();
  const at = kernels.alloc(4 * table.length);
  kernels.u32(at, table.length).set(table);
  exports.translateIds(ids, count, at);
  kernels.release(mark);
}

import type { Kernels } from './kernels.ts';
import type { Tallied } from './tally.ts';

/** Where the values behind numbers are, as addresses: see `LocalValues` and `LocalTexts` of the scan. */
export interface RecordedValues {
  /** Added to the name (attribute · 8 + kind) of each; without members it is the name. */
  readonly name: number;
  /** Four words for each number: low (of texts: their id), high, name. 0: numbers are ids of texts. */
  readonly members: number;
  readonly texts: { readonly base: number; readonly starts: number; readonly skip: number; readonly hashes: number };
}

/** Records in WASM memory (`assembly/record.ts`) of the values that were met a few times, in the order in which they were. */
export interface ValueRecords {
  readonly hashes: number;
  readonly records: number;
  readonly count: number;
  /** Records of the values that were met often, with their hash as first word and the addresses of their texts. */
  readonly oftenAt: number;
  readonly textBytes: number;
  /** The largest name. */
  readonly topName: number;
}

interface RecordExports {
  readonly recordTextBytes: () => number;
  readonly topRecordName: () => number;
  readonly writeRecords: (
    met: number,
    metCount: number,
    tallies: number,
    rowsFrom: number,
    members: number,
    name: number,
    base: number,
    starts: number,
    skip: number,
    textHashes: number,
    cells: number,
    order: number,
    hashes: number,
    records: number,
    often: number,
  ) => void;
  readonly writeTexts: (records: number, count: number, base: number, starts: number, skip: number, out: number, target: number) => void;
}

/** Words of a record. */
export const recordWords = 8;
const recordBytes = 4 * recordWords;

/** Addresses and lengths of what was tallied: views end when memory moves. */
export interface TalliedAt {
  readonly met: number;
  readonly metCount: number;
  readonly tallies: number;
  readonly rowsFrom: number;
  readonly rowCount: number;
}

/** Where the views stand. */
export function talliedAt({ met, tallies, rowsFrom, rows }: Tallied, cellCount: number): TalliedAt {
  return { met: met.byteOffset, metCount: met.length, tallies: tallies.byteOffset, rowsFrom, rowCount: rows.length / cellCount };
}

/** Writes records into newly taken space. Their cells will stand behind each other from `cells` on; `order`: of the first number that was met. */
export function writeRecords(kernels: Kernels, tallied: TalliedAt, values: RecordedValues, cells: number, order: number): ValueRecords {
  const exports = kernels.exports as unknown as RecordExports;
  const { met, metCount, tallies, rowsFrom, rowCount } = tallied;
  const { base, starts, skip, hashes: textHashes } = values.texts;
  const count = metCount - rowCount;
  const hashes = kernels.alloc(4 * count);
  const records = kernels.alloc(recordBytes * count);
  const oftenAt = kernels.alloc(recordBytes * rowCount);
  const { members, name } = values;
  exports.writeRecords(
    met,
    metCount,
    tallies,
    rowsFrom,
    members,
    name,
    base,
    starts,
    skip,
    textHashes,
    cells,
    order,
    hashes,
    records,
    oftenAt,
  );
  return {
    hashes,
    records,
    count,
    oftenAt,
    textBytes: exports.recordTextBytes() >>> 0,
    topName: exports.topRecordName() >>> 0,
  };
}

/** Copies the texts of records behind each other into newly taken space, whose address it returns; `target` is where they will stand at last. */
export function writeTexts(
  kernels: Kernels,
  { records, count, textBytes }: ValueRecords,
  { texts }: RecordedValues,
  target: number,
): number {
  const exports = kernels.exports as unknown as RecordExports;
  const out = kernels.alloc(textBytes);
  exports.writeTexts(records, count, texts.base, texts.starts, texts.skip, out, target);
  return out;
}

import { columnChunk, type ParquetFile, rowGroupCount } from './file.ts';

/** A part of the file, end exclusive. */
export interface IndexRange {
  readonly start: number;
  readonly end: number;
}

/** Where all column indexes, and all offset indexes, of a file lie; undefined where it has none. */
export interface IndexRanges {
  readonly columnIndexes: IndexRange | undefined;
  readonly offsetIndexes: IndexRange | undefined;
}

/** Finds the ranges from the footer. Throws `corrupt_block` as `columnChunk` does. */
export function indexRanges(file: ParquetFile): IndexRanges {
  let columnIndexes: IndexRange | undefined;
  let offsetIndexes: IndexRange | undefined;
  for (let rowGroup = 0; rowGroup < rowGroupCount(file); rowGroup++) {
    for (const column of file.columns.values()) {
      const { columnIndexStart, columnIndexEnd, offsetIndexStart, offsetIndexEnd } = columnChunk(file, rowGroup, column);
      columnIndexes = grown(columnIndexes, columnIndexStart, columnIndexEnd, file.sizeBytes);
      offsetIndexes = grown(offsetIndexes, offsetIndexStart, offsetIndexEnd, file.sizeBytes);
    }
  }
  return { columnIndexes, offsetIndexes };
}

function grown(range: IndexRange | undefined, start: number, end: number, sizeBytes: number): IndexRange | undefined {
  if (start <= 0 || end <= start || end > sizeBytes) return range;
  return { start: Math.min(start, range?.start ?? start), end: Math.max(end, range?.end ?? end) };
}

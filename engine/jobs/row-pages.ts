import type { ColumnChunk, ParquetFile } from '#engine/parquet/file.ts';
import { columnChunk } from '#engine/parquet/file.ts';
import { type PageLocations, parseOffsetIndex } from '#engine/parquet/offset-index.ts';
import type { LeafColumn } from '#engine/parquet/schema.ts';
import type { BlockReader } from '#engine/scan/row-group.ts';

/** Bytes `[start, end)` of data.parquet with whole data pages, and the row that the first of them begins with. */
export interface RowPage {
  readonly start: number;
  readonly end: number;
  readonly firstRow: number;
}

/** Longest run of offset indexes that is read at once: those of a row group stand one behind the other. */
const maxIndexRunBytes = 4 * 1024 * 1024;

/** All data pages of a chunk. */
export function wholeChunk({ dataStart, end }: ColumnChunk): RowPage {
  return { start: dataStart, end, firstRow: 0 };
}

/** The page that holds a row; rows never run over a page's end. */
export function pageOfRow({ offsets, sizes, firstRows }: PageLocations, row: number): RowPage {
  let page = 0;
  while (page + 1 < offsets.length && firstRows[page + 1]! <= row) page++;
  return { start: offsets[page]!, end: offsets[page]! + sizes[page]!, firstRow: firstRows[page]! };
}

/** The offset indexes of columns of a row group; undefined where a chunk has none or it does not fit the chunk. Throws `corrupt_block`. */
export async function readOffsetIndexes(
  reader: BlockReader,
  file: ParquetFile,
  rowGroup: number,
  columns: readonly LeafColumn[],
): Promise<readonly (PageLocations | undefined)[]> {
  const chunks = columns.map((column) => columnChunk(file, rowGroup, column));
  const indexed = chunks.filter(hasOffsetIndex);
  if (indexed.length === 0) return columns.map(() => undefined);
  const start = Math.min(...indexed.map((chunk) => chunk.offsetIndexStart));
  const end = Math.max(...indexed.map((chunk) => chunk.offsetIndexEnd));
  const run = end - start <= maxIndexRunBytes && end <= file.sizeBytes ? await reader.readCached(start, end) : undefined;
  return Promise.all(
    chunks.map(async (chunk) => {
      if (!hasOffsetIndex(chunk)) return undefined;
      const { offsetIndexStart, offsetIndexEnd } = chunk;
      const bytes = run?.subarray(offsetIndexStart - start, offsetIndexEnd - start);
      const locations = parseOffsetIndex(bytes ?? (await reader.readCached(offsetIndexStart, offsetIndexEnd)));
      return fits(locations, chunk) ? locations : undefined;
    }),
  );
}

function hasOffsetIndex({ offsetIndexStart, offsetIndexEnd }: ColumnChunk): boolean {
  return offsetIndexStart > 0 && offsetIndexEnd > offsetIndexStart;
}

function fits({ offsets, sizes }: PageLocations, { dataStart, end }: ColumnChunk): boolean {
  return offsets.length > 0 && offsets[0]! === dataStart && offsets.at(-1)! + sizes.at(-1)! <= end;
}

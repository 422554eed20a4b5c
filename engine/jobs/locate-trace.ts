import { AppError } from '#engine/base/errors.ts';
import type { Kernels } from '#engine/kernels/kernels.ts';
import { type PageBounds, parseColumnIndex } from '#engine/parquet/column-index.ts';
import { columnChunk, type ParquetFile, rowGroupCount } from '#engine/parquet/file.ts';
import type { LeafColumn } from '#engine/parquet/schema.ts';
import { type BlockReader, onColumn, openRowGroup, shapeOf } from '#engine/scan/row-group.ts';
import { pageOfRow, type RowPage, readOffsetIndexes, wholeChunk } from './row-pages.ts';

/** Where a trace stands in a block. */
export interface TraceLocation {
  readonly rowGroup: number;
  /** Counted from the row group's start. */
  readonly row: number;
}

interface Lookup {
  readonly kernels: Kernels;
  readonly reader: BlockReader;
  readonly file: ParquetFile;
  readonly column: LeafColumn;
  readonly traceId: Uint8Array;
}

/**
 * Finds the row of a trace (16 bytes) in a block, whose rows are in order of their ids: a binary search over the bounds that the column index has for every
 * page of ids, then the one page that may hold it. A file without column index is read id by id. Throws `corrupt_block`.
 */
export async function locateTrace(
  kernels: Kernels,
  reader: BlockReader,
  file: ParquetFile,
  traceId: Uint8Array,
): Promise<TraceLocation | undefined> {
  const column = file.columns.get('TraceID');
  if (column === undefined) throw new AppError('corrupt_block', `block ${reader.name}: data.parquet has no column TraceID`);
  const lookup = { kernels, reader, file, column, traceId };
  let first = 0;
  let end = rowGroupCount(file);
  while (first < end) {
    const middle = (first + end) >> 1;
    const bounds = await pageBounds(lookup, middle);
    if (bounds === undefined) return searchEverything(lookup);
    if (Buffer.compare(traceId, bounds.least[0]!) < 0) end = middle;
    else if (Buffer.compare(traceId, bounds.greatest.at(-1)!) > 0) first = middle + 1;
    else return searchBoundedPage(lookup, middle, bounds);
  }
  return undefined;
}

async function pageBounds({ kernels, reader, file, column }: Lookup, rowGroup: number): Promise<PageBounds | undefined> {
  const { columnIndexStart, columnIndexEnd } = columnChunk(file, rowGroup, column);
  if (columnIndexStart <= 0 || columnIndexEnd <= columnIndexStart) return undefined;
  const bytes = await reader.readCached(columnIndexStart, columnIndexEnd);
  return onColumn(openRowGroup(kernels, reader, file, rowGroup), column, () => parseColumnIndex(bytes));
}

async function searchBoundedPage(lookup: Lookup, rowGroup: number, { least, greatest }: PageBounds): Promise<TraceLocation | undefined> {
  const { reader, file, column, traceId } = lookup;
  const page = greatest.findIndex((bound) => Buffer.compare(traceId, bound) <= 0);
  if (page < 0 || Buffer.compare(traceId, least[page]!) < 0) return undefined;
  const [locations] = await readOffsetIndexes(reader, file, rowGroup, [column]);
  if (locations === undefined) return searchPages(lookup, rowGroup, wholeChunk(columnChunk(file, rowGroup, column)));
  const firstRow = locations.firstRows[page];
  if (firstRow === undefined || locations.offsets.length !== least.length) {
    throw new AppError('corrupt_block', `block ${reader.name}, row group ${rowGroup}, column TraceID: its page indexes disagree`);
  }
  return searchPages(lookup, rowGroup, pageOfRow(locations, firstRow));
}

async function searchEverything(lookup: Lookup): Promise<TraceLocation | undefined> {
  for (let rowGroup = 0; rowGroup < rowGroupCount(lookup.file); rowGroup++) {
    const found = await searchPages(lookup, rowGroup, wholeChunk(columnChunk(lookup.file, rowGroup, lookup.column)));
    if (found !== undefined) return found;
  }
  return undefined;
}

async function searchPages(lookup: Lookup, rowGroup: number, page: RowPage): Promise<TraceLocation | undefined> {
  const { kernels, reader, file, column, traceId } = lookup;
  const mark = kernels.mark();
  try {
    const at = await reader.load(kernels, page.start, page.end);
    return await onColumn(openRowGroup(kernels, reader, file, rowGroup), column, () => {
      const pages = kernels.pages(at, page.end - page.start, shapeOf(column, columnChunk(file, rowGroup, column)));
      const pairsAt = kernels.alloc(8 * pages.entryCount);
      kernels.byteArrays(pages, pairsAt);
      const pairs = kernels.u32(pairsAt, 2 * pages.entryCount);
      for (let i = 0; i < pages.entryCount; i++) {
        if (pairs[2 * i + 1] !== traceId.length) continue;
        if (Buffer.compare(kernels.u8(pairs[2 * i]!, traceId.length), traceId) === 0) return { rowGroup, row: page.firstRow + i };
      }
      return undefined;
    });
  } finally {
    kernels.release(mark);
  }
}

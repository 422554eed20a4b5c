import { throwIfAborted } from '#engine/base/errors.ts';
import type { Dictionary, Kernels } from '#engine/kernels/kernels.ts';
import { type ColumnChunk, columnChunk, type ParquetFile } from '#engine/parquet/file.ts';
import { type RowColumn, readRowColumn } from '#engine/parquet/row-column.ts';
import type { LeafColumn } from '#engine/parquet/schema.ts';
import { type BlockReader, onColumn, openRowGroup, shapeOf } from '#engine/scan/row-group.ts';
import { holdsText, traceColumns } from '#engine/vparquet/reconstruct.ts';
import type { TraceRow } from '#engine/vparquet/row-values.ts';
import type { BlockSchema } from '#engine/vparquet/sources.ts';
import type { TraceLocation } from './locate-trace.ts';
import { pageOfRow, type RowPage, readOffsetIndexes, wholeChunk } from './row-pages.ts';

/** What to read a row of. */
export interface RowRead {
  readonly kernels: Kernels;
  readonly reader: BlockReader;
  readonly file: ParquetFile;
  readonly schema: BlockSchema;
  readonly location: TraceLocation;
  readonly signal: AbortSignal | undefined;
}

/** Where one column of the row is to be read. */
interface ColumnPlan {
  readonly column: LeafColumn;
  readonly chunk: ColumnChunk;
  readonly page: RowPage;
}

/** Bytes of a column in memory of the kernels. */
interface LoadedColumn {
  readonly pageAt: number;
  readonly loadDictionary: () => Promise<number>;
}

/** Reads all columns of one row that make up its trace, of each the page that holds the row, and its dictionary. Throws `corrupt_block`. */
export async function readTraceRow(read: RowRead): Promise<TraceRow> {
  const { reader, file, schema, location } = read;
  const columns = traceColumns(schema);
  const indexes = await readOffsetIndexes(reader, file, location.rowGroup, columns);
  const plans = columns.map((column, i): ColumnPlan => {
    const chunk = columnChunk(file, location.rowGroup, column);
    const locations = indexes[i];
    return { column, chunk, page: locations === undefined ? wholeChunk(chunk) : pageOfRow(locations, location.row) };
  });
  const load = reader.roundTripsMatter ? await loadTogether(read, plans) : loadOneByOne(read);
  const row = new Map<string, RowColumn>();
  for (const plan of plans) {
    throwIfAborted(read.signal);
    row.set(plan.column.path, await readColumn(read, plan, load));
  }
  return (path) => row.get(path);
}

type Load = (plan: ColumnPlan) => Promise<LoadedColumn>;

/** One round of coalesced requests for all columns. */
async function loadTogether({ kernels, reader }: RowRead, plans: readonly ColumnPlan[]): Promise<Load> {
  const ranges = plans.flatMap(({ chunk, page }) => [{ start: chunk.dictionaryStart, end: chunk.dataStart }, page]);
  const bytes = await reader.readMany(ranges);
  const indexOf = new Map(plans.map((plan, i) => [plan, 2 * i]));
  return async (plan) => {
    const index = indexOf.get(plan)!;
    return { pageAt: kernels.put(bytes[index + 1]!), loadDictionary: async () => kernels.put(bytes[index]!) };
  };
}

/** From a disk, where a read costs little and a dictionary may not be needed. */
function loadOneByOne({ kernels, reader }: RowRead): Load {
  return async ({ chunk, page }) => ({
    pageAt: await reader.load(kernels, page.start, page.end),
    loadDictionary: () => reader.load(kernels, chunk.dictionaryStart, chunk.dataStart),
  });
}

async function readColumn({ kernels, reader, file, schema, location }: RowRead, plan: ColumnPlan, load: Load): Promise<RowColumn> {
  const { column, chunk, page } = plan;
  const mark = kernels.mark();
  try {
    const loaded = await load(plan);
    return await onColumn(openRowGroup(kernels, reader, file, location.rowGroup), column, async () => {
      const shape = shapeOf(column, chunk);
      const pages = kernels.pages(loaded.pageAt, page.end - page.start, shape);
      const openDictionary = async (): Promise<Dictionary> =>
        kernels.dictionary(await loaded.loadDictionary(), chunk.dataStart - chunk.dictionaryStart, shape);
      return readRowColumn({
        kernels,
        column,
        pages,
        openDictionary: chunk.hasDictionary ? openDictionary : undefined,
        row: location.row - page.firstRow,
        asText: holdsText(schema, column.path),
      });
    });
  } finally {
    kernels.release(mark);
  }
}

import { AppError } from '#engine/base/errors.ts';
import type { ColumnShape, Dictionary, Kernels, Pages, PlainDictionary, PlainPages } from '#engine/kernels/kernels.ts';
import { type ColumnChunk, codecNames, columnChunk, type ParquetFile } from '#engine/parquet/file.ts';
import { parseOffsetIndex } from '#engine/parquet/offset-index.ts';
import type { LeafColumn } from '#engine/parquet/schema.ts';
import type { ScanObserver } from './observe.ts';

/** Reads one block's data.parquet. */
export interface BlockReader {
  /** Names the block in errors. */
  readonly name: string;
  /** Bytes `[start, end)`. */
  readonly read: (start: number, end: number) => Promise<Uint8Array>;
  /** As `read`, for small ranges that the next query wants again: offset indexes. */
  readonly readCached: (start: number, end: number) => Promise<Uint8Array>;
  /** Bytes `[start, end)` in WASM memory; returns their address. Nothing else may use the kernels until it is done. */
  readonly load: (kernels: Kernels, start: number, end: number) => Promise<number>;
  /** Several ranges in one round of coalesced requests. */
  readonly readMany: (ranges: readonly { readonly start: number; readonly end: number }[]) => Promise<readonly Uint8Array[]>;
  /** What decompression has given before, by the offset of the page or chunk; absent where nothing is kept. */
  readonly plain?: PlainCache;
  /** True where a request costs more than the bytes, so that columns are fetched together rather than one after the other. */
  readonly roundTripsMatter: boolean;
}

/** Decompressed parts of one block that the next query wants again. */
export interface PlainCache {
  readonly dictionary: (start: number) => PlainDictionary | undefined;
  readonly keepDictionary: (start: number, plain: PlainDictionary) => void;
  /** Pages of the chunk whose data starts there. */
  readonly pages: (dataStart: number) => PlainPages;
}

/** The first rows of one row group, being scanned: its columns come into WASM memory when they are asked for, and once. */
export interface RowGroup {
  readonly kernels: Kernels;
  readonly reader: BlockReader;
  readonly file: ParquetFile;
  readonly index: number;
  /** Rows (traces) that are scanned: all, or a window from the start. */
  readonly rowCount: number;
  /** Whether {@link RowGroup.rowCount} is all rows. */
  readonly whole: boolean;
  readonly loads: Map<number, ColumnLoad>;
  readonly observe: ScanObserver | undefined;
}

interface ColumnLoad {
  dictionary?: Promise<Dictionary | undefined>;
  pages?: Promise<Pages>;
  /** Bytes that a prefetch has under way. */
  dictionaryBytes?: Promise<Uint8Array>;
  dataBytes?: Promise<Uint8Array>;
}

/** Starts on a whole row group. Nothing is read yet. */
export function openRowGroup(kernels: Kernels, reader: BlockReader, file: ParquetFile, index: number, observe?: ScanObserver): RowGroup {
  return { kernels, reader, file, index, rowCount: file.footer.rowGroupRows[index], whole: true, loads: new Map(), observe };
}

/** The first `rowCount` rows of a row group, with the dictionaries that an earlier window has read. */
export function openWindow(whole: RowGroup, rowCount: number, earlier: RowGroup | undefined): RowGroup {
  return withDictionaries({ ...whole, rowCount, whole: false, loads: new Map() }, earlier);
}

/** Hands the dictionaries of an earlier window on; they are those of the whole row group and stay in the arena. */
export function withDictionaries(group: RowGroup, earlier: RowGroup | undefined): RowGroup {
  if (earlier === undefined) return group;
  for (const [column, { dictionary }] of earlier.loads) {
    if (dictionary !== undefined) group.loads.set(column, { ...group.loads.get(column), dictionary });
  }
  return group;
}

/** Runs work on a column; damage found there is reported with the block, row group and column that it is in. */
export async function onColumn<Result>(group: RowGroup, column: LeafColumn, work: () => Promise<Result> | Result): Promise<Result> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.code !== 'corrupt_block' || thrown.message.startsWith('block ')) throw thrown;
    const place = `block ${group.reader.name}, row group ${group.index}, column ${column.path}`;
    throw new AppError('corrupt_block', `${place}: ${thrown.message}`, { cause: thrown });
  }
}

/** The column's dictionary, or undefined when it has none. */
export function dictionaryOf(group: RowGroup, column: LeafColumn): Promise<Dictionary | undefined> {
  const load = loadOf(group, column);
  load.dictionary ??= onColumn(group, column, async () => {
    const chunk = columnChunk(group.file, group.index, column);
    if (!chunk.hasDictionary) return undefined;
    const { plain } = group.reader;
    const held = plain?.dictionary(chunk.dictionaryStart);
    if (held !== undefined) return group.kernels.plainDictionary(held, shapeOf(column, chunk));
    const bytes = await (load.dictionaryBytes ?? group.reader.read(chunk.dictionaryStart, chunk.dataStart));
    const dictionary = group.kernels.dictionary(group.kernels.put(bytes), bytes.length, shapeOf(column, chunk));
    plain?.keepDictionary(chunk.dictionaryStart, {
      bytes: group.kernels.u8(dictionary.at, dictionary.sizeBytes).slice(),
      count: dictionary.count,
    });
    return dictionary;
  });
  return load.dictionary;
}

/** The column's data pages, at least those that hold the scanned rows. */
export function pagesOf(group: RowGroup, column: LeafColumn): Promise<Pages> {
  const load = loadOf(group, column);
  load.pages ??= onColumn(group, column, async () => {
    const chunk = columnChunk(group.file, group.index, column);
    const length = (await dataEnd(group, chunk)) - chunk.dataStart;
    const prefetched = await load.dataBytes;
    const at = prefetched
      ? group.kernels.put(prefetched)
      : await group.reader.load(group.kernels, chunk.dataStart, chunk.dataStart + length);
    const pages = group.kernels.pages(at, length, shapeOf(column, chunk), group.reader.plain?.pages(chunk.dataStart));
    if (group.whole ? pages.entryCount !== chunk.entryCount : pages.entryCount > chunk.entryCount) {
      throw new AppError('corrupt_block', `its pages hold ${pages.entryCount} entries, the footer says ${chunk.entryCount}`);
    }
    return pages;
  });
  return load.pages;
}

/**
 * Fetches columns together in one round of requests, where round trips matter; otherwise does nothing, since reading a dictionary first
 * often makes the rest needless.
 */
export function prefetch(group: RowGroup, columns: readonly LeafColumn[]): void {
  if (!group.reader.roundTripsMatter || !group.whole) return;
  const wanted = columns.filter((column) => !group.loads.has(column.index));
  if (wanted.length === 0) return;
  const chunks = wanted.map((column) => columnChunk(group.file, group.index, column));
  const starts = chunks.map(({ dictionaryStart, dataStart }) =>
    group.reader.plain?.dictionary(dictionaryStart) ? dataStart : dictionaryStart,
  );
  const all = group.reader.readMany(chunks.map(({ end }, i) => ({ start: starts[i], end })));
  all.catch(() => undefined); // whoever waits for a column below gets the error
  wanted.forEach((column, i) => {
    const load = loadOf(group, column);
    const dictionaryBytes = chunks[i].dataStart - starts[i];
    if (dictionaryBytes > 0) load.dictionaryBytes = all.then((parts) => parts[i].subarray(0, dictionaryBytes));
    load.dataBytes = all.then((parts) => parts[i].subarray(dictionaryBytes));
    load.dictionaryBytes?.catch(() => undefined);
    load.dataBytes.catch(() => undefined);
  });
}

/** Entries that the footer announces for a column of this row group. */
export function announcedEntries(group: RowGroup, column: LeafColumn): number {
  return columnChunk(group.file, group.index, column).entryCount;
}

function loadOf(group: RowGroup, column: LeafColumn): ColumnLoad {
  let load = group.loads.get(column.index);
  if (load === undefined) {
    load = {};
    group.loads.set(column.index, load);
  }
  return load;
}

/** What the kernels must know of a column's chunk. */
export function shapeOf(column: LeafColumn, chunk: ColumnChunk): ColumnShape {
  return { type: column.type, codec: codecNames[chunk.codec], maxRepetition: column.maxRepetition, maxDefinition: column.maxDefinition };
}

/** The end of the data pages that hold the scanned rows. */
async function dataEnd(group: RowGroup, chunk: ColumnChunk): Promise<number> {
  if (group.whole || chunk.offsetIndexEnd <= chunk.offsetIndexStart) return chunk.end;
  const { offsets, firstRows } = parseOffsetIndex(await group.reader.readCached(chunk.offsetIndexStart, chunk.offsetIndexEnd));
  let page = 1;
  while (page < offsets.length && firstRows[page] < group.rowCount) page++;
  const end = page < offsets.length ? offsets[page] : chunk.end;
  if (offsets[0] !== chunk.dataStart || end > chunk.end) throw new AppError('corrupt_block', 'its offset index does not match its chunk');
  return end;
}

import { AppError } from '#engine/base/errors.ts';
import { chunkFields, type FooterTable, type Kernels } from '#engine/kernels/kernels.ts';
import { type LeafColumn, parseSchema } from './schema.ts';

/** A parquet file's footer, decoded once and small enough to be cached. */
export interface ParquetFile {
  readonly footer: FooterTable;
  readonly columns: ReadonlyMap<string, LeafColumn>;
  readonly sizeBytes: number;
}

/** Where one column of one row group lies in the file. Offsets are file offsets, ends exclusive. */
export interface ColumnChunk {
  readonly codec: number;
  readonly entryCount: number;
  readonly dictionaryStart: number;
  /** Start of the first data page, which is the end of the dictionary page. */
  readonly dataStart: number;
  readonly end: number;
  readonly hasDictionary: boolean;
  readonly offsetIndexStart: number;
  readonly offsetIndexEnd: number;
  readonly columnIndexStart: number;
  readonly columnIndexEnd: number;
}

const magic = 0x31524150; // "PAR1", little-endian
const tailBytes = 8;
/** Parquet's codec numbers by name; anything else is not used by Tempo (spec blocks §4.1). */
export const codecNames: Readonly<Record<number, 'none' | 'snappy' | 'zstd'>> = { 0: 'none', 1: 'snappy', 6: 'zstd' };

/**
 * Decodes a footer. `tail` is the end of the file, at least the footer and the 8 bytes behind it.
 *
 * Throws `corrupt_block` for a wrong magic, a footer that is longer than `tail`, or chunks that lie outside the file.
 */
export function parseParquetTail(kernels: Kernels, tail: Uint8Array, sizeBytes: number): ParquetFile {
  const footerBytes = footerLength(tail);
  if (footerBytes + tailBytes > tail.length)
    throw new AppError('corrupt_block', `parquet footer of ${footerBytes} bytes is larger than announced`);
  const bytes = tail.subarray(tail.length - tailBytes - footerBytes, tail.length - tailBytes);
  const mark = kernels.mark();
  try {
    const footer = kernels.footer(kernels.put(bytes), bytes.length);
    const leaves = parseSchema(bytes, footer.schema.start);
    if (leaves.length !== footer.columnCount) {
      throw new AppError('corrupt_block', `parquet schema has ${leaves.length} columns, its row groups ${footer.columnCount}`);
    }
    return { footer, columns: new Map(leaves.map((leaf) => [leaf.path, leaf])), sizeBytes };
  } finally {
    kernels.release(mark);
  }
}

/** The footer's length from the last 8 bytes of a file. Throws `corrupt_block` where they do not end in the magic `PAR1`. */
export function footerLength(tail: Uint8Array): number {
  if (tail.length < tailBytes) throw new AppError('corrupt_block', 'file is too short to be parquet');
  const view = new DataView(tail.buffer, tail.byteOffset + tail.length - tailBytes, tailBytes);
  if (view.getUint32(4, true) !== magic)
    throw new AppError('corrupt_block', 'file does not end in PAR1, so it is no parquet file or cut short');
  return view.getUint32(0, true);
}

/** Number of row groups. */
export function rowGroupCount(file: ParquetFile): number {
  return file.footer.rowGroupRows.length;
}

/** One chunk, with its offsets checked against the file. Throws `corrupt_block`. */
export function columnChunk(file: ParquetFile, rowGroup: number, column: LeafColumn): ColumnChunk {
  const { chunks, columnCount } = file.footer;
  const base = (rowGroup * columnCount + column.index) * chunkFields.length;
  const dictionary = chunks[base + 4];
  const data = chunks[base + 5];
  const hasDictionary = dictionary > 0 && dictionary < data;
  const start = hasDictionary ? dictionary : data;
  const end = start + chunks[base + 3];
  if (!(start >= 0 && data <= end && end <= file.sizeBytes) || codecNames[chunks[base]] === undefined) {
    throw new AppError(
      'corrupt_block',
      `column ${column.path}: chunk [${start}, ${end}) with codec ${chunks[base]} does not fit a file of ${file.sizeBytes} bytes`,
    );
  }
  const offsetIndexStart = chunks[base + 6];
  return {
    codec: chunks[base],
    entryCount: chunks[base + 1],
    dictionaryStart: start,
    dataStart: data,
    end,
    hasDictionary,
    offsetIndexStart,
    offsetIndexEnd: offsetIndexStart + chunks[base + 7],
    columnIndexStart: chunks[base + 8],
    columnIndexEnd: chunks[base + 8] + chunks[base + 9],
  };
}

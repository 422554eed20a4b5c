import { crc32 } from 'node:zlib';
import { createByteSink } from './byte-sink.ts';
import {
  bitsFor,
  buildDictionary,
  bytesOf,
  encodeDeltaLengths,
  encodeDeltas,
  encodeHybrid,
  encodeIds,
  encodePlain,
  integers,
} from './encodings.ts';
import type { LeafEncoding, LeafValue } from './schema-tree.ts';
import type { ColumnEntries } from './shred.ts';
import { encodeStruct, i32, struct, type ThriftValue } from './thrift-struct.ts';

/** The pages of one column of one row group. */
export interface WrittenChunk {
  readonly column: ColumnEntries;
  /** All pages, the dictionary first. */
  readonly bytes: Uint8Array;
  /** Length of the dictionary page; 0 without one. */
  readonly dictionaryBytes: number;
  /** Where data pages lie in `bytes`. */
  readonly pages: readonly { readonly start: number; readonly end: number; readonly firstRow: number }[];
}

/** Numbers of the encodings in parquet. */
export const encodingNumbers: Readonly<Record<LeafEncoding | 'levels', number>> = {
  plain: 0,
  levels: 3,
  delta: 5,
  deltaLength: 6,
  dictionary: 8,
};

const dataPageV2 = 3;
const dictionaryPage = 2;

/** Encodes a column as pages of whole rows: a page ends behind the row with which its values take `pageBytes` or more. */
export function writeColumnChunk(column: ColumnEntries, pageBytes: number): WrittenChunk {
  const sink = createByteSink();
  const dictionary = column.node.encoding === 'dictionary' ? buildDictionary(column.values) : undefined;
  if (dictionary !== undefined) sink.put(writeDictionaryPage(dictionary.words));
  const dictionaryBytes = sink.length();
  const ids = dictionary && { ids: dictionary.ids, wordCount: dictionary.words.length };
  const pages: { start: number; end: number; firstRow: number }[] = [];
  for (let from = 0; from < column.rowStarts.length; ) {
    const start = sink.length();
    const to = pageEnd(column, from, pageBytes);
    sink.put(writeDataPage(column, { from, to }, ids));
    pages.push({ start, end: sink.length(), firstRow: from });
    from = to;
  }
  return { column, bytes: sink.bytes(), dictionaryBytes, pages };
}

/** The row behind a page that starts at row `from`. */
function pageEnd({ rowStarts, repetitions, values }: ColumnEntries, from: number, pageBytes: number): number {
  let sizeBytes = 0;
  for (let row = from; row < rowStarts.length; row++) {
    const next = rowStarts[row + 1] ?? { entry: repetitions.length, value: values.length };
    sizeBytes += next.entry - rowStarts[row]!.entry;
    for (let i = rowStarts[row]!.value; i < next.value; i++) sizeBytes += plainBytes(values[i]!);
    if (sizeBytes >= pageBytes) return row + 1;
  }
  return rowStarts.length;
}

/** Roughly what a value takes, not encoded. */
function plainBytes(value: LeafValue): number {
  if (typeof value === 'boolean') return 1;
  return typeof value === 'string' || value instanceof Uint8Array ? value.length + 4 : 8;
}

function writeDictionaryPage(words: readonly string[]): Uint8Array {
  const body = createByteSink();
  encodePlain(body, 'text', words);
  const header = encodeStruct({ 1: i32(words.length), 2: i32(encodingNumbers.plain) });
  return writePage(dictionaryPage, body.bytes(), { 7: struct(header) });
}

function writeDataPage(
  column: ColumnEntries,
  { from, to }: { readonly from: number; readonly to: number },
  dictionary: { readonly ids: readonly number[]; readonly wordCount: number } | undefined,
): Uint8Array {
  const { rowStarts, repetitions, definitions, values, node } = column;
  const start = rowStarts[from]!;
  const end = rowStarts[to] ?? { entry: repetitions.length, value: values.length };
  const entryCount = end.entry - start.entry;
  const valueCount = end.value - start.value;
  const body = createByteSink();
  if (column.maxRepetition > 0) encodeHybrid(body, repetitions.slice(start.entry, end.entry), bitsFor(column.maxRepetition));
  const repetitionBytes = body.length();
  if (column.maxDefinition > 0) encodeHybrid(body, definitions.slice(start.entry, end.entry), bitsFor(column.maxDefinition));
  const definitionBytes = body.length() - repetitionBytes;
  const own = values.slice(start.value, end.value);
  if (dictionary !== undefined) encodeIds(body, dictionary.ids.slice(start.value, end.value), dictionary.wordCount);
  else if (node.encoding === 'delta') encodeDeltas(body, integers(own), node.type === 'int32' || node.type === 'uint32' ? 32 : 64);
  else if (node.encoding === 'deltaLength') encodeDeltaLengths(body, own.map(bytesOf));
  else encodePlain(body, node.type, own);
  const header = encodeStruct({
    1: i32(entryCount),
    2: i32(entryCount - valueCount),
    3: i32(to - from),
    4: i32(encodingNumbers[node.encoding]),
    5: i32(definitionBytes),
    6: i32(repetitionBytes),
    7: { type: 'boolean', value: false },
  });
  return writePage(dataPageV2, body.bytes(), { 8: struct(header) });
}

function writePage(type: number, body: Uint8Array, header: Readonly<Record<number, ThriftValue>>): Uint8Array {
  const bytes = encodeStruct({ 1: i32(type), 2: i32(body.length), 3: i32(body.length), 4: i32(crc32(body) | 0), ...header });
  return Buffer.concat([bytes, body]);
}

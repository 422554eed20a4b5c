import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { type ColumnMetaData, type FileMetaData, parquetMetadata, type SchemaTree } from 'hyparquet';
import { readColumn } from 'hyparquet/src/column.js';
import { DEFAULT_PARSERS } from 'hyparquet/src/convert.js';
import { getSchemaPath } from 'hyparquet/src/schema.js';
import { compressors } from 'hyparquet-compressors';
import { type ColumnShape, chunkFields, type Kernels } from '#engine/kernels/kernels.ts';
import { loadKernels } from '#engine/kernels/load.ts';

const blocks = new URL('../../fixtures/blocks/', import.meta.url);
const types = { BOOLEAN: 'boolean', INT32: 'int32', INT64: 'int64', DOUBLE: 'double', BYTE_ARRAY: 'bytes' } as const;
const codecs = { UNCOMPRESSED: 'none', SNAPPY: 'snappy', ZSTD: 'zstd' } as const;
const codecNumbers = { none: 0, snappy: 1, zstd: 6 } as const;
const nullWord = 0xffffffff;

/** A block file and hyparquet's view of its footer. */
interface Block {
  readonly bytes: Buffer;
  readonly metadata: FileMetaData;
}

function openBlock(tenant: string): Block {
  const dir = new URL(`${tenant}/`, blocks);
  const block = readdirSync(dir).find((name) => /^[0-9a-f-]{36}$/.test(name));
  const bytes = readFileSync(new URL(`${block}/data.parquet`, dir));
  return { bytes, metadata: parquetMetadata(arrayBuffer(bytes)) };
}

function arrayBuffer(bytes: Buffer): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

function shapeOf(column: ColumnMetaData, path: SchemaTree[]): ColumnShape {
  const repeated = path.filter(({ element }) => element.repetition_type === 'REPEATED').length;
  const optional = path.filter(({ element }) => element.repetition_type === 'OPTIONAL').length;
  const type = types[column.type as keyof typeof types];
  return { type, codec: codecs[column.codec as keyof typeof codecs], maxRepetition: repeated, maxDefinition: repeated + optional };
}

/** Values of a column chunk without nulls, as hyparquet reads them. */
function oracleValues(bytes: Uint8Array, column: ColumnMetaData, path: SchemaTree[], rows: number): unknown[] {
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), offset: 0 };
  const parsers = { ...DEFAULT_PARSERS, stringFromBytes: (raw: Uint8Array) => raw };
  const decoder = {
    pathInSchema: column.path_in_schema,
    type: column.type,
    element: path[path.length - 1].element,
    schemaPath: path,
    codec: column.codec,
    parsers,
    compressors,
    utf8: false,
  };
  const { data } = readColumn(reader, { groupStart: 0, selectStart: 0, selectEnd: rows, groupRows: rows }, decoder);
  const values: unknown[] = [];
  const flatten = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(flatten);
    else if (value !== null && value !== undefined) values.push(plainValue(value, column.type));
  };
  for (const chunk of data) for (const value of chunk) flatten(value);
  return values;
}

/** hyparquet knows unsigned types; kernels hand out signed ones. */
function plainValue(value: unknown, type: string): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
  if (type === 'INT32') return BigInt((value as number) | 0);
  return type === 'INT64' ? BigInt.asIntN(64, value as bigint) : value;
}

/** The same values from the kernels. */
function kernelValues(kernels: Kernels, bytes: Uint8Array, shape: ColumnShape, dictionaryBytes: number): unknown[] {
  const at = kernels.put(bytes);
  const pages = kernels.pages(at, bytes.length, shape);
  const count = pages.entryCount;
  const present = kernels.alloc(count);
  kernels.matchPresent(pages, present);
  const out = kernels.alloc(count * 8);
  if (dictionaryBytes > 0) {
    const dictionary = kernels.dictionary(at, dictionaryBytes, shape);
    const offsets = kernels.u32(dictionary.offsets, dictionary.count + 1).slice();
    kernels.ids(pages, dictionary.count, out);
    const ids = [...kernels.u32(out, count)].filter((id) => id !== nullWord);
    return ids.map((id) => text(kernels, dictionary.at + offsets[id] + 4, offsets[id + 1] - offsets[id] - 4));
  }
  const isPresent = (_: unknown, i: number) => kernels.u8(present, count)[i] === 1;
  if (shape.type === 'bytes') {
    kernels.byteArrays(pages, out);
    const words = wordsAt(kernels, out, count);
    const entries = kernels.put(new Uint8Array(Uint32Array.from({ length: count }, (_, i) => i).buffer));
    kernels.gatherByteArrays(pages, entries, count, out);
    assert.deepEqual(wordsAt(kernels, out, count), words);
    return words;
  }
  if (shape.type === 'boolean') {
    kernels.booleans(pages, out);
    return [...kernels.u8(out, count)].filter((byte) => byte !== 2).map((byte) => byte === 1);
  }
  if (shape.type === 'double') {
    kernels.doubles(pages, out);
    return [...kernels.f64(out, count)].filter(isPresent);
  }
  kernels.ints(pages, out);
  return [...kernels.i64(out, count)].filter(isPresent);
}

/** The byte arrays of `count` pairs, without nulls. */
function wordsAt(kernels: Kernels, at: number, count: number): string[] {
  const pairs = kernels.u32(at, count * 2).slice();
  const indexes = Array.from({ length: count }, (_, i) => i).filter((i) => pairs[i * 2 + 1] !== nullWord);
  return indexes.map((i) => text(kernels, pairs[i * 2], pairs[i * 2 + 1]));
}

function text(kernels: Kernels, at: number, length: number): string {
  return Buffer.from(kernels.u8(at, length)).toString('latin1');
}

function footerOf(kernels: Kernels, { bytes }: Block) {
  const length = bytes.readUInt32LE(bytes.length - 8);
  const at = kernels.put(bytes.subarray(bytes.length - 8 - length, bytes.length - 8));
  return kernels.footer(at, length);
}

for (const tenant of ['vp2', 'vp3', 'vp4', 'vp5', 'dedicated5', 'dedicated27', 'edge', 'edge5']) {
  describe(`a real block of ${tenant}`, () => {
    const block = openBlock(tenant);
    const { bytes, metadata } = block;

    it('has the footer that hyparquet reads', () => {
      const footer = footerOf(loadKernels({ maxBytes: 16 << 20 }), block);
      assert.equal(footer.rowCount, Number(metadata.num_rows));
      assert.deepEqual(
        [...footer.rowGroupRows],
        metadata.row_groups.map((group) => Number(group.num_rows)),
      );
      const expected = metadata.row_groups.flatMap((group) =>
        group.columns.flatMap((chunk) => {
          const column = chunk.meta_data as ColumnMetaData;
          return [
            codecNumbers[codecs[column.codec as keyof typeof codecs]],
            Number(column.num_values),
            Number(column.total_uncompressed_size),
            Number(column.total_compressed_size),
            Number(column.dictionary_page_offset ?? 0),
            Number(column.data_page_offset),
            Number(chunk.offset_index_offset ?? 0),
            chunk.offset_index_length ?? 0,
            Number(chunk.column_index_offset ?? 0),
            chunk.column_index_length ?? 0,
          ];
        }),
      );
      assert.deepEqual([...footer.chunks], expected);
      assert.equal(footer.columnCount * chunkFields.length * metadata.row_groups.length, expected.length);
    });

    it('has the values that hyparquet reads, in every column', () => {
      const kernels = loadKernels({ maxBytes: 16 << 20 });
      for (const group of metadata.row_groups) {
        for (const { meta_data: column } of group.columns) {
          if (column === undefined) throw new Error('a chunk without metadata');
          const path = getSchemaPath(metadata.schema, column.path_in_schema);
          const shape = shapeOf(column, path);
          const start = Number(column.dictionary_page_offset ?? column.data_page_offset);
          const chunk = bytes.subarray(start, start + Number(column.total_compressed_size));
          const mark = kernels.mark();
          const values = kernelValues(kernels, chunk, shape, Number(column.data_page_offset) - start);
          kernels.release(mark);
          assert.deepEqual(values, oracleValues(chunk, column, path, Number(group.num_rows)), column.path_in_schema.join('.'));
        }
      }
    });
  });
}

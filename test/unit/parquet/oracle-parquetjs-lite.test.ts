// A second opinion on real blocks: parquetjs-lite reads footers, page headers and PLAIN columns, and was written by other people.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { chunkFields, type Kernels, type Pages } from '#engine/kernels/kernels.ts';
import { loadKernels } from '#engine/kernels/load.ts';
import { codecNames, type ParquetFile, parseParquetTail } from '#engine/parquet/file.ts';
import type { LeafColumn } from '#engine/parquet/schema.ts';

interface LiteColumn {
  readonly meta_data: {
    readonly path_in_schema: readonly string[];
    readonly codec: number;
    readonly num_values: object;
    readonly total_uncompressed_size: object;
    readonly total_compressed_size: object;
    readonly dictionary_page_offset: object | null;
    readonly data_page_offset: object;
  };
  readonly offset_index_offset: object | null;
  readonly offset_index_length: number | null;
  readonly column_index_offset: object | null;
  readonly column_index_length: number | null;
}
interface LiteFooter {
  version: number;
  readonly num_rows: object;
  readonly row_groups: readonly { readonly num_rows: object; readonly columns: readonly LiteColumn[] }[];
}
interface LiteChunk {
  readonly dlevels: readonly number[];
  readonly rlevels: readonly number[];
  readonly values: readonly unknown[];
  readonly pageHeaders: readonly {
    readonly data_page_header_v2: { readonly num_values: number; readonly num_nulls: number; readonly num_rows: number };
  }[];
}
interface LiteEnvelope {
  readonly readFooter: () => Promise<LiteFooter>;
  readonly readColumnChunk: (schema: unknown, column: LiteColumn, options: object) => Promise<LiteChunk>;
}
interface LiteLibrary {
  readonly ParquetEnvelopeReader: { readonly openBuffer: (bytes: Buffer) => Promise<LiteEnvelope> };
  readonly ParquetReader: {
    new (footer: LiteFooter, envelope: LiteEnvelope, options: object): { readonly schema: unknown };
    readonly openBuffer: (bytes: Buffer) => Promise<unknown>;
  };
}

const { ParquetEnvelopeReader, ParquetReader } = createRequire(import.meta.url)('parquetjs-lite') as LiteLibrary;
const fixtures = join(import.meta.dirname, '../../fixtures');
const rawStatistics = { rawStatistics: true };

function dataFiles(): readonly string[] {
  const roots = ['blocks', 'bench/blocks', 'bench/blocks-v5'].map((folder) => join(fixtures, folder));
  return roots.flatMap((root) =>
    readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('/data.parquet'))
      .map((path) => join(root, path)),
  );
}

/** The library refuses every footer that is not of version 1, so the footer is read below its front door. */
async function openWithLite(bytes: Buffer) {
  const envelope = await ParquetEnvelopeReader.openBuffer(bytes);
  const footer = await envelope.readFooter();
  footer.version = 1;
  return { envelope, footer, schema: new ParquetReader(footer, envelope, rawStatistics).schema };
}

function shortPath(names: readonly string[]): string {
  return names.join('.').replaceAll('.list.element', '');
}

/** What our flat table should say about a chunk. */
function expectedFields(column: LiteColumn): Readonly<Record<(typeof chunkFields)[number], number>> {
  const { meta_data: meta } = column;
  return {
    codec: meta.codec,
    valueCount: Number(meta.num_values),
    uncompressedBytes: Number(meta.total_uncompressed_size),
    compressedBytes: Number(meta.total_compressed_size),
    dictionaryOffset: Number(meta.dictionary_page_offset ?? 0),
    dataOffset: Number(meta.data_page_offset),
    offsetIndexOffset: Number(column.offset_index_offset ?? 0),
    offsetIndexBytes: column.offset_index_length ?? 0,
    columnIndexOffset: Number(column.column_index_offset ?? 0),
    columnIndexBytes: column.column_index_length ?? 0,
  };
}

function ourFields({ footer }: ParquetFile, rowGroup: number, column: LeafColumn): Readonly<Record<string, number>> {
  const base = (rowGroup * footer.columnCount + column.index) * chunkFields.length;
  return Object.fromEntries(chunkFields.map((name, i) => [name, footer.chunks[base + i]]));
}

/** Our values of a PLAIN column, one per entry, null where there is none. */
function ourValues(kernels: Kernels, column: LeafColumn, pages: Pages): readonly (number | null)[] {
  const count = pages.entryCount;
  const levelsAt = kernels.alloc(count);
  kernels.definitions(pages, levelsAt);
  const out = kernels.alloc(count * 8);
  const levels = [...kernels.u8(levelsAt, count)];
  const read = (): readonly number[] => {
    if (column.type === 'boolean') {
      kernels.booleans(pages, out);
      return [...kernels.u8(out, count)];
    }
    if (column.type === 'double') {
      kernels.doubles(pages, out);
      return [...kernels.f64(out, count)];
    }
    kernels.ints(pages, out);
    return [...kernels.i64(out, count)].map(Number);
  };
  return read().map((value, i) => (levels[i] === column.maxDefinition ? value : null));
}

function liteValues(chunk: LiteChunk, column: LeafColumn): readonly (number | null)[] {
  let next = 0;
  return chunk.dlevels.map((level) => (level === column.maxDefinition ? Number(chunk.values[next++]) : null));
}

describe('parquetjs-lite agrees', () => {
  const kernels = loadKernels({ maxBytes: 64 << 20 });

  test('on the footer of every fixture', async () => {
    const files = dataFiles();
    assert.ok(files.length >= 50);
    for (const path of files) {
      const bytes = readFileSync(path);
      const ours = parseParquetTail(kernels, bytes, bytes.length);
      const { footer } = await openWithLite(bytes);
      assert.equal(ours.footer.rowCount, Number(footer.num_rows), path);
      assert.deepEqual(
        [...ours.footer.rowGroupRows],
        footer.row_groups.map((group) => Number(group.num_rows)),
        path,
      );
      for (const [rowGroup, { columns }] of footer.row_groups.entries()) {
        assert.deepEqual(
          [...ours.columns.keys()],
          columns.map(({ meta_data }) => shortPath(meta_data.path_in_schema)),
          path,
        );
        for (const column of columns) {
          const leaf = ours.columns.get(shortPath(column.meta_data.path_in_schema))!;
          assert.deepEqual(ourFields(ours, rowGroup, leaf), expectedFields(column), `${path}: ${leaf.path}`);
        }
      }
    }
  });

  test('on levels, page headers and values of PLAIN columns', async () => {
    const tenants = ['vp2', 'vp3', 'vp4', 'vp5', 'dedicated5', 'edge5'];
    const seen = { columns: 0, values: 0 };
    for (const path of dataFiles().filter((file) => tenants.some((tenant) => file.includes(`/${tenant}/`)))) {
      const bytes = readFileSync(path);
      const file = parseParquetTail(kernels, bytes, bytes.length);
      const { envelope, footer, schema } = await openWithLite(bytes);
      for (const column of footer.row_groups[0]!.columns) {
        const leaf = file.columns.get(shortPath(column.meta_data.path_in_schema))!;
        if (leaf.type === 'bytes') continue;
        const chunk = await envelope.readColumnChunk(schema, column, rawStatistics).catch((error: unknown) => String(error));
        if (typeof chunk === 'string') {
          assert.match(chunk, /invalid encoding: (DELTA_BINARY_PACKED|RLE_DICTIONARY)/, `${path}: ${leaf.path}`);
          continue;
        }
        compareColumn(kernels, bytes, leaf, column, chunk, path);
        seen.columns++;
        seen.values += chunk.values.length;
      }
    }
    assert.ok(seen.columns > 150 && seen.values > 1000, JSON.stringify(seen));
  });
});

function compareColumn(kernels: Kernels, bytes: Buffer, leaf: LeafColumn, column: LiteColumn, chunk: LiteChunk, path: string): void {
  const { codec, dataOffset, compressedBytes } = expectedFields(column);
  const mark = kernels.mark();
  const at = kernels.put(bytes.subarray(dataOffset, dataOffset + compressedBytes));
  const pages = kernels.pages(at, compressedBytes, { ...leaf, codec: codecNames[codec]! });
  const headers = chunk.pageHeaders.map(({ data_page_header_v2 }) => data_page_header_v2);
  const sum = (of: (header: (typeof headers)[number]) => number): number => headers.reduce((total, header) => total + of(header), 0);
  assert.deepEqual(
    { pageCount: pages.pageCount, entries: pages.entryCount, values: pages.valueCount, rows: pages.rowCount },
    {
      pageCount: headers.length,
      entries: sum((header) => header.num_values),
      values: sum((header) => header.num_values - header.num_nulls),
      rows: sum((header) => header.num_rows),
    },
    `${path}: ${leaf.path}`,
  );
  const repetitions = kernels.alloc(pages.entryCount);
  kernels.repetitions(pages, repetitions);
  assert.deepEqual([...kernels.u8(repetitions, pages.entryCount)], chunk.rlevels, `${path}: ${leaf.path}`);
  assert.deepEqual(ourValues(kernels, leaf, pages), liteValues(chunk, leaf), `${path}: ${leaf.path}`);
  kernels.release(mark);
}

describe('parquetjs-lite is no reader of Tempo blocks, which is why docs/decisions.md keeps it out of the query path', () => {
  const path = dataFiles().find((file) => file.includes('/vp4/'))!;

  test('it refuses the file', async () => {
    await assert.rejects(ParquetReader.openBuffer(readFileSync(path)), (error) => error === 'invalid parquet version');
  });

  test('past that, it lacks three of the four encodings', async () => {
    const { envelope, footer, schema } = await openWithLite(readFileSync(path));
    const outcomes = new Set<string>();
    for (const column of footer.row_groups[0]!.columns) {
      const outcome = await envelope.readColumnChunk(schema, column, rawStatistics).then(() => 'read', String);
      outcomes.add(outcome);
    }
    const lacking = ['DELTA_BINARY_PACKED', 'DELTA_LENGTH_BYTE_ARRAY', 'RLE_DICTIONARY'].map((name) => `invalid encoding: ${name}`);
    assert.deepEqual([...outcomes].sort(), [...lacking, 'read']);
  });
});

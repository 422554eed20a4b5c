import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** A part of data.parquet, end exclusive. */
export interface FileRange {
  readonly start: number;
  readonly end: number;
}

/** A small real block, with what a mutation has to know of its file. */
export interface SampleBlock {
  readonly name: string;
  readonly meta: Readonly<Record<string, unknown>>;
  readonly data: Uint8Array;
  /** Pages with their headers, dictionaries included. */
  readonly pages: readonly FileRange[];
  /** Column and offset indexes. */
  readonly indexes: FileRange;
  readonly footer: FileRange;
}

interface PageLocation {
  readonly offset: object;
  readonly compressed_page_size: number;
}
interface Column {
  readonly meta_data: { readonly dictionary_page_offset: object | null; readonly data_page_offset: object };
}
interface Envelope {
  readonly readFooter: () => Promise<{ readonly row_groups: readonly { readonly columns: readonly Column[] }[] }>;
  readonly readOffsetIndex: (column: Column) => Promise<{ readonly page_locations: readonly PageLocation[] }>;
}
interface ParquetLibrary {
  readonly ParquetEnvelopeReader: { readonly openBuffer: (bytes: Buffer) => Promise<Envelope> };
}

const blocks = join(import.meta.dirname, '../../fixtures/blocks');
const samples = [
  'edge/e2000000-f000-4000-8000-00000000002d',
  'edge5/57000000-a000-4000-8000-00000000002e',
  'vp2/2e000000-3000-4000-8000-000000000009',
  'vp3/08000000-9000-4000-8000-00000000000b',
  'vp4/e2000000-f000-4000-8000-00000000000d',
  'dedicated5/80000000-1000-4000-8000-000000000023',
];

/** Blocks of every version, up to 210 kB; another library tells where their pages are. */
export function loadSamples(): Promise<readonly SampleBlock[]> {
  return Promise.all(samples.map(loadSample));
}

async function loadSample(name: string): Promise<SampleBlock> {
  const { ParquetEnvelopeReader } = createRequire(import.meta.url)('parquetjs-lite') as ParquetLibrary;
  const data = readFileSync(join(blocks, name, 'data.parquet'));
  const meta = JSON.parse(readFileSync(join(blocks, name, 'meta.json'), 'utf8')) as Readonly<Record<string, unknown>>;
  const envelope = await ParquetEnvelopeReader.openBuffer(data);
  const { row_groups } = await envelope.readFooter();
  const pages: FileRange[] = [];
  for (const column of row_groups.flatMap(({ columns }) => columns)) {
    const dictionary = Number(column.meta_data.dictionary_page_offset ?? 0);
    if (dictionary > 0) pages.push({ start: dictionary, end: Number(column.meta_data.data_page_offset) });
    const { page_locations } = await envelope.readOffsetIndex(column);
    pages.push(...page_locations.map(({ offset, compressed_page_size: size }) => ({ start: Number(offset), end: Number(offset) + size })));
  }
  const footerStart = data.length - 8 - data.readUInt32LE(data.length - 8);
  const pagesEnd = Math.max(...pages.map(({ end }) => end));
  return {
    name,
    meta,
    data: Uint8Array.from(data),
    pages,
    indexes: { start: pagesEnd, end: footerStart },
    footer: { start: footerStart, end: data.length - 8 },
  };
}

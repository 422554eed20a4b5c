import type { DedicatedColumn } from '#engine/api/dedicated-columns.ts';
import { blockSchema, dedicatedSlots, type WritableVersion } from './block-schema.ts';
import { createByteSink } from './byte-sink.ts';
import { writeColumnChunk } from './column-chunk.ts';
import { type PlacedChunk, type PlacedRowGroup, writeFooter, writeOffsetIndex } from './footer.ts';
import { createShredder } from './shred.ts';
import type { OtlpTrace } from './trace-model.ts';
import { type TraceRecord, traceRecord } from './trace-record.ts';

/** How a block is written. */
export interface WriteOptions {
  readonly version: WritableVersion;
  readonly dedicatedColumns: readonly DedicatedColumn[];
  /** Most traces of a row group. */
  readonly rowGroupTraces: number;
  /** Size of the values, not encoded, at which a page ends; 256 KiB without it, as Tempo has it. */
  readonly pageBytes?: number;
}

/** What a search needs to know of a written block, named as in its meta.json (spec blocks §2). */
export interface WrittenMeta {
  readonly version: WritableVersion;
  readonly dedicatedColumns: readonly DedicatedColumn[];
  readonly sizeBytes: number;
  readonly footerBytes: number;
  readonly totalTraces: number;
  /** Row groups. */
  readonly totalRecords: number;
  /** Whole seconds of the earliest start and the latest end; 0 without traces. */
  readonly startSeconds: number;
  readonly endSeconds: number;
}

/** A block in memory. */
export interface WrittenBlock {
  readonly dataParquet: Uint8Array;
  readonly meta: WrittenMeta;
}

const magic = Buffer.from('PAR1');
const defaultPageBytes = 256 * 1024;
const nanosPerSecond = 1_000_000_000n;

/**
 * Writes traces as the data.parquet of one block (spec blocks §4), uncompressed, with checksums and offset indexes, without column indexes. Resources and
 * scopes are stored as they come, in their order; traces are sorted by id.
 *
 * Throws RangeError for two traces of one id, a trace id of more than 16 bytes, or options that are no positive numbers.
 */
export function writeBlock(traces: readonly OtlpTrace[], options: WriteOptions): WrittenBlock {
  const { version, dedicatedColumns, rowGroupTraces, pageBytes = defaultPageBytes } = options;
  if (!(rowGroupTraces > 0 && pageBytes > 0)) throw new RangeError('a row group and a page need room for at least one trace');
  const slots = dedicatedSlots(version, dedicatedColumns);
  const records = traces.map((trace) => traceRecord({ version, slots }, trace)).sort((a, b) => Buffer.compare(a.id, b.id));
  const repeated = records.find(({ id }, i) => i > 0 && records[i - 1]!.id.equals(id));
  if (repeated !== undefined) throw new RangeError(`two traces have the id ${repeated.id.toString('hex')}: combine them first`);
  const schema = blockSchema(version, slots);
  const sink = createByteSink();
  sink.put(magic);
  const groups: PlacedRowGroup[] = [];
  for (let from = 0; from < records.length; from += rowGroupTraces) {
    const shredder = createShredder(schema.children);
    const rows = records.slice(from, from + rowGroupTraces);
    for (const { row } of rows) shredder.addRow(row);
    const chunks = shredder.columns.map((column) => writeColumnChunk(column, pageBytes));
    const starts = chunks.map(({ bytes }) => {
      const start = sink.length();
      sink.put(bytes);
      return start;
    });
    const placed = chunks.map((chunk, i): PlacedChunk => {
      const offsetIndexStart = sink.length();
      sink.put(writeOffsetIndex(chunk, starts[i]!));
      return { chunk, start: starts[i]!, offsetIndexStart, offsetIndexBytes: sink.length() - offsetIndexStart };
    });
    groups.push({ rowCount: rows.length, chunks: placed });
  }
  const footer = writeFooter(schema, groups);
  sink.put(footer);
  sink.put(new Uint8Array(Uint32Array.of(footer.length).buffer));
  sink.put(magic);
  const sizes = { sizeBytes: sink.length(), footerBytes: footer.length, totalTraces: records.length, totalRecords: groups.length };
  return { dataParquet: sink.bytes(), meta: { version, dedicatedColumns, ...sizes, ...bounds(records) } };
}

function bounds(records: readonly TraceRecord[]) {
  let start = records[0]?.values.startNanos ?? 0n;
  let end = 0n;
  for (const { values } of records) {
    if (values.startNanos < start) start = values.startNanos;
    if (values.endNanos > end) end = values.endNanos;
  }
  return { startSeconds: Number(start / nanosPerSecond), endSeconds: Number(end / nanosPerSecond) };
}

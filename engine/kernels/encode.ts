import type { AnswerFormat, EncodedTraces } from '#engine/api/search-answer.ts';
import { AppError } from '#engine/base/errors.ts';
import type { Kernels } from './kernels.ts';
import type { EncodeOptions, TraceTables } from './trace-tables.ts';

/** What `assembly/encode*.ts` exports. */
interface EncodeExports {
  readonly encodeTables: (tables: number) => void;
  readonly encodeTraceIds: (count: number, out: number) => void;
  readonly encodeJson: EncodeTraces;
  readonly encodeProtobuf: EncodeTraces;
  readonly encodeJsonBound: (tables: number, trace: number) => number;
  readonly encodeProtobufBound: (tables: number, trace: number) => number;
}

type EncodeTraces = (tables: number, from: number, to: number, out: number, capacity: number, ends: number) => number;

/** Bytes encoded per call where no trace needs more: they stay in the processor's cache until they are copied out. */
const chunkBytes = 1 << 19;
const maxChunkBytes = 0x7fff0000;

/** Writes the addresses in the order that `assembly/encode.ts` reads them. */
function putTables(kernels: Kernels, tables: TraceTables, options: EncodeOptions): number {
  const { stats, spansets, spans } = tables;
  const addresses = Uint32Array.of(
    tables.ids,
    tables.startNanos,
    tables.durationNanos,
    tables.rootServices,
    tables.rootNames,
    tables.statsRanges,
    tables.spansetRanges,
    stats.services,
    stats.spanCounts,
    stats.errorCounts,
    spansets.matched,
    spansets.spanRanges,
    spansets.attributeRanges,
    spans.ids,
    spans.startNanos,
    spans.durationNanos,
    spans.names,
    spans.attributeRanges,
    tables.attributes,
    options.leftPadTraceIds ? 1 : 0,
  );
  return kernels.put(new Uint8Array(addresses.buffer));
}

/** Encodes all traces chunk by chunk; fills `offsets` and returns the pieces. */
function encodeChunks(kernels: Kernels, table: number, count: number, format: AnswerFormat, offsets: Uint32Array): Uint8Array[] {
  const exports = kernels.exports as unknown as EncodeExports;
  const encode = format === 'json' ? exports.encodeJson : exports.encodeProtobuf;
  const bound = format === 'json' ? exports.encodeJsonBound : exports.encodeProtobufBound;
  const ends = kernels.alloc(4 * count);
  const mark = kernels.mark();
  let capacity = chunkBytes;
  let out = kernels.alloc(capacity);
  const pieces: Uint8Array[] = [];
  let total = 0;
  for (let trace = 0; trace < count; ) {
    const written = encode(table, trace, count, out, capacity, ends);
    if (written === 0) {
      capacity = bound(table, trace);
      if (capacity > maxChunkBytes)
        throw new AppError('resource_exhausted', 'a trace is too large for an answer; ask for fewer spans per spanset');
      kernels.release(mark);
      out = kernels.alloc(capacity);
      continue;
    }
    const chunkEnds = kernels.u32(ends, written);
    for (let index = 0; index < written; index++) offsets[trace + index + 1] = total + chunkEnds[index]!;
    const length = chunkEnds[written - 1]!;
    if (total + length > 0xffffffff) throw new AppError('resource_exhausted', 'the answer is larger than 4 GiB; lower the limit');
    pieces.push(kernels.u8(out, length).slice());
    total += length;
    trace += written;
  }
  return pieces;
}

function joinPieces(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length === 1) return pieces[0]!;
  const joined = new Uint8Array(pieces.reduce((total, piece) => total + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}

/**
 * Encodes traces from tables in WASM memory. The result lies outside it; what was taken from the arena is given back. Fragments must be in `format`.
 * Throws `resource_exhausted` when the arena's limit does not hold a trace or the answer passes 4 GiB.
 */
export function encodeTraces(kernels: Kernels, tables: TraceTables, format: AnswerFormat, options: EncodeOptions): EncodedTraces {
  const { count } = tables;
  const exports = kernels.exports as unknown as EncodeExports;
  const mark = kernels.mark();
  try {
    const table = putTables(kernels, tables, options);
    const offsets = new Uint32Array(count + 1);
    const bytes = joinPieces(encodeChunks(kernels, table, count, format, offsets));
    const idsAt = kernels.alloc(16 * count);
    exports.encodeTables(table);
    exports.encodeTraceIds(count, idsAt);
    const traceIds = kernels.u8(idsAt, 16 * count).slice();
    const startNanos = BigUint64Array.from(kernels.i64(tables.startNanos, count), (start) => BigInt.asUintN(64, start));
    return { format, count, bytes, offsets, traceIds, startNanos };
  } finally {
    kernels.release(mark);
  }
}

import type { AnswerFormat, EncodedTraces } from '#engine/api/search-answer.ts';
import { encodeTraces } from '#engine/kernels/encode.ts';
import type { Kernels } from '#engine/kernels/kernels.ts';
import { absentFragment, type TraceTables } from '#engine/kernels/trace-tables.ts';
import type { LeafColumn } from '#engine/parquet/schema.ts';
import { createFragmentMaker, type FragmentMaker } from './fragments.ts';
import { onColumn, pagesOf, prefetch, type RowGroup } from './row-group.ts';
import type { ScanState } from './scan-state.ts';
import { readServiceStats } from './service-stats.ts';
import { type ShownColumn, shownColumns } from './shown-attributes.ts';
import { requiredColumn } from './structure.ts';
import { gatherTexts } from './texts.ts';

/** Which traces and spans of a row group an answer shows. */
export interface AnswerRequest {
  /** Byte map of matched span slots. */
  readonly matched: number;
  /** Traces before this one were answered from an earlier window. */
  readonly firstTrace: number;
  readonly maxTraces: number;
  /** 0 is unlimited. */
  readonly spansPerSpanset: number;
  readonly format: AnswerFormat;
}

const columnPaths = {
  traceId: 'TraceID',
  traceStart: 'StartTimeUnixNano',
  traceDuration: 'DurationNano',
  rootService: 'RootServiceName',
  rootName: 'RootSpanName',
  spanId: 'rs.ss.Spans.SpanID',
  spanStart: 'rs.ss.Spans.StartTimeUnixNano',
  spanDuration: 'rs.ss.Spans.DurationNano',
};

/** The second pass: reads what the answer shows of the matched traces, and encodes it. */
export async function encodeAnswer(state: ScanState, request: AnswerRequest): Promise<EncodedTraces> {
  const { group } = state;
  const { kernels } = group;
  const structure = await state.structure();
  const wanted = Math.min(request.maxTraces, structure.traceCount);
  const perTrace = request.spansPerSpanset === 0 ? structure.spanCount : request.spansPerSpanset;
  const picks = kernels.alloc(16 * (wanted + 1));
  const spansAt = kernels.alloc(4 * Math.min(structure.spanCount, perTrace * wanted) + 4);
  const count = kernels.pickSpans(
    request.matched,
    structure.traceSpans,
    request.firstTrace,
    structure.traceCount,
    perTrace,
    wanted,
    picks,
    spansAt,
  );
  const traces = kernels.u32(picks, 4 * count).slice();
  const spanTotal = count === 0 ? 0 : traces[4 * (count - 1) + 2] + traces[4 * (count - 1) + 3];
  const spans = kernels.u32(spansAt, spanTotal).slice();
  const rows = Uint32Array.from({ length: count }, (_, i) => traces[4 * i]);
  prefetch(group, secondPassColumns(group));
  const rowsAt = putU32(kernels, rows);
  const maker = createFragmentMaker(kernels, request.format);
  const shown = await shownColumns(state, maker, spans);
  const stats = await readServiceStats(state, maker, rows);
  const attributes = attributeTable(kernels, shown, spanTotal);
  const tables: TraceTables = {
    count,
    ids: await gatherAddresses(group, columnPaths.traceId, rowsAt, count),
    startNanos: await gatherInts(group, columnPaths.traceStart, rowsAt, count),
    durationNanos: await gatherInts(group, columnPaths.traceDuration, rowsAt, count),
    rootServices: await gatherNames(group, maker, columnPaths.rootService, rowsAt, count),
    rootNames: await gatherNames(group, maker, columnPaths.rootName, rowsAt, count),
    statsRanges: stats.ranges,
    spansetRanges: putU32(
      kernels,
      Uint32Array.from({ length: 2 * count }, (_, i) => (i + 1) >> 1),
    ),
    stats: stats.table,
    spansets: {
      matched: putU32(
        kernels,
        Uint32Array.from({ length: count }, (_, i) => traces[4 * i + 1]),
      ),
      spanRanges: putU32(kernels, spanRanges(traces, count)),
      attributeRanges: putU32(kernels, new Uint32Array(2 * count)),
    },
    spans: {
      ids: await gatherAddresses(group, columnPaths.spanId, spansAt, spanTotal),
      startNanos: await gatherInts(group, columnPaths.spanStart, spansAt, spanTotal),
      durationNanos: await gatherInts(group, columnPaths.spanDuration, spansAt, spanTotal),
      names: attributes.names,
      attributeRanges: attributes.ranges,
    },
    attributes: attributes.fragments,
  };
  return encodeTraces(kernels, tables, request.format, { leftPadTraceIds: false });
}

/** Columns that every answer with a match reads. */
function secondPassColumns(group: RowGroup): readonly LeafColumn[] {
  return Object.values(columnPaths).map((path) => requiredColumn(group, path));
}

function putU32(kernels: Kernels, numbers: Uint32Array): number {
  const at = kernels.alloc(4 * numbers.length);
  kernels.u32(at, numbers.length).set(numbers);
  return at;
}

function spanRanges(traces: Uint32Array, count: number): Uint32Array {
  const ranges = new Uint32Array(2 * count);
  for (let i = 0; i < count; i++) {
    ranges[2 * i] = traces[4 * i + 2];
    ranges[2 * i + 1] = traces[4 * i + 2] + traces[4 * i + 3];
  }
  return ranges;
}

async function gatherInts(group: RowGroup, path: string, entries: number, count: number): Promise<number> {
  const column = requiredColumn(group, path);
  const pages = await pagesOf(group, column);
  return onColumn(group, column, () => {
    const out = group.kernels.alloc(8 * count);
    group.kernels.gatherInts(pages, entries, count, out);
    return out;
  });
}

/** Addresses of ids, u32 each. An id of another length than the format has is padded in front, or cut. */
async function gatherAddresses(group: RowGroup, path: string, entries: number, count: number): Promise<number> {
  const column = requiredColumn(group, path);
  const idBytes = path === columnPaths.traceId ? 16 : 8;
  const pages = await pagesOf(group, column);
  return onColumn(group, column, () => {
    const { kernels } = group;
    const pairsAt = kernels.alloc(8 * count);
    kernels.gatherByteArrays(pages, entries, count, pairsAt);
    const out = kernels.alloc(4 * count);
    const pairs = kernels.u32(pairsAt, 2 * count);
    const addresses = kernels.u32(out, count);
    let odd = 0;
    for (let i = 0; i < count; i++) {
      addresses[i] = pairs[2 * i];
      odd |= pairs[2 * i + 1] ^ idBytes;
    }
    if (odd !== 0) padIds(kernels, pairsAt, out, count, idBytes);
    return out;
  });
}

/** Ids of another length get a place of their own, filled up with zeros in front. */
function padIds(kernels: Kernels, pairsAt: number, out: number, count: number, idBytes: number): void {
  const pairs = kernels.u32(pairsAt, 2 * count).slice();
  for (let i = 0; i < count; i++) {
    const length = pairs[2 * i + 1];
    if (length === idBytes) continue;
    const at = paddedId(kernels, pairs[2 * i], length === absentFragment ? 0 : length, idBytes);
    kernels.u32(out, count)[i] = at;
  }
}

function paddedId(kernels: Kernels, at: number, length: number, idBytes: number): number {
  const padded = kernels.alloc(idBytes);
  const kept = Math.min(length, idBytes);
  const bytes = kernels.u8(at + length - kept, kept).slice();
  kernels
    .u8(padded, idBytes)
    .fill(0)
    .set(bytes, idBytes - kept);
  return padded;
}

/** Name fragments (u32 × 2) of a trace-level column. */
async function gatherNames(group: RowGroup, maker: FragmentMaker, path: string, entries: number, count: number): Promise<number> {
  const pairs = await gatherTexts(group, requiredColumn(group, path), entries, count);
  maker.names(pairs);
  return putU32(group.kernels, pairs);
}

/** Attribute fragments of all spans in one list, each span's range in it, and the names. */
function attributeTable(kernels: Kernels, shown: readonly ShownColumn[], spanCount: number) {
  const names = new Uint32Array(2 * spanCount);
  const ranges = new Uint32Array(2 * spanCount);
  const columns = shown.filter((column) => !column.isName);
  const fragments = new Uint32Array(2 * spanCount * columns.length);
  let top = 0;
  for (let i = 0; i < spanCount; i++) {
    ranges[2 * i] = top;
    for (const column of columns) {
      const fragment = column.fragments[i];
      if (fragment === undefined) continue;
      fragments[2 * top] = fragment.at;
      fragments[2 * top + 1] = fragment.length;
      top++;
    }
    ranges[2 * i + 1] = top;
    names[2 * i + 1] = absentFragment;
  }
  for (const column of shown) {
    if (!column.isName) continue;
    column.fragments.forEach((fragment, i) => {
      if (fragment === undefined) return;
      names[2 * i] = fragment.at;
      names[2 * i + 1] = fragment.length;
    });
  }
  return { names: putU32(kernels, names), ranges: putU32(kernels, ranges), fragments: putU32(kernels, fragments.subarray(0, 2 * top)) };
}

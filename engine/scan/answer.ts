import type { AnswerFormat, EncodedTraces } from '#engine/api/search-answer.ts';
import { encodeTraces } from '#engine/kernels/encode.ts';
import type { Kernels } from '#engine/kernels/kernels.ts';
import { absentFragment, type TraceTables } from '#engine/kernels/trace-tables.ts';
import type { LeafColumn } from '#engine/parquet/schema.ts';
import { valueColumns } from './first-pass.ts';
import { createFragmentMaker, type Fragment, type FragmentMaker } from './fragments.ts';
import { type PickLimits, type Picks, pickFromMap, pickFromSpansets, pickTraces } from './picks.ts';
import { onColumn, pagesOf, prefetch, type RowGroup } from './row-group.ts';
import type { ScanState } from './scan-state.ts';
import { readServiceStats, type ShownServiceStats } from './service-stats.ts';
import { type ShownColumn, shownColumns } from './shown-attributes.ts';
import { spansetFragments } from './spanset-attributes.ts';
import type { Spansets } from './spansets.ts';
import { requiredColumn } from './structure.ts';
import { gatherTexts } from './texts.ts';

/** Which traces and spans of a row group an answer shows. */
export interface AnswerRequest extends PickLimits {
  /** Byte map of matched span slots: one spanset a trace; or the spansets that a pipeline has left. */
  readonly matched: number | Spansets;
  readonly format: AnswerFormat;
}

/** Columns that every answer with a match reads. */
export const columnPaths = {
  traceId: 'TraceID',
  traceStart: 'StartTimeUnixNano',
  traceDuration: 'DurationNano',
  rootService: 'RootServiceName',
  rootName: 'RootSpanName',
  spanId: 'rs.ss.Spans.SpanID',
  spanStart: 'rs.ss.Spans.StartTimeUnixNano',
  spanDuration: 'rs.ss.Spans.DurationNano',
};

/** The second pass: reads what the answer shows of the matched traces, and encodes it. Undefined when there is nothing to show. */
export async function encodeAnswer(state: ScanState, request: AnswerRequest): Promise<EncodedTraces | undefined> {
  const { group } = state;
  const { kernels } = group;
  const picks = await pick(state, request);
  const { rows, spans, order } = picks;
  const count = rows.length;
  if (count === 0) return undefined;
  prefetch(group, secondPassColumns(state));
  const rowsAt = putU32(kernels, rows);
  const spansAt = putU32(kernels, spans);
  const maker = createFragmentMaker(kernels, request.format);
  const shown = await shownColumns(state, maker, spans);
  const stats = state.prepared.plan.result === 'traces' ? noStats(kernels, count) : await readServiceStats(state, maker, rows);
  const attributes = attributeTable(kernels, shown, spans.length, spansetFragments(maker, picks), picks.matched.length);
  const tables: TraceTables = {
    count,
    ids: await gatherAddresses(group, columnPaths.traceId, rowsAt, count),
    startNanos: await gatherInts(group, columnPaths.traceStart, rowsAt, count),
    durationNanos: await gatherInts(group, columnPaths.traceDuration, rowsAt, count),
    rootServices: await gatherNames(group, maker, columnPaths.rootService, rowsAt, count),
    rootNames: await gatherNames(group, maker, columnPaths.rootName, rowsAt, count),
    statsRanges: stats.ranges,
    spansetRanges: putU32(kernels, picks.spansetRanges),
    stats: stats.table,
    spansets: {
      matched: putU32(kernels, picks.matched),
      spanRanges: putU32(kernels, picks.spanRanges),
      attributeRanges: attributes.spansetRanges,
    },
    spans: {
      ids: inOrder(kernels, await gatherAddresses(group, columnPaths.spanId, spansAt, spans.length), 1, order),
      startNanos: inOrder(kernels, await gatherInts(group, columnPaths.spanStart, spansAt, spans.length), 2, order),
      durationNanos: inOrder(kernels, await gatherInts(group, columnPaths.spanDuration, spansAt, spans.length), 2, order),
      names: inOrder(kernels, attributes.names, 2, order),
      attributeRanges: inOrder(kernels, attributes.ranges, 2, order),
    },
    attributes: attributes.fragments,
  };
  return encodeTraces(kernels, tables, request.format, { leftPadTraceIds: false });
}

async function pick(state: ScanState, request: AnswerRequest): Promise<Picks> {
  const { matched } = request;
  if (typeof matched !== 'number') return pickFromSpansets(matched, request);
  return state.prepared.plan.result === 'traces' ? pickTraces(state, matched, request) : pickFromMap(state, matched, request);
}

/** Tag searches show no statistics. */
function noStats(kernels: Kernels, traceCount: number): ShownServiceStats {
  return { ranges: putU32(kernels, new Uint32Array(2 * traceCount)), table: { services: 0, spanCounts: 0, errorCounts: 0 } };
}

/** A table of `words` u32 for each span in the order in which spansets show them. */
function inOrder(kernels: Kernels, table: number, words: number, order: Uint32Array | undefined): number {
  if (order === undefined) return table;
  const out = kernels.alloc(4 * words * order.length);
  const from = kernels.u32(table, words * order.length);
  const to = kernels.u32(out, words * order.length);
  for (let i = 0; i < order.length; i++) {
    for (let word = 0; word < words; word++) to[words * i + word] = from[words * order[i] + word];
  }
  return out;
}

/** Columns that an answer with a match reads, and no earlier step may have. */
function secondPassColumns({ group, prepared }: ScanState): readonly LeafColumn[] {
  const always = Object.values(columnPaths).map((path) => requiredColumn(group, path));
  const shown = prepared.plan.shown.filter((one) => one.always).flatMap(({ reference }) => valueColumns(prepared, reference));
  const { serviceStats } = prepared.schema.version;
  const stats = prepared.plan.result === 'traces' || serviceStats === undefined ? [] : Object.values(serviceStats);
  return [...new Set([...always, ...shown, ...stats.flatMap((path) => group.file.columns.get(path) ?? [])])];
}

function putU32(kernels: Kernels, numbers: Uint32Array): number {
  const at = kernels.alloc(4 * numbers.length);
  kernels.u32(at, numbers.length).set(numbers);
  return at;
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

/** Attribute fragments of all spans and then spansets in one list, the range of each in it, and the spans' names. */
function attributeTable(
  kernels: Kernels,
  shown: readonly ShownColumn[],
  spanCount: number,
  ofSpansets: readonly (readonly Fragment[])[],
  spansetCount: number,
) {
  const names = new Uint32Array(2 * spanCount);
  for (let i = 0; i < spanCount; i++) names[2 * i + 1] = absentFragment;
  for (const column of shown) {
    if (!column.isName) continue;
    column.fragments.forEach((fragment, i) => {
      if (fragment === undefined) return;
      names[2 * i] = fragment.at;
      names[2 * i + 1] = fragment.length;
    });
  }
  const columns = shown.filter((column) => !column.isName).map(({ fragments }) => fragments);
  const fragments = new Uint32Array(2 * (spanCount * columns.length + spansetCount * ofSpansets.length));
  const spans = listRows(fragments, 0, columns, spanCount);
  const spansets = listRows(fragments, spans.top, ofSpansets, spansetCount);
  return {
    names: putU32(kernels, names),
    ranges: putU32(kernels, spans.ranges),
    spansetRanges: putU32(kernels, spansets.ranges),
    fragments: putU32(kernels, fragments.subarray(0, 2 * spansets.top)),
  };
}

/** Lists what columns hold row by row behind `top`, and says where the rows are. */
function listRows(list: Uint32Array, top: number, columns: readonly (readonly (Fragment | undefined)[])[], count: number) {
  const ranges = new Uint32Array(2 * count);
  let end = top;
  for (let i = 0; i < count; i++) {
    ranges[2 * i] = end;
    for (const column of columns) {
      const fragment = column[i];
      if (fragment === undefined) continue;
      list[2 * end] = fragment.at;
      list[2 * end + 1] = fragment.length;
      end++;
    }
    ranges[2 * i + 1] = end;
  }
  return { ranges, top: end };
}

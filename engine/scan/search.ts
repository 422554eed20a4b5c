import type { AnswerFormat, EncodedTraces } from '#engine/api/search-answer.ts';
import { throwIfAborted } from '#engine/base/errors.ts';
import type { Kernels } from '#engine/kernels/kernels.ts';
import type { ParquetFile } from '#engine/parquet/file.ts';
import { encodeAnswer } from './answer.ts';
import { evaluateSpansets } from './evaluate.ts';
import { firstPassColumns } from './first-pass.ts';
import { intersect, maskAt, toSpans } from './masks.ts';
import type { ScanObserver } from './observe.ts';
import { runStages } from './pipeline.ts';
import { type BlockReader, openRowGroup, openWindow, pagesOf, prefetch, type RowGroup, withDictionaries } from './row-group.ts';
import { createScanState, type PreparedPlan, type ScanState } from './scan-state.ts';
import { requiredColumn, structureColumn } from './structure.ts';

/** What to search in one block. */
export interface BlockScan {
  readonly kernels: Kernels;
  readonly reader: BlockReader;
  readonly file: ParquetFile;
  readonly prepared: PreparedPlan;
  /** Row groups `[from, to)`, which exist. */
  readonly fromRowGroup: number;
  readonly toRowGroup: number;
  /** Trace fragments count that start at or before `endNanos` and end at or after `startNanos` (spec traceql §7.2). Undefined: all. */
  readonly timeRange: { readonly startNanos: bigint; readonly endNanos: bigint } | undefined;
  readonly limit: number;
  /** Rows of the first window of a row group. */
  readonly firstWindowRows: number;
  /** 0 is unlimited. */
  readonly spansPerSpanset: number;
  readonly format: AnswerFormat;
  readonly signal: AbortSignal | undefined;
  readonly observe?: ScanObserver;
}

/** What a scan found, in pieces as they were encoded, and what it looked at. */
export interface ScanResult {
  readonly parts: readonly EncodedTraces[];
  readonly inspectedTraces: number;
}

interface Progress {
  readonly found: number;
  readonly inspectedTraces: number;
}

/** Rows of the first window of a row group, unless a scan says otherwise. */
export const defaultWindowRows = 256;
/** How much each further window grows. */
const windowGrowth = 4;
/** What a search with a time range compares. */
export const traceStartColumn = 'StartTimeUnixNano';
/** What a search with a time range compares. */
export const traceEndColumn = 'EndTimeUnixNano';
/** Row groups whose columns are fetched ahead where round trips matter. */
const lookahead = 3;

/** Scans row groups in order until the limit is reached. */
export async function scanBlock(scan: BlockScan): Promise<ScanResult> {
  const parts: EncodedTraces[] = [];
  let found = 0;
  let inspectedTraces = 0;
  const ahead = createLookahead(scan);
  for (let index = scan.fromRowGroup; index < scan.toRowGroup && found < scan.limit; index++) {
    throwIfAborted(scan.signal);
    const mark = scan.kernels.mark();
    try {
      const result = await scanRowGroup(scan, ahead(index), { found, inspectedTraces });
      for (const part of result.parts) {
        parts.push(part);
        found += part.count;
      }
      inspectedTraces += result.inspectedTraces;
    } finally {
      scan.kernels.release(mark);
    }
  }
  return { parts, inspectedTraces };
}

/** Opens whole row groups before their turn, so that their reads overlap with the work on earlier ones. */
function createLookahead(scan: BlockScan): (index: number) => RowGroup {
  const opened = new Map<number, RowGroup>();
  const paths = [structureColumn, ...(scan.timeRange ? [traceStartColumn, traceEndColumn] : [])];
  const always = paths.flatMap((path) => scan.file.columns.get(path) ?? []);
  const columns = [...new Set([...firstPassColumns(scan.prepared), ...always])];
  return (index) => {
    for (let i = index; i < Math.min(index + 1 + (scan.reader.roundTripsMatter ? lookahead : 0), scan.toRowGroup); i++) {
      if (opened.has(i)) continue;
      const group = openRowGroup(scan.kernels, scan.reader, scan.file, i, scan.observe);
      prefetch(group, columns);
      opened.set(i, group);
    }
    const group = opened.get(index)!;
    opened.delete(index);
    return group;
  };
}

/**
 * A small limit is often reached within the first traces, so windows from the row group's start are tried before all of it; not where what was
 * seen so far says that a window would not be enough.
 */
async function scanRowGroup(scan: BlockScan, whole: RowGroup, progress: Progress): Promise<ScanResult> {
  const wanted = scan.limit - progress.found;
  const sizes = windowSizes(whole.rowCount, wanted, scan.firstWindowRows);
  const parts: EncodedTraces[] = [];
  let encoded = 0;
  let firstTrace = 0;
  let group: RowGroup | undefined;
  let inspectedTraces = 0;
  for (let i = firstWindow(sizes, wanted, progress); i < sizes.length; ) {
    group = sizes[i] < whole.rowCount ? openWindow(whole, sizes[i], group) : withDictionaries(whole, group);
    scan.observe?.({ kind: 'window', rowGroup: whole.index, rows: group.rowCount });
    const part = await scanWindow(scan, createScanState(group, scan.prepared), firstTrace, wanted - encoded);
    scan.observe?.({ kind: 'windowEnded', traces: part?.count ?? 0 });
    if (part !== undefined && part.count > 0) {
      parts.push(part);
      encoded += part.count;
    }
    // Dictionaries alone may have ruled it out, and they are those of the whole row group.
    const ruledOut = !hasPages(group);
    inspectedTraces = ruledOut ? whole.rowCount : group.rowCount;
    if (encoded >= wanted || ruledOut) break;
    firstTrace = group.rowCount;
    const enoughInNext = encoded * windowGrowth >= wanted;
    i = enoughInNext || i === sizes.length - 1 ? i + 1 : sizes.length - 1;
  }
  return { parts, inspectedTraces };
}

/** Rows of the windows to try, ascending, the last one all. */
export function windowSizes(rowCount: number, wanted: number, firstWindowRows: number): readonly number[] {
  const sizes: number[] = [];
  for (let rows = firstWindowRows; rows <= rowCount / windowGrowth; rows *= windowGrowth) if (rows >= wanted) sizes.push(rows);
  return [...sizes, rowCount];
}

/** The first window that should hold enough, going by the share of traces that matched so far. */
function firstWindow(sizes: readonly number[], wanted: number, { found, inspectedTraces }: Progress): number {
  if (inspectedTraces === 0) return 0;
  const expectedRows = found === 0 ? Number.POSITIVE_INFINITY : (wanted * inspectedTraces) / found;
  const index = sizes.findIndex((rows) => rows >= expectedRows);
  return index < 0 ? sizes.length - 1 : index;
}

function hasPages(group: RowGroup): boolean {
  for (const load of group.loads.values()) if (load.pages !== undefined) return true;
  return false;
}

/** Undefined where nothing can match. */
async function scanWindow(scan: BlockScan, state: ScanState, firstTrace: number, maxTraces: number): Promise<EncodedTraces | undefined> {
  const { kernels } = scan;
  let matched = await evaluateSpansets(state, scan.prepared.plan.spansets);
  if (matched === undefined) return undefined;
  if (scan.timeRange !== undefined) {
    const inRange = await tracesInRange(state, scan.timeRange);
    const { spanCount } = await state.structure();
    const both = kernels.alloc(spanCount);
    kernels.and(matched, inRange, both, spanCount);
    if (!kernels.any(both, spanCount)) {
      scan.observe?.({ kind: 'outOfRange' });
      return undefined;
    }
    matched = both;
  }
  throwIfAborted(scan.signal);
  const { stages } = scan.prepared.plan;
  const left = stages.length === 0 ? matched : await runStages({ state, firstTrace, signal: scan.signal }, stages, matched);
  return encodeAnswer(state, { matched: left, firstTrace, maxTraces, spansPerSpanset: scan.spansPerSpanset, format: scan.format });
}

/** Byte map of the span slots whose trace overlaps the range. */
async function tracesInRange(state: ScanState, range: { readonly startNanos: bigint; readonly endNanos: bigint }): Promise<number> {
  const { group } = state;
  const { kernels } = group;
  const starts = await pagesOf(group, requiredColumn(group, traceStartColumn));
  const ends = await pagesOf(group, requiredColumn(group, traceEndColumn));
  const startsAt = kernels.alloc(starts.entryCount);
  kernels.matchInts(starts, '<=', range.endNanos, startsAt);
  const endsAt = kernels.alloc(ends.entryCount);
  kernels.matchInts(ends, '>=', range.startNanos, endsAt);
  const both = await intersect(state, maskAt('trace', startsAt), maskAt('trace', endsAt));
  if (both.kind === 'some') return toSpans(state, both);
  const { spanCount } = await state.structure();
  const none = kernels.alloc(spanCount);
  kernels.u8(none, spanCount).fill(0);
  return none;
}

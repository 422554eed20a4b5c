import type { Kernels } from './kernels.ts';

/** What stands for no number. */
export const noNumber = 0xffffffff;

/** Spans as slots of a level: run i stands for `weights[i]` neighbouring spans of that slot that share a cell. Addresses of u32; slots ascend. */
export interface RunList {
  readonly slots: number;
  readonly cells: number;
  readonly weights: number;
  readonly count: number;
}

/** How often numbers were met in which cell. Views of WASM memory, valid until it moves. */
export interface Tallied {
  /** Numbers that were met. */
  readonly met: Uint32Array;
  /** For each number its count in the cells of the first half, then that of the second. */
  readonly tallies: Uint32Array;
  /** Numbers met so often have a row, the others a list; both in the order of `met`. */
  readonly rowsFrom: number;
  /** A count for each cell. */
  readonly rows: Uint32Array;
  /** The cells of a number, as often as it was met in each. */
  readonly lists: Uint32Array;
}

/** Numbered records in WASM memory (`assembly/number.ts`), `[at, end)`, and how often each number was met. */
export interface TalliedRecords {
  readonly at: number;
  readonly end: number;
  readonly count: number;
  readonly tallies: number;
}

interface TallyExports {
  readonly countRows: (tallies: number, count: number, rowsFrom: number) => number;
  readonly listedWords: () => number;
  readonly spread: (
    records: number,
    recordsEnd: number,
    tallies: number,
    count: number,
    rowsFrom: number,
    rowBytes: number,
    met: number,
    places: number,
    rows: number,
    rowCount: number,
    lists: number,
  ) => void;
  readonly countIds: (
    ids: number,
    idCount: number,
    slots: number,
    cells: number,
    weights: number,
    runCount: number,
    rowBytes: number,
    rows: number,
  ) => void;
  readonly sumRows: (rows: number, count: number, side: number, rowsFrom: number, tallies: number) => number;
  readonly keepRows: (
    rows: number,
    count: number,
    rowBytes: number,
    rowsFrom: number,
    tallies: number,
    met: number,
    lists: number,
  ) => number;
  readonly takeCells: (rows: number, rowCount: number, lists: number, listed: number, cellCount: number, totals: number) => void;
  readonly joinRuns: (
    starts: number,
    spans: number,
    ofSpans: number,
    spanCount: number,
    slots: number,
    cells: number,
    weights: number,
  ) => number;
}

function exportsOf(kernels: Kernels): TallyExports {
  return kernels.exports as unknown as TallyExports;
}

/** Below this no number gets a row; nor where the row would take four times the list. */
const fewestForRow = 16;

function rowsFromOf(cellCount: number): number {
  return Math.max(fewestForRow, cellCount >> 2);
}

/** Counts numbers by cell; `intervals` is half the number of cells. Numbers are met in their own order. Takes space for the result. */
export function tallyRecords(kernels: Kernels, records: TalliedRecords, intervals: number): Tallied {
  const exports = exportsOf(kernels);
  const cellCount = 2 * intervals;
  const rowsFrom = rowsFromOf(cellCount);
  const { count, tallies } = records;
  const rowCount = exports.countRows(tallies, count, rowsFrom);
  const listed = exports.listedWords() >>> 0;
  const met = kernels.alloc(4 * count);
  const places = kernels.alloc(4 * count);
  const rows = kernels.alloc(4 * rowCount * cellCount);
  const lists = kernels.alloc(4 * listed);
  exports.spread(records.at, records.end, tallies, count, rowsFrom, 4 * cellCount, met, places, rows, rowCount, lists);
  return {
    met: kernels.u32(met, count),
    tallies: kernels.u32(tallies, 2 * count),
    rowsFrom,
    rows: kernels.u32(rows, rowCount * cellCount),
    lists: kernels.u32(lists, listed),
  };
}

/** The same, and what is left in each cell of `totals` without what was met. */
export function tallyWithMissing(
  kernels: Kernels,
  records: TalliedRecords,
  totals: Uint32Array,
): { readonly tallied: Tallied; readonly missing: Uint32Array } {
  const at = kernels.alloc(totals.byteLength);
  const tallied = tallyRecords(kernels, records, totals.length / 2);
  const { rows, lists } = tallied;
  const missing = kernels.u32(at, totals.length);
  missing.set(totals);
  exportsOf(kernels).takeCells(rows.byteOffset, rows.length / totals.length, lists.byteOffset, lists.length, totals.length, at);
  return { tallied, missing };
}

/** Words that rows for all ids of a column may take: as many as stay in the processor's cache, and some for each run. */
const mostRowWords = 1 << 18;
const rowWordsOfRun = 8;

/** Whether ids are so few that {@link tallyIds} gives each a row. */
export function areFewIds(idCount: number, runCount: number, intervals: number): boolean {
  return 2 * intervals * (idCount + 1) <= Math.min(mostRowWords, rowWordsOfRun * runCount);
}

/** Counts the ids of slots by cell, u32 each, below `idCount` or {@link noNumber}. `missing`: slots without one, by cell. Takes space for the result. */
export function tallyIds(
  kernels: Kernels,
  ids: number,
  idCount: number,
  runs: RunList,
  intervals: number,
): { readonly tallied: Tallied; readonly missing: Uint32Array } {
  const exports = exportsOf(kernels);
  const cellCount = 2 * intervals;
  const rowsFrom = rowsFromOf(cellCount);
  const rows = kernels.alloc(4 * cellCount * (idCount + 1));
  const tallies = kernels.alloc(8 * idCount);
  const met = kernels.alloc(4 * idCount);
  exports.countIds(ids, idCount, runs.slots, runs.cells, runs.weights, runs.count, 4 * cellCount, rows);
  const rowCount = exports.sumRows(rows, idCount, intervals, rowsFrom, tallies);
  const listed = exports.listedWords() >>> 0;
  const lists = kernels.alloc(4 * listed);
  const metCount = exports.keepRows(rows, idCount, 4 * cellCount, rowsFrom, tallies, met, lists);
  return {
    tallied: {
      met: kernels.u32(met, metCount),
      tallies: kernels.u32(tallies, 2 * idCount),
      rowsFrom,
      rows: kernels.u32(rows, rowCount * cellCount),
      lists: kernels.u32(lists, listed),
    },
    missing: kernels.u32(rows + 4 * cellCount * idCount, cellCount),
  };
}

/** Joins neighbouring spans of a slot and cell to runs. Slot s has the spans `[starts[s], starts[s + 1])`; spans ascend and are in one of the slots. */
export function joinRuns(kernels: Kernels, starts: number, spans: number, cellsOfSpans: number, spanCount: number): RunList {
  const slots = kernels.alloc(4 * spanCount);
  const cells = kernels.alloc(4 * spanCount);
  const weights = kernels.alloc(4 * spanCount);
  const count = exportsOf(kernels).joinRuns(starts, spans, cellsOfSpans, spanCount, slots, cells, weights);
  return { slots, cells, weights, count };
}

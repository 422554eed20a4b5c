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

/** The numbers of slots, below `count` or {@link noNumber}: u32 each. `starts` 0: one for each slot; else slot s has those of `[starts[s], starts[s + 1])`. */
export interface SlotNumbers {
  readonly numbers: number;
  readonly count: number;
  readonly starts: number;
}

/** How often numbers were met in which cell. Views of WASM memory, valid until it moves. */
export interface Tallied {
  /** Numbers in the order in which they were met. */
  readonly met: Uint32Array;
  /** For each number its count in the cells of the first half, then that of the second. */
  readonly tallies: Uint32Array;
  /** Numbers met so often have a row, the others a list; both in the order of `met`. */
  readonly rowsFrom: number;
  /** A count for each cell. */
  readonly rows: Uint32Array;
  /** The cells of a number, as often as it was met in each. */
  readonly lists: Uint32Array;
  /** What was met in each cell. */
  readonly cellTotals: Uint32Array;
}

interface TallyExports {
  readonly tally: (
    numbers: number,
    numberCount: number,
    starts: number,
    slots: number,
    cells: number,
    weights: number,
    runCount: number,
    side: number,
    tallies: number,
    met: number,
    cellTotals: number,
  ) => number;
  readonly countRows: (tallies: number, met: number, metCount: number, rowsFrom: number) => number;
  readonly listedWords: () => number;
  readonly spread: (
    numbers: number,
    starts: number,
    slots: number,
    cells: number,
    weights: number,
    runCount: number,
    tallies: number,
    met: number,
    metCount: number,
    rowsFrom: number,
    rowBytes: number,
    places: number,
    rows: number,
    rowCount: number,
    lists: number,
  ) => void;
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

/** Below this no number gets a row; nor where the row would take four times the list. */
const fewestForRow = 16;

/** Counts numbers by cell; `intervals` is half the number of cells. Takes space for the result. */
export function tallyNumbers(kernels: Kernels, slots: SlotNumbers, runs: RunList, intervals: number): Tallied {
  const exports = kernels.exports as unknown as TallyExports;
  const cellCount = 2 * intervals;
  const rowsFrom = Math.max(fewestForRow, cellCount >> 2);
  const { numbers, count, starts } = slots;
  const tallies = kernels.alloc(8 * count);
  const met = kernels.alloc(4 * count);
  const places = kernels.alloc(4 * count);
  const cellTotals = kernels.alloc(4 * cellCount);
  const metCount = exports.tally(
    numbers,
    count,
    starts,
    runs.slots,
    runs.cells,
    runs.weights,
    runs.count,
    intervals,
    tallies,
    met,
    cellTotals,
  );
  const rowCount = exports.countRows(tallies, met, metCount, rowsFrom);
  const listed = exports.listedWords() >>> 0;
  const rows = kernels.alloc(4 * rowCount * cellCount);
  const lists = kernels.alloc(4 * listed);
  exports.spread(
    numbers,
    starts,
    runs.slots,
    runs.cells,
    runs.weights,
    runs.count,
    tallies,
    met,
    metCount,
    rowsFrom,
    4 * cellCount,
    places,
    rows,
    rowCount,
    lists,
  );
  return {
    met: kernels.u32(met, metCount),
    tallies: kernels.u32(tallies, 2 * count),
    rowsFrom,
    rows: kernels.u32(rows, rowCount * cellCount),
    lists: kernels.u32(lists, listed),
    cellTotals: kernels.u32(cellTotals, cellCount),
  };
}

/** Joins neighbouring spans of a slot and cell to runs. Slot s has the spans `[starts[s], starts[s + 1])`; spans ascend and are in one of the slots. */
export function joinRuns(kernels: Kernels, starts: number, spans: number, cellsOfSpans: number, spanCount: number): RunList {
  const exports = kernels.exports as unknown as TallyExports;
  const slots = kernels.alloc(4 * spanCount);
  const cells = kernels.alloc(4 * spanCount);
  const weights = kernels.alloc(4 * spanCount);
  const count = exports.joinRuns(starts, spans, cellsOfSpans, spanCount, slots, cells, weights);
  return { slots, cells, weights, count };
}

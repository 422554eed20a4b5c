import { AppError } from '#engine/base/errors.ts';
import type { Tallied } from '#engine/kernels/tally.ts';

/** How often pairs were met, by cell: interval + side · intervals (spec traceql §8.9). */
export interface CompareCounts {
  /** Takes what one column or list of a row group has; `pairOf` says for which pair a number stands. */
  readonly add: (tallied: Tallied, pairOf: (number: number) => number) => void;
  /** Adds a count to each of a pair's cells. */
  readonly addCells: (pair: number, cells: Uint32Array) => void;
  /** For each of the pairs below `pairCount` the sum of its cells of either side: baseline at 2 · pair, selection behind it. */
  readonly totals: (pairCount: number) => Uint32Array;
  /** Cells of kept pairs, and of all pairs of an attribute together. `rowOf`: of a pair; -1 is none. */
  readonly rows: (rowOf: Int32Array, rowCount: number, attributeOf: (pair: number) => number, attributeCount: number) => ComparedRows;
}

/** Counts as `[row][cell]`, and `[attribute][cell]`. */
export interface ComparedRows {
  readonly pairs: Float64Array;
  readonly attributes: Float64Array;
}

/** Bounds for a job's memory. */
const maxCells = 2 ** 24;
const maxListed = 2 ** 25;
const noCells = -1;

/** Cells of pairs that some row group has often. Others are kept as the lists of the cells that they were met in, since most values are met a few times only. */
interface CountStore {
  /** Two for each pair. */
  totals: Uint32Array;
  /** Where a pair's cells begin. */
  cellsAt: Int32Array;
  cells: Uint32Array;
  cellsEnd: number;
  readonly lists: CellLists[];
  listed: number;
  readonly cellCount: number;
}

/** Pair i has the cells up to `ends[i]`, from where the pair before ends. */
interface CellLists {
  readonly pairs: Uint32Array;
  readonly ends: Uint32Array;
  readonly cells: Uint32Array;
}

/** Nothing was met yet. `intervals`: of one side. */
export function createCompareCounts(intervals: number): CompareCounts {
  const store: CountStore = {
    totals: new Uint32Array(2 << 10),
    cellsAt: new Int32Array(1 << 10).fill(noCells),
    cells: new Uint32Array(0),
    cellsEnd: 0,
    lists: [],
    listed: 0,
    cellCount: 2 * intervals,
  };
  return {
    add: (tallied, pairOf) => addTallied(store, tallied, pairOf),
    addCells: (pair, cells) => {
      makeRoom(store, pair);
      const { totals } = store;
      for (let i = 0; i < intervals; i++) totals[2 * pair] += cells[i];
      for (let i = intervals; i < 2 * intervals; i++) totals[2 * pair + 1] += cells[i];
      addRow(store, pair, cells, 0);
    },
    totals: (pairCount) => {
      if (pairCount > 0) makeRoom(store, pairCount - 1);
      return store.totals.subarray(0, 2 * pairCount);
    },
    rows: (rowOf, rowCount, attributeOf, attributeCount) => rowsOf(store, rowOf, rowCount, attributeOf, attributeCount),
  };
}

function makeRoom(store: CountStore, pair: number): void {
  if (pair < store.cellsAt.length) return;
  const length = Math.max(pair + 1, 2 * store.cellsAt.length);
  const cellsAt = new Int32Array(length).fill(noCells);
  cellsAt.set(store.cellsAt);
  store.cellsAt = cellsAt;
  store.totals = grown(store.totals, 2 * length);
}

function addTallied(store: CountStore, tallied: Tallied, pairOf: (number: number) => number): void {
  const { met, tallies, rowsFrom, rows, lists } = tallied;
  const pairs = new Uint32Array(met.length);
  const ends = new Uint32Array(met.length);
  let listCount = 0;
  let listed = 0;
  let row = 0;
  for (const number of met) {
    const pair = pairOf(number);
    const baseline = tallies[2 * number];
    const selection = tallies[2 * number + 1];
    makeRoom(store, pair);
    store.totals[2 * pair] += baseline;
    store.totals[2 * pair + 1] += selection;
    if (baseline + selection >= rowsFrom) addRow(store, pair, rows, store.cellCount * row++);
    else {
      listed += baseline + selection;
      pairs[listCount] = pair;
      ends[listCount++] = listed;
    }
  }
  keepLists(store, { pairs: pairs.slice(0, listCount), ends: ends.slice(0, listCount), cells: lists.slice() });
}

function keepLists(store: CountStore, lists: CellLists): void {
  if (lists.cells.length === 0) return;
  store.listed += lists.cells.length;
  if (store.listed > maxListed)
    throw new AppError('resource_exhausted', 'too many attribute values to compare in one job; narrow the query');
  store.lists.push(lists);
}

/** Adds the cells at `from`; where there is no room for more cells, as a list. */
function addRow(store: CountStore, pair: number, row: Uint32Array, from: number): void {
  const { cellCount } = store;
  if (store.cellsAt[pair] === noCells) giveCells(store, pair);
  const at = store.cellsAt[pair];
  if (at >= 0) {
    const { cells } = store;
    for (let i = 0; i < cellCount; i++) cells[at + i] += row[from + i];
    return;
  }
  const listed: number[] = [];
  for (let cell = 0; cell < cellCount; cell++) for (let i = row[from + cell]; i > 0; i--) listed.push(cell);
  keepLists(store, { pairs: Uint32Array.of(pair), ends: Uint32Array.of(listed.length), cells: Uint32Array.from(listed) });
}

function giveCells(store: CountStore, pair: number): void {
  const { cellCount, cellsEnd } = store;
  if (cellsEnd + cellCount > maxCells) return;
  if (cellsEnd + cellCount > store.cells.length) {
    store.cells = grown(store.cells, Math.min(maxCells, Math.max(2 * store.cells.length, 256 * cellCount)));
  }
  store.cellsAt[pair] = cellsEnd;
  store.cellsEnd += cellCount;
}

function rowsOf(
  { cellsAt, cells, lists, cellCount }: CountStore,
  rowOf: Int32Array,
  rowCount: number,
  attributeOf: (pair: number) => number,
  attributeCount: number,
): ComparedRows {
  const rows = new Float64Array(rowCount * cellCount);
  const attributes = new Float64Array(attributeCount * cellCount);
  for (let pair = 0; pair < Math.min(rowOf.length, cellsAt.length); pair++) {
    const at = cellsAt[pair];
    if (at < 0) continue;
    const ofAttribute = attributeOf(pair) * cellCount;
    for (let i = 0; i < cellCount; i++) attributes[ofAttribute + i] += cells[at + i];
    const row = rowOf[pair] * cellCount;
    if (row >= 0) for (let i = 0; i < cellCount; i++) rows[row + i] += cells[at + i];
  }
  for (const list of lists) {
    let i = 0;
    list.pairs.forEach((pair, index) => {
      const end = list.ends[index];
      const ofAttribute = attributeOf(pair) * cellCount;
      const row = rowOf[pair] * cellCount;
      for (; i < end; i++) {
        attributes[ofAttribute + list.cells[i]]++;
        if (row >= 0) rows[row + list.cells[i]]++;
      }
    });
  }
  return { pairs: rows, attributes };
}

function grown(numbers: Uint32Array, length: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(length);
  larger.set(numbers);
  return larger;
}

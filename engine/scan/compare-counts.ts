import { AppError } from '#engine/base/errors.ts';
import type { Runs } from './compare-runs.ts';

/** What a compared value is; with two halves it tells values of one attribute apart: see {@link ComparePairs}. */
export const comparedKind = { nil: 0, text: 1, int: 2, double: 3, boolean: 4, status: 5, kind: 6 } as const;

/** Pairs of an attribute and a value, numbered from 0. A value is a kind and two halves: of a text its number, of doubles their bits. */
export interface ComparePairs {
  readonly count: () => number;
  readonly pairOf: (attribute: number, kind: number, low: number, high: number) => number;
  readonly attributeOf: (pair: number) => number;
  readonly kindOf: (pair: number) => number;
  readonly lowOf: (pair: number) => number;
  readonly highOf: (pair: number) => number;
}

const maxPairs = 2 ** 24;
const kinds = 8;

/** No pairs yet. */
export function createComparePairs(): ComparePairs {
  // Attribute and kind, low half, high half of each pair.
  let parts = new Uint32Array(3 << 10);
  // Open addressing: a pair plus 1, 0 where free.
  let slots = new Uint32Array(1 << 12);
  let count = 0;

  const rehash = (): void => {
    slots = new Uint32Array(2 * slots.length);
    const mask = slots.length - 1;
    for (let pair = 0; pair < count; pair++) {
      let slot = hashOf(parts[3 * pair], parts[3 * pair + 1], parts[3 * pair + 2]) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = pair + 1;
    }
  };
  return {
    count: () => count,
    pairOf: (attribute, kind, low, high) => {
      const name = attribute * kinds + kind;
      const lowWord = low >>> 0;
      const highWord = high >>> 0;
      const mask = slots.length - 1;
      let slot = hashOf(name, lowWord, highWord) & mask;
      for (; slots[slot] !== 0; slot = (slot + 1) & mask) {
        const at = 3 * (slots[slot] - 1);
        if (parts[at] === name && parts[at + 1] === lowWord && parts[at + 2] === highWord) return slots[slot] - 1;
      }
      if (count === maxPairs)
        throw new AppError('resource_exhausted', `more than ${maxPairs} attribute values to compare; narrow the query`);
      if (3 * count === parts.length) parts = grown(parts, 2 * parts.length);
      parts[3 * count] = name;
      parts[3 * count + 1] = lowWord;
      parts[3 * count + 2] = highWord;
      slots[slot] = ++count;
      if (2 * count > slots.length) rehash();
      return count - 1;
    },
    attributeOf: (pair) => Math.floor(parts[3 * pair] / kinds),
    kindOf: (pair) => parts[3 * pair] % kinds,
    lowOf: (pair) => parts[3 * pair + 1],
    highOf: (pair) => parts[3 * pair + 2],
  };
}

function hashOf(name: number, low: number, high: number): number {
  let hash = Math.imul(name ^ Math.imul(low, 0x9e3779b1), 0x85ebca6b) ^ Math.imul(high, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 15), 0x27d4eb2f);
  return hash ^ (hash >>> 13);
}

/** How often pairs were met, by cell: interval + side · intervals (spec traceql §8.9). */
export interface CompareCounts {
  readonly add: (pair: number, cell: number, count: number) => void;
  /** Counts the pair of each run's slot; a negative one stands for `nil`. */
  readonly addSlots: (pairs: Int32Array, nil: number, runs: Runs) => void;
  /** As addSlots for dictionary ids: `known` has the pair of each id, or is negative until `resolve` says. */
  readonly addIds: (ids: Uint32Array, known: Int32Array, resolve: (id: number) => number, nil: number, runs: Runs) => void;
  /** Counts the pairs of the entries `[starts[s], starts[s + 1])` of each run's slot s; negative ones are none. */
  readonly addEntries: (pairs: Int32Array, starts: Uint32Array, runs: Runs) => void;
  /** For each of the pairs below `pairCount` the sum of its cells of either side: baseline at 2 · pair, selection behind it. */
  readonly totals: (pairCount: number) => Float64Array;
  /** The cells of each row: row `rowOf[pair]` counts the pair; -1 is none. */
  readonly rows: (rowOf: Int32Array, rowCount: number) => Float64Array;
}

/** Once a pair was met so often it has cells of its own; before, what was met is kept as a list, since most values are met a few times only. */
const cellsAfter = 16;
/** Bounds for a job's memory. */
const maxCells = 2 ** 24;
const maxLogged = 2 ** 25;
const noCells = -1;

/** Cells of common pairs, and a list of (pair, cell, count) of the others. */
interface CountStore {
  /** Times that a pair stands in the list. */
  met: Uint32Array;
  /** Where a pair's cells begin. */
  cellsAt: Int32Array;
  cells: Uint32Array;
  cellsEnd: number;
  log: Uint32Array;
  logEnd: number;
  readonly cellCount: number;
}

/** Nothing was met yet. `intervals`: of one side. */
export function createCompareCounts(intervals: number): CompareCounts {
  const store: CountStore = {
    met: new Uint32Array(1 << 10),
    cellsAt: new Int32Array(1 << 10).fill(noCells),
    cells: new Uint32Array(0),
    cellsEnd: 0,
    log: new Uint32Array(3 << 14),
    logEnd: 0,
    cellCount: 2 * intervals,
  };
  return {
    add: (pair, cell, count) => addOne(store, pair, cell, count),
    addSlots: (pairs, nil, runs) => addSlots(store, pairs, nil, runs),
    addIds: (ids, known, resolve, nil, runs) => addIds(store, ids, known, resolve, nil, runs),
    addEntries: (pairs, starts, runs) => addEntries(store, pairs, starts, runs),
    totals: (pairCount) => totalsOf(store, pairCount),
    rows: (rowOf, rowCount) => rowsOf(store, rowOf, rowCount),
  };
}

function addOne(store: CountStore, pair: number, cell: number, count: number): void {
  const { cellsAt } = store;
  const at = pair < cellsAt.length ? cellsAt[pair] : noCells;
  if (at >= 0) store.cells[at + cell] += count;
  else addToLog(store, pair, cell, count);
}

function addSlots(store: CountStore, pairs: Int32Array, nil: number, { slots, cells, weights }: Runs): void {
  for (let i = 0; i < slots.length; i++) {
    const pair = pairs[slots[i]];
    addOne(store, pair < 0 ? nil : pair, cells[i], weights[i]);
  }
}

const nullId = 0xffffffff;

function addIds(
  store: CountStore,
  ids: Uint32Array,
  known: Int32Array,
  resolve: (id: number) => number,
  nil: number,
  { slots, cells, weights }: Runs,
): void {
  for (let i = 0; i < slots.length; i++) {
    const id = ids[slots[i]];
    let pair = id === nullId ? nil : known[id];
    if (pair < 0) {
      pair = resolve(id);
      known[id] = pair;
    }
    addOne(store, pair, cells[i], weights[i]);
  }
}

function addEntries(store: CountStore, pairs: Int32Array, starts: Uint32Array, { slots, cells, weights }: Runs): void {
  for (let i = 0; i < slots.length; i++) {
    const end = starts[slots[i] + 1];
    for (let entry = starts[slots[i]]; entry < end; entry++) if (pairs[entry] >= 0) addOne(store, pairs[entry], cells[i], weights[i]);
  }
}

function addToLog(store: CountStore, pair: number, cell: number, count: number): void {
  if (pair >= store.met.length) {
    const length = Math.max(pair + 1, 2 * store.met.length);
    const cellsAt = new Int32Array(length).fill(noCells);
    cellsAt.set(store.cellsAt);
    store.cellsAt = cellsAt;
    store.met = grown(store.met, length);
  }
  if (store.logEnd >= 3 * maxLogged) {
    throw new AppError('resource_exhausted', 'too many attribute values to compare in one job; narrow the query');
  }
  if (store.logEnd === store.log.length) store.log = grown(store.log, 2 * store.log.length);
  store.log[store.logEnd++] = pair;
  store.log[store.logEnd++] = cell;
  store.log[store.logEnd++] = count;
  if (++store.met[pair] === cellsAfter) giveCells(store, pair);
}

function giveCells(store: CountStore, pair: number): void {
  const { cellCount, cellsEnd } = store;
  if (cellsEnd + cellCount > maxCells) return;
  if (cellsEnd + cellCount > store.cells.length) {
    store.cells = grown(store.cells, Math.min(maxCells, Math.max(2 * store.cells.length, 1024 * cellCount)));
  }
  store.cellsAt[pair] = cellsEnd;
  store.cellsEnd += cellCount;
}

function totalsOf({ cellsAt, cells, log, logEnd, cellCount }: CountStore, pairCount: number): Float64Array {
  const intervals = cellCount / 2;
  const totals = new Float64Array(2 * pairCount);
  for (let pair = 0; pair < Math.min(pairCount, cellsAt.length); pair++) {
    const at = cellsAt[pair];
    if (at < 0) continue;
    let baseline = 0;
    let selection = 0;
    for (let i = 0; i < intervals; i++) baseline += cells[at + i];
    for (let i = intervals; i < cellCount; i++) selection += cells[at + i];
    totals[2 * pair] = baseline;
    totals[2 * pair + 1] = selection;
  }
  for (let i = 0; i < logEnd; i += 3) totals[2 * log[i] + (log[i + 1] >= intervals ? 1 : 0)] += log[i + 2];
  return totals;
}

function rowsOf({ cellsAt, cells, log, logEnd, cellCount }: CountStore, rowOf: Int32Array, rowCount: number): Float64Array {
  const rows = new Float64Array(rowCount * cellCount);
  for (let pair = 0; pair < Math.min(rowOf.length, cellsAt.length); pair++) {
    const at = cellsAt[pair];
    const to = rowOf[pair] * cellCount;
    if (at >= 0 && to >= 0) for (let i = 0; i < cellCount; i++) rows[to + i] += cells[at + i];
  }
  for (let i = 0; i < logEnd; i += 3) {
    const row = rowOf[log[i]];
    if (row >= 0) rows[row * cellCount + log[i + 1]] += log[i + 2];
  }
  return rows;
}

function grown(numbers: Uint32Array, length: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(length);
  larger.set(numbers);
  return larger;
}

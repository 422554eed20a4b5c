import { AppError } from '#engine/base/errors.ts';

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
      if (3 * count === parts.length) parts = grown(parts);
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

/** Nothing was met yet. `intervals`: of one side. */
export function createCompareCounts(intervals: number): CompareCounts {
  const cellCount = 2 * intervals;
  let met = new Uint32Array(1 << 10);
  let cellsAt = new Int32Array(1 << 10).fill(noCells);
  let cells = new Uint32Array(0);
  let cellsEnd = 0;
  // Pair, cell, count.
  let log = new Uint32Array(3 << 14);
  let logEnd = 0;

  const giveCells = (pair: number): void => {
    if (cellsEnd + cellCount > maxCells) return;
    if (cellsEnd + cellCount > cells.length) {
      const larger = new Uint32Array(Math.min(maxCells, Math.max(2 * cells.length, 64 * cellCount)));
      larger.set(cells);
      cells = larger;
    }
    cellsAt[pair] = cellsEnd;
    cellsEnd += cellCount;
  };
  const addToLog = (pair: number, cell: number, count: number): void => {
    if (pair >= met.length) {
      const length = Math.max(pair + 1, 2 * met.length);
      const larger = new Int32Array(length).fill(noCells);
      larger.set(cellsAt);
      cellsAt = larger;
      const more = new Uint32Array(length);
      more.set(met);
      met = more;
    }
    if (logEnd >= 3 * maxLogged)
      throw new AppError('resource_exhausted', 'too many attribute values to compare in one job; narrow the query');
    if (logEnd === log.length) log = grown(log);
    log[logEnd++] = pair;
    log[logEnd++] = cell;
    log[logEnd++] = count;
    if (++met[pair] === cellsAfter) giveCells(pair);
  };
  return {
    add: (pair, cell, count) => {
      const at = pair < cellsAt.length ? cellsAt[pair] : noCells;
      if (at >= 0) cells[at + cell] += count;
      else addToLog(pair, cell, count);
    },
    totals: (pairCount) => {
      const totals = new Float64Array(2 * pairCount);
      for (let pair = 0; pair < Math.min(pairCount, cellsAt.length); pair++) {
        const at = cellsAt[pair];
        if (at < 0) continue;
        for (let i = 0; i < cellCount; i++) totals[2 * pair + Number(i >= intervals)] += cells[at + i];
      }
      for (let i = 0; i < logEnd; i += 3) totals[2 * log[i] + Number(log[i + 1] >= intervals)] += log[i + 2];
      return totals;
    },
    rows: (rowOf, rowCount) => {
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
    },
  };
}

function grown(numbers: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(2 * numbers.length);
  larger.set(numbers);
  return larger;
}

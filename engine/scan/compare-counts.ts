import { AppError } from '#engine/base/errors.ts';

/** Counts of `compare()`: a number for each value of each attribute, side and interval (spec traceql §8.9). */
export interface CompareCounts {
  /** The pair of an attribute and a value (any numbers below 2^22); pairs are numbered from 0. */
  readonly pairOf: (attribute: number, value: number) => number;
  readonly pairCount: () => number;
  readonly attributeOf: (pair: number) => number;
  readonly valueOf: (pair: number) => number;
  /** Counts one span for a pair; `cell` is interval + side · intervals. */
  readonly add: (pair: number, cell: number) => void;
  /** Calls `visit` with everything that was counted. */
  readonly visit: (visit: (pair: number, cell: number, count: number) => void) => void;
}

/** Cells kept as a table; those of pairs that appear later are kept as a log, for values of high cardinality occur once or a few times each. */
const maxTableCells = 2 ** 22;
/** Entries of a log: a bound for a job's memory. */
const maxLogged = 2 ** 26;
const maxPairs = 2 ** 24;

/** No counts yet, for that many cells of each pair. */
export function createCompareCounts(cellCount: number): CompareCounts {
  const tablePairs = Math.max(1, Math.floor(maxTableCells / cellCount));
  const pairs = new Map<number, number>();
  let attributes = new Uint32Array(1024);
  let values = new Uint32Array(1024);
  let count = 0;
  let table = new Uint32Array(Math.min(1024, tablePairs) * cellCount);
  let log = new Uint32Array(0);
  let logged = 0;

  const addPair = (attribute: number, value: number): number => {
    if (count === maxPairs) throw new AppError('resource_exhausted', `more than ${maxPairs} attribute values to compare; narrow the query`);
    if (count === attributes.length) {
      attributes = grown(attributes, 2 * count);
      values = grown(values, 2 * count);
    }
    if (count < tablePairs && (count + 1) * cellCount > table.length) table = grown(table, Math.min(tablePairs, 2 * count + 1) * cellCount);
    attributes[count] = attribute;
    values[count] = value;
    return count++;
  };
  return {
    pairOf: (attribute, value) => {
      const key = attribute * 2 ** 22 + value;
      let pair = pairs.get(key);
      if (pair === undefined) {
        pair = addPair(attribute, value);
        pairs.set(key, pair);
      }
      return pair;
    },
    pairCount: () => count,
    attributeOf: (pair) => attributes[pair],
    valueOf: (pair) => values[pair],
    add: (pair, cell) => {
      if (pair < tablePairs) {
        table[pair * cellCount + cell]++;
        return;
      }
      if (2 * logged === log.length) {
        if (logged >= maxLogged)
          throw new AppError('resource_exhausted', 'too many attribute values to compare in one job; narrow the query');
        log = grown(log, Math.max(65_536, 2 * log.length));
      }
      log[2 * logged] = pair;
      log[2 * logged++ + 1] = cell;
    },
    visit: (visit) => {
      const inTable = Math.min(count, tablePairs);
      for (let pair = 0; pair < inTable; pair++) {
        const row = pair * cellCount;
        for (let cell = 0; cell < cellCount; cell++) if (table[row + cell] > 0) visit(pair, cell, table[row + cell]);
      }
      for (let i = 0; i < 2 * logged; i += 2) visit(log[i], log[i + 1], 1);
    },
  };
}

function grown(numbers: Uint32Array, length: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(length);
  larger.set(numbers);
  return larger;
}

import { comparedKind, kindOfName, type LocalValue } from './compare-values.ts';
import { createTextTable } from './text-table.ts';

/** Values that some column of a row group holds often, with a count for each cell. */
export interface FrequentValues {
  /** Adds the cells of `row` to those of a value; false where there is no room for more cells. `order`: of appearance. */
  readonly add: (value: LocalValue, order: number, row: Uint32Array) => boolean;
  readonly count: () => number;
  /** What is known of a value by its number. */
  readonly value: (number: number) => LocalValue & { readonly order: number };
  readonly cells: (number: number) => Uint32Array;
}

/** Bound for a job's memory. */
const maxCells = 2 ** 24;
/** Hash, name, low (of texts: number), high, order. */
const parts = 5;

/** None yet. */
export function createFrequentValues(cellCount: number): FrequentValues {
  const texts = createTextTable();
  let values = new Uint32Array(parts << 10);
  // Open addressing: a number plus 1, 0 where free.
  let slots = new Uint32Array(1 << 12);
  let cells = new Uint32Array(0);
  let count = 0;

  const rehash = (): void => {
    slots = new Uint32Array(2 * slots.length);
    const mask = slots.length - 1;
    for (let number = 0; number < count; number++) {
      let slot = values[parts * number] & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = number + 1;
    }
  };
  /** The number of a value; -1 where there is no room for it. */
  const numberOf = ({ hash, name, low, high, text }: LocalValue, order: number): number => {
    const lowWord = kindOfName(name) === comparedKind.text ? texts.intern(text.memory, text.at, high, hash) : low;
    const mask = slots.length - 1;
    let slot = hash & mask;
    for (; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const at = parts * (slots[slot] - 1);
      if (values[at + 1] === name && values[at + 2] === lowWord && values[at + 3] === high) return slots[slot] - 1;
    }
    if ((count + 1) * cellCount > maxCells) return -1;
    if (parts * count === values.length) values = grown(values, 2 * values.length);
    values.set([hash, name, lowWord, high, order], parts * count);
    slots[slot] = ++count;
    if (2 * count > slots.length) rehash();
    return count - 1;
  };
  return {
    add: (value, order, row) => {
      const number = numberOf(value, order);
      if (number < 0) return false;
      if (count * cellCount > cells.length) cells = grown(cells, Math.min(maxCells, Math.max(2 * cells.length, 256 * cellCount)));
      const at = number * cellCount;
      for (let i = 0; i < cellCount; i++) cells[at + i] += row[i];
      return true;
    },
    count: () => count,
    value: (number) => {
      const [hash, name, low, high, order] = values.subarray(parts * number, parts * number + parts);
      const { memory, starts } = texts.texts();
      return { hash, name, low, high, text: { memory, at: kindOfName(name) === comparedKind.text ? starts[low] : 0 }, order };
    },
    cells: (number) => cells.subarray(number * cellCount, (number + 1) * cellCount),
  };
}

function grown(numbers: Uint32Array, length: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(length);
  larger.set(numbers);
  return larger;
}

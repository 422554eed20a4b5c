import type { Kernels } from '#engine/kernels/kernels.ts';
import type { Tallied } from '#engine/kernels/tally.ts';
import { recordWords } from '#engine/kernels/value-records.ts';
import { attributeOfName, type LocalValue, type LocalValues, nilValue } from './compare-values.ts';
import { createFrequentValues, type FrequentValues } from './frequent-values.ts';
import { createRareValues, type RareValues, type SettledValue, type SideCounts } from './rare-values.ts';

/** How often values were met, by cell: interval + side · intervals (spec traceql §8.9). */
export interface CompareCounts {
  /** Takes what one column or list of a row group has. Memory moves. */
  readonly add: (tallied: Tallied, values: LocalValues) => void;
  /** Adds a count to each cell of an attribute's nil. */
  readonly addNil: (attribute: number, cells: Uint32Array) => void;
  /** The `most` commonest values of each attribute and side. Nothing may be added after that. */
  readonly kept: (attributeCount: number, most: number) => KeptValues;
}

/** Values with their counts. */
export interface KeptValues {
  /** In order of attributes and sides. */
  readonly commonest: readonly KeptValue[];
  /** The cells of all values of an attribute together. */
  readonly attribute: (attribute: number) => Float64Array;
  /** Gives memory back: call it when nothing is asked any more. */
  readonly close: () => void;
}

/** One value as one of the commonest of a side. */
export interface KeptValue {
  readonly value: SettledValue;
  /** 0: baseline, 1: selection. */
  readonly side: 0 | 1;
  /** Of both sides; the same array where the value is among the commonest of both. */
  readonly cells: Float64Array;
}

interface CountStore {
  readonly kernels: Kernels;
  readonly frequent: FrequentValues;
  readonly rare: RareValues;
  readonly cellCount: number;
  /** Values met so far. */
  order: number;
}

/** Nothing was met yet. `intervals`: of one side. `kernels`: what is tallied is in their memory. */
export function createCompareCounts(kernels: Kernels, intervals: number): CompareCounts {
  const cellCount = 2 * intervals;
  const store: CountStore = {
    kernels,
    frequent: createFrequentValues(cellCount),
    rare: createRareValues(kernels, cellCount),
    cellCount,
    order: 0,
  };
  return {
    add: (tallied, values) => addTallied(store, tallied, values),
    addNil: (attribute, cells) => addRow(store, nilValue(attribute), cells, store.order++),
    kept: (attributeCount, most) => keptValues(store, attributeCount, most),
  };
}

function addTallied(store: CountStore, tallied: Tallied, values: LocalValues): void {
  const { kernels, rare, cellCount, order } = store;
  const { byteOffset: rowsAt, length: rowWords } = tallied.rows;
  store.order += tallied.met.length;
  const mark = kernels.mark();
  const often = rare.addTallied(tallied, values, order);
  const rows = kernels.u32(rowsAt, rowWords);
  const memory = new Uint8Array(kernels.memory.buffer);
  for (let row = 0, at = 0; row < rowWords; row += cellCount, at += recordWords) {
    const [hash, name, low, high, , , , own] = often.subarray(at, at + recordWords);
    addRow(store, { hash, name, low, high, text: { memory, at: low } }, rows.subarray(row, row + cellCount), own);
  }
  kernels.release(mark);
}

function addRow({ frequent, rare, cellCount }: CountStore, value: LocalValue, row: Uint32Array, order: number): void {
  if (frequent.add(value, order, row)) return;
  const cells: number[] = [];
  for (let cell = 0; cell < cellCount; cell++) for (let i = row[cell]; i > 0; i--) cells.push(cell);
  rare.addOne(value, sidesOf(row), Uint32Array.from(cells), order);
}

function sidesOf(cells: Uint32Array): SideCounts {
  const sum = (from: number, to: number): number => {
    let total = 0;
    for (let i = from; i < to; i++) total += cells[i];
    return total;
  };
  return { baseline: sum(0, cells.length / 2), selection: sum(cells.length / 2, cells.length) };
}

function keptValues({ frequent, rare, cellCount }: CountStore, attributeCount: number, most: number): KeptValues {
  for (let number = 0; number < frequent.count(); number++) {
    const value = frequent.value(number);
    rare.addOne(value, sidesOf(frequent.cells(number)), number, value.order);
  }
  const { commonest, value, cells, attributes, close } = rare.settle(attributeCount, most, frequent.cells);
  for (let number = 0; number < frequent.count(); number++) {
    const at = cellCount * attributeOfName(frequent.value(number).name);
    const more = frequent.cells(number);
    for (let i = 0; i < cellCount; i++) attributes[at + i] += more[i];
  }
  const known = new Map<number, Float64Array>();
  const cellsOf = (record: number): Float64Array => {
    const sum = known.get(record) ?? cells(record);
    known.set(record, sum);
    return sum;
  };
  return {
    commonest: commonest.map(({ record, side }) => ({ value: value(record), side, cells: cellsOf(record) })),
    attribute: (attribute) => new Float64Array(attributes.subarray(attribute * cellCount, (attribute + 1) * cellCount)),
    close,
  };
}

import { AppError } from '#engine/base/errors.ts';
import type { Tallied } from '#engine/kernels/tally.ts';
import { commonest } from './commonest.ts';
import { attributeOfName, comparedKind, kindOfName, type LocalValue, type LocalValues, nilValue, valueReader } from './compare-values.ts';
import { createFrequentValues, type FrequentValues } from './frequent-values.ts';
import { createRareValues, type RareValues, type SettledValues } from './rare-values.ts';

/** How often values were met, by cell: interval + side · intervals (spec traceql §8.9). */
export interface CompareCounts {
  /** Takes what one column or list of a row group has. */
  readonly add: (tallied: Tallied, values: LocalValues) => void;
  /** Adds a count to each cell of an attribute's nil. */
  readonly addNil: (attribute: number, cells: Uint32Array) => void;
  /** The `most` commonest values of each attribute and side. Nothing may be added after that. */
  readonly kept: (attributeCount: number, most: number) => KeptValues;
  /** The cells of all values of an attribute together. */
  readonly attribute: (attribute: number) => Float64Array;
}

/** Values with their counts. */
export interface KeptValues {
  readonly values: SettledValues;
  /** Of each its index in `values` times two, plus the side; in order of attributes. */
  readonly sides: readonly number[];
  /** The cells of the value of an index. */
  readonly cells: (index: number) => Float64Array;
}

/** Bound for a job's memory. */
const maxAttributeCells = 2 ** 25;
/** Tells the number of a frequent value from where a list begins. */
const frequentFlag = 0x80000000;

interface CountStore {
  readonly frequent: FrequentValues;
  readonly rare: RareValues;
  attributes: Uint32Array<ArrayBuffer>;
  readonly cellCount: number;
  /** Values met so far. */
  order: number;
}

/** Nothing was met yet. `intervals`: of one side. */
export function createCompareCounts(intervals: number): CompareCounts {
  const cellCount = 2 * intervals;
  const store: CountStore = {
    frequent: createFrequentValues(cellCount),
    rare: createRareValues(),
    attributes: new Uint32Array(0),
    cellCount,
    order: 0,
  };
  return {
    add: (tallied, values) => addTallied(store, tallied, values),
    addNil: (attribute, cells) => addRow(store, nilValue(attribute), cells, 0),
    kept: (attributeCount, most) => keptValues(store, attributeCount, most),
    attribute: (attribute) => new Float64Array(store.attributes.subarray(attribute * cellCount, (attribute + 1) * cellCount)),
  };
}

function addTallied(store: CountStore, { met, tallies, rowsFrom, rows, lists }: Tallied, values: LocalValues): void {
  const { rare, cellCount } = store;
  const read = valueReader(values);
  const list = rare.addCells(lists);
  let listed = 0;
  let row = 0;
  for (const number of met) {
    const baseline = tallies[2 * number];
    const selection = tallies[2 * number + 1];
    const total = baseline + selection;
    const value = read(number);
    if (total >= rowsFrom) {
      addRow(store, value, rows, cellCount * row++);
      continue;
    }
    const attribute = attributeOfName(value.name);
    const attributes = attributeCells(store, attribute);
    const at = attribute * cellCount;
    for (let i = listed; i < listed + total; i++) attributes[at + lists[i]]++;
    addRare(store, value, baseline, selection, list + listed, store.order++);
    listed += total;
  }
}

function addRare({ rare }: CountStore, value: LocalValue, baseline: number, selection: number, list: number, order: number): void {
  const { hash, name, high, text } = value;
  const low = kindOfName(name) === comparedKind.text ? rare.addText(text.memory, text.at, high) : value.low;
  rare.add(hash, name, low, high, baseline, selection, list, order);
}

function addRow(store: CountStore, value: LocalValue, row: Uint32Array, from: number): void {
  const { frequent, rare, cellCount } = store;
  const attribute = attributeOfName(value.name);
  const attributes = attributeCells(store, attribute);
  const at = attribute * cellCount;
  for (let i = 0; i < cellCount; i++) attributes[at + i] += row[from + i];
  if (frequent.add(value, store.order++, row, from)) return;
  const cells: number[] = [];
  for (let cell = 0; cell < cellCount; cell++) for (let i = row[from + cell]; i > 0; i--) cells.push(cell);
  const { baseline, selection } = sidesOf(row.subarray(from, from + cellCount));
  addRare(store, value, baseline, selection, rare.addCells(Uint32Array.from(cells)), store.order++);
}

function sidesOf(cells: Uint32Array): { readonly baseline: number; readonly selection: number } {
  const sum = (from: number, to: number): number => {
    let total = 0;
    for (let i = from; i < to; i++) total += cells[i];
    return total;
  };
  return { baseline: sum(0, cells.length / 2), selection: sum(cells.length / 2, cells.length) };
}

/** The cells of all attributes, with room for this one. */
function attributeCells(store: CountStore, attribute: number): Uint32Array {
  const wanted = (attribute + 1) * store.cellCount;
  if (wanted <= store.attributes.length) return store.attributes;
  if (wanted > maxAttributeCells) {
    throw new AppError('resource_exhausted', 'too many attributes to compare in so many intervals; use a larger step');
  }
  const larger = new Uint32Array(Math.max(wanted, 2 * store.attributes.length));
  larger.set(store.attributes);
  store.attributes = larger;
  return larger;
}

function keptValues(store: CountStore, attributeCount: number, most: number): KeptValues {
  const { frequent, rare, cellCount } = store;
  for (let number = 0; number < frequent.count(); number++) {
    const value = frequent.value(number);
    const { baseline, selection } = sidesOf(frequent.cells(number));
    addRare(store, value, baseline, selection, frequentFlag + number, value.order);
  }
  const values = rare.settle();
  const lists = rare.cells();
  return {
    values,
    sides: keepCommonest(values, attributeCount, most),
    cells: (index) => {
      const sum = new Float64Array(cellCount);
      for (const { list, count } of values.lists(index)) {
        if (list >= frequentFlag)
          frequent.cells(list - frequentFlag).forEach((more, cell) => {
            sum[cell] += more;
          });
        else for (let i = list; i < list + count; i++) sum[lists[i]]++;
      }
      return sum;
    },
  };
}

/** The values (times two, plus the side) with the largest counts of each attribute and side. */
function keepCommonest(
  { count, names, baselines, selections, orders }: SettledValues,
  attributeCount: number,
  most: number,
): readonly number[] {
  const starts = new Uint32Array(2 * attributeCount + 1);
  for (let i = 0; i < count; i++) {
    const group = 2 * attributeOfName(names[i]);
    if (baselines[i] > 0) starts[group + 1]++;
    if (selections[i] > 0) starts[group + 2]++;
  }
  for (let group = 1; group < starts.length; group++) starts[group] += starts[group - 1];
  const ends = starts.slice();
  const sides = new Uint32Array(starts[2 * attributeCount]);
  const totals = new Uint32Array(sides.length);
  const met = new Uint32Array(sides.length);
  const put = (group: number, side: number, total: number, order: number): void => {
    const at = ends[group]++;
    sides[at] = side;
    totals[at] = total;
    met[at] = order;
  };
  for (let i = 0; i < count; i++) {
    const group = 2 * attributeOfName(names[i]);
    if (baselines[i] > 0) put(group, 2 * i, baselines[i], orders[i]);
    if (selections[i] > 0) put(group + 1, 2 * i + 1, selections[i], orders[i]);
  }
  const kept: number[] = [];
  for (let group = 0; group < 2 * attributeCount; group++) {
    const [from, to] = [starts[group], starts[group + 1]];
    for (const position of commonest(totals.subarray(from, to), met.subarray(from, to), most)) kept.push(sides[from + position]);
  }
  return kept;
}

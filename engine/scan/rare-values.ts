import { AppError } from '#engine/base/errors.ts';
import type { Kernels } from '#engine/kernels/kernels.ts';
import {
  addRecordCells,
  joinRecords,
  openRecordStore,
  type Picked,
  pickCommonest,
  type RecordBlock,
} from '#engine/kernels/record-store.ts';
import type { Tallied } from '#engine/kernels/tally.ts';
import { type RecordedValues, recordWords, talliedAt, writeRecords, writeTexts } from '#engine/kernels/value-records.ts';
import {
  attributeOfName,
  comparedKind,
  kindOfName,
  type LocalTexts,
  type LocalValue,
  type LocalValues,
  valueName,
} from './compare-values.ts';

/**
 * Values that a column of a row group holds a few times. Most of them are never met again, and looking each up in a large table is what costs most; so they are
 * only written down, and equal ones found at the end, bucket by bucket in the processor's cache. They are kept in the memory of kernels of their own.
 */
export interface RareValues {
  /**
   * Writes down what was met too rarely for a row. Returns the records of the others, in the order of their rows, with their hash as first word and the
   * addresses of their texts. `order`: of appearance of the first that was met. Takes space, so memory moves.
   */
  readonly addTallied: (tallied: Tallied, values: LocalValues, order: number) => Uint32Array;
  /** Writes one value down that was met in these cells, or in cells that stand elsewhere under a number. */
  readonly addOne: (value: LocalValue, counts: SideCounts, cells: Uint32Array | number, order: number) => void;
  /** Finds equal values, and the `most` commonest of each attribute and side. Nothing may be added after that. `elsewhere`: cells by number. */
  readonly settle: (attributeCount: number, most: number, elsewhere: (number: number) => Uint32Array) => SettledValues;
}

/** How often a value was met on each side. */
export interface SideCounts {
  readonly baseline: number;
  readonly selection: number;
}

/** What was written down. */
export interface SettledValues {
  /** The commonest of attribute 0 and the baseline first, then those of its selection, then those of attribute 1. */
  readonly commonest: readonly Picked[];
  /** The value of a record. */
  readonly value: (record: number) => SettledValue;
  /** How often it was met in each cell. */
  readonly cells: (record: number) => Float64Array;
  /** The cells of all values of each attribute together, but for those that stand elsewhere: a row for each. */
  readonly attributes: Uint32Array;
  /** Gives the memory back: call it when nothing is asked any more. */
  readonly close: () => void;
}

/** A value and its name: low and high of texts mean nothing. */
export interface SettledValue {
  readonly name: number;
  readonly low: number;
  readonly high: number;
  readonly text: () => string;
}

/** Bounds for a job's memory. */
const maxRecords = 2 ** 23;
const maxStoredBytes = 2 ** 30;
const maxSettlingBytes = 2 ** 29;
const maxAttributeCells = 2 ** 25;
/** Tells a number of cells that stand elsewhere from an address. */
const elsewhereFlag = 0x80000000;
const recordBytes = 4 * recordWords;

interface Store {
  readonly kernels: Kernels;
  readonly close: () => void;
  readonly cellCount: number;
  readonly blocks: RecordBlock[];
  count: number;
  storedBytes: number;
  /** Cells of all attributes, how many records each has, and for how many there is room. */
  rows: number;
  recordCounts: number;
  attributeRoom: number;
}

/** Nothing was met yet. `kernels`: what is tallied is in their memory. */
export function createRareValues(kernels: Kernels, cellCount: number): RareValues {
  let opened: Store | undefined;
  const store = (): Store => (opened ??= openStore(kernels, cellCount));
  return {
    addTallied: (tallied, values, order) => addTallied(store(), kernels, tallied, values, order),
    addOne: (value, counts, cells, order) => addOne(store(), value, counts, cells, order),
    settle: (attributeCount, most, elsewhere) => settle(store(), attributeCount, most, elsewhere),
  };
}

function openStore(kernels: Kernels, cellCount: number): Store {
  const memory = openRecordStore(kernels, maxStoredBytes + maxSettlingBytes);
  const store = { ...memory, cellCount, blocks: [], count: 0, storedBytes: 0, rows: 0, recordCounts: 0, attributeRoom: 0 };
  needAttributes(store, 1);
  return store;
}

function take(store: Store, sizeBytes: number): number {
  store.storedBytes += sizeBytes;
  if (store.storedBytes > maxStoredBytes) throw tooMany();
  return store.kernels.alloc(sizeBytes);
}

function tooMany(): AppError {
  return new AppError('resource_exhausted', 'too many attribute values to compare in one job; narrow the query');
}

/** Makes room for the cells of so many attributes. */
function needAttributes(store: Store, count: number): void {
  const { kernels, cellCount, attributeRoom } = store;
  if (count <= attributeRoom) return;
  if (count * cellCount > maxAttributeCells) {
    throw new AppError('resource_exhausted', 'too many attributes to compare in so many intervals; use a larger step');
  }
  const room = Math.max(count, Math.min(2 * attributeRoom, Math.floor(maxAttributeCells / cellCount)));
  const grown = (from: number, words: number): number => {
    const at = kernels.alloc(4 * words * room);
    const all = kernels.u32(at, words * room).fill(0);
    all.set(kernels.u32(from, words * attributeRoom));
    return at;
  };
  store.rows = grown(store.rows, cellCount);
  store.recordCounts = grown(store.recordCounts, 1);
  store.attributeRoom = room;
}

function addBlock(store: Store, block: RecordBlock, topName: number): void {
  store.count += block.count;
  if (store.count > maxRecords) throw tooMany();
  store.blocks.push(block);
  needAttributes(store, attributeOfName(topName) + 1);
  addRecordCells(store.kernels, block, store.cellCount, store.rows, store.recordCounts);
}

function addTallied(store: Store, kernels: Kernels, tallied: Tallied, values: LocalValues, order: number): Uint32Array {
  const { byteOffset: listsAt, byteLength: listBytes } = tallied.lists;
  const at = talliedAt(tallied, store.cellCount);
  const source = placeValues(kernels, values);
  const lists = take(store, listBytes);
  const written = writeRecords(kernels, at, source, lists, order);
  const { count, textBytes, topName, oftenAt } = written;
  if (count > 0) {
    const texts = take(store, textBytes);
    const textsAt = writeTexts(kernels, written, source, texts);
    const hashes = take(store, 4 * count);
    const records = take(store, recordBytes * count);
    const copy = (from: number, to: number, sizeBytes: number): void => store.kernels.u8(to, sizeBytes).set(kernels.u8(from, sizeBytes));
    copy(listsAt, lists, listBytes);
    copy(textsAt, texts, textBytes);
    copy(written.hashes, hashes, 4 * count);
    copy(written.records, records, recordBytes * count);
    addBlock(store, { hashes, records, count }, topName);
  }
  return kernels.u32(oftenAt, recordWords * at.rowCount);
}

/** Where the values stand; texts from elsewhere are copied. */
function placeValues(kernels: Kernels, { attribute, members, texts }: LocalValues): RecordedValues {
  const name = valueName(attribute, members === undefined ? comparedKind.text : 0);
  const placed = { name, members: members?.byteOffset ?? 0 };
  if (texts === undefined) return { ...placed, texts: { base: 0, starts: 0, skip: 0, hashes: 0 } };
  const { memory, base, starts, skip, hashes } = texts;
  if (memory.buffer === kernels.memory.buffer) {
    return { ...placed, texts: { base, starts: starts.byteOffset, skip, hashes: hashes.byteOffset } };
  }
  return { ...placed, texts: putTexts(kernels, texts) };
}

function putTexts(kernels: Kernels, { memory, base, starts, skip, hashes }: LocalTexts): RecordedValues['texts'] {
  const put = (words: Uint32Array): number => kernels.put(new Uint8Array(words.buffer, words.byteOffset, words.byteLength));
  return { base: kernels.put(memory) + base, starts: put(starts), skip, hashes: put(hashes) };
}

function addOne(
  store: Store,
  { hash, name, low, high, text }: LocalValue,
  counts: SideCounts,
  cells: Uint32Array | number,
  order: number,
): void {
  const { kernels } = store;
  const isText = kindOfName(name) === comparedKind.text;
  const textAt = isText ? take(store, high) : low;
  const list = typeof cells === 'number' ? cells + elsewhereFlag : take(store, cells.byteLength);
  const hashes = take(store, 4);
  const records = take(store, recordBytes);
  if (isText) kernels.u8(textAt, high).set(text.memory.subarray(text.at, text.at + high));
  if (typeof cells !== 'number') kernels.u32(list, cells.length).set(cells);
  kernels.u32(hashes, 1)[0] = hash;
  kernels.u32(records, recordBytes / 4).set([0, name, textAt, high, counts.baseline, counts.selection, list, order]);
  addBlock(store, { hashes, records, count: 1 }, name);
}

function settle(store: Store, attributeCount: number, most: number, elsewhere: (number: number) => Uint32Array): SettledValues {
  const { kernels, blocks, cellCount, close } = store;
  needAttributes(store, attributeCount);
  joinRecords(kernels, blocks);
  const commonest = pickCommonest(kernels, blocks, kernels.u32(store.recordCounts, attributeCount).slice(), most);
  const words = new Uint32Array(kernels.memory.buffer);
  return {
    commonest,
    value: (record) => {
      const [name, low, high] = words.subarray(record / 4 + 1, record / 4 + 4);
      return { name, low, high, text: () => Buffer.from(words.buffer, low, high).toString('utf8') };
    },
    cells: (record) => {
      const sum = new Float64Array(cellCount);
      addCellsOf(words, record, sum, elsewhere);
      return sum;
    },
    attributes: words.subarray(store.rows / 4, store.rows / 4 + attributeCount * cellCount),
    close,
  };
}

/** Adds the cells of a record and of those joined to it, whose counts are in its own. */
function addCellsOf(words: Uint32Array, record: number, sum: Float64Array, elsewhere: (number: number) => Uint32Array): void {
  const add = (list: number, count: number): void => {
    if (list >= elsewhereFlag) {
      const cells = elsewhere(list - elsewhereFlag);
      for (let cell = 0; cell < cells.length; cell++) sum[cell] += cells[cell];
    } else for (let i = list / 4; i < list / 4 + count; i++) sum[words[i]]++;
  };
  const first = record / 4;
  let own = words[first + 4] + words[first + 5];
  for (let next = words[first] / 4; next !== 0; next = words[next] / 4) {
    const count = words[next + 4] + words[next + 5];
    own -= count;
    add(words[next + 6], count);
  }
  add(words[first + 6], own);
}

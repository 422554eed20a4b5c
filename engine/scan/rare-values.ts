import { AppError } from '#engine/base/errors.ts';
import { comparedKind, kindOfName } from './compare-values.ts';

/**
 * Values that a column of a row group holds a few times. Most of them are never met again, and looking each up in a large table is what costs most; so they are
 * only written down, in buckets by hash, and equal ones found at the end, bucket by bucket in the processor's cache.
 */
export interface RareValues {
  /**
   * Writes a value down. `low` and `high`: of a text what {@link RareValues.addText} said, and its length. `list`: where the cells begin that it was met in, as
   * {@link RareValues.addCells} said, or whatever tells the caller where they are. `order`: of appearance.
   */
  readonly add: (
    hash: number,
    name: number,
    low: number,
    high: number,
    baseline: number,
    selection: number,
    list: number,
    order: number,
  ) => void;
  /** Keeps a text's bytes and returns where they begin. */
  readonly addText: (memory: Uint8Array, at: number, length: number) => number;
  /** Keeps cells and returns where they begin. */
  readonly addCells: (cells: Uint32Array) => number;
  readonly cells: () => Uint32Array;
  /** Finds equal values. Nothing may be added after that. */
  readonly settle: () => SettledValues;
}

/** Distinct values as columns. */
export interface SettledValues {
  readonly count: number;
  readonly names: Uint32Array;
  readonly baselines: Uint32Array;
  readonly selections: Uint32Array;
  /** When each was met first. */
  readonly orders: Uint32Array;
  /** What was added for a value: where its cells are, and how many. */
  readonly lists: (index: number) => readonly { readonly list: number; readonly count: number }[];
  readonly low: (index: number) => number;
  readonly high: (index: number) => number;
  readonly text: (index: number) => string;
}

const bucketBits = 8;
/** A record: hash (once settled: the next equal record plus 1), name, low (of texts: start), high (of texts: length), baseline, selection, list, order. */
const recordWords = 8;
const duplicate = 0xffffffff;
/** Bounds for a job's memory. */
const maxRecords = 2 ** 23;
const maxListed = 2 ** 25;
const maxTextBytes = 2 ** 30;
/** Longer texts are copied by the runtime: a call costs as much as so many bytes. */
const fewBytes = 64;

interface Bucket {
  words: Uint32Array<ArrayBuffer>;
  end: number;
}

interface Texts {
  bytes: Uint8Array<ArrayBuffer>;
  end: number;
}

/** Nothing was met yet. */
export function createRareValues(): RareValues {
  const buckets: Bucket[] = Array.from({ length: 1 << bucketBits }, () => ({ words: new Uint32Array(16 * recordWords), end: 0 }));
  const texts: Texts = { bytes: new Uint8Array(1 << 16), end: 0 };
  let cells = new Uint32Array(1 << 12);
  let cellsEnd = 0;
  let count = 0;

  return {
    add: (hash, name, low, high, baseline, selection, list, order) => {
      if (++count > maxRecords) throw tooMany();
      const bucket = buckets[hash >>> (32 - bucketBits)];
      const at = bucket.end;
      if (at === bucket.words.length) bucket.words = new Uint32Array(bucket.words.buffer.transfer(2 * bucket.words.byteLength));
      const { words } = bucket;
      words[at] = hash;
      words[at + 1] = name;
      words[at + 2] = low;
      words[at + 3] = high;
      words[at + 4] = baseline;
      words[at + 5] = selection;
      words[at + 6] = list;
      words[at + 7] = order;
      bucket.end = at + recordWords;
    },
    addText: (memory, at, length) => {
      const start = texts.end;
      const end = start + length;
      if (end > maxTextBytes) throw tooMany();
      if (end > texts.bytes.length) texts.bytes = new Uint8Array(texts.bytes.buffer.transfer(Math.max(end, 2 * texts.bytes.length)));
      const { bytes } = texts;
      if (length > fewBytes) bytes.set(memory.subarray(at, at + length), start);
      else for (let i = 0; i < length; i++) bytes[start + i] = memory[at + i];
      texts.end = end;
      return start;
    },
    addCells: (more) => {
      const start = cellsEnd;
      cellsEnd += more.length;
      if (cellsEnd > maxListed) throw tooMany();
      if (cellsEnd > cells.length) cells = new Uint32Array(cells.buffer.transfer(4 * Math.max(cellsEnd, 2 * cells.length)));
      cells.set(more, start);
      return start;
    },
    cells: () => cells,
    settle: () => settledValues(buckets, texts.bytes, count),
  };
}

function tooMany(): AppError {
  return new AppError('resource_exhausted', 'too many attribute values to compare in one job; narrow the query');
}

function settledValues(buckets: readonly Bucket[], bytes: Uint8Array, recordCount: number): SettledValues {
  const refs = new Uint32Array(recordCount);
  const names = new Uint32Array(recordCount);
  const baselines = new Uint32Array(recordCount);
  const selections = new Uint32Array(recordCount);
  const orders = new Uint32Array(recordCount);
  let count = 0;
  let table = new Uint32Array(0);
  buckets.forEach(({ words, end }, bucket) => {
    const size = 2 ** Math.ceil(Math.log2(Math.max(16, (4 * end) / recordWords)));
    if (table.length < size) table = new Uint32Array(size);
    settleBucket(words, end, bytes, table.subarray(0, size).fill(0));
    for (let at = 0; at < end; at += recordWords) {
      if (words[at + 1] === duplicate) continue;
      refs[count] = (bucket << (32 - bucketBits)) | (at / recordWords);
      names[count] = words[at + 1];
      baselines[count] = words[at + 4];
      selections[count] = words[at + 5];
      orders[count++] = words[at + 7];
    }
  });
  const placeOf = (index: number) => ({
    words: buckets[refs[index] >>> (32 - bucketBits)].words,
    at: recordWords * (refs[index] & (2 ** (32 - bucketBits) - 1)),
  });
  return {
    count,
    names,
    baselines,
    selections,
    orders,
    lists: (index) => {
      const { words, at } = placeOf(index);
      const lists: { list: number; count: number }[] = [];
      let own = words[at + 4] + words[at + 5];
      for (let next = words[at]; next > 0; next = words[next - 1]) {
        const more = words[next + 3] + words[next + 4];
        own -= more;
        lists.push({ list: words[next + 5], count: more });
      }
      return [{ list: words[at + 6], count: own }, ...lists];
    },
    low: (index) => {
      const { words, at } = placeOf(index);
      return words[at + 2];
    },
    high: (index) => {
      const { words, at } = placeOf(index);
      return words[at + 3];
    },
    text: (index) => {
      const { words, at } = placeOf(index);
      return Buffer.from(bytes.buffer, bytes.byteOffset + words[at + 2], words[at + 3]).toString('utf8');
    },
  };
}

/** Joins equal records of a bucket: the first gets the counts of all, and begins a chain of the others. `table`: open addressing, hash and place plus 1. */
function settleBucket(words: Uint32Array, end: number, bytes: Uint8Array, table: Uint32Array): void {
  const mask = table.length - 2;
  for (let at = 0; at < end; at += recordWords) {
    const hash = words[at];
    for (let slot = (2 * hash) & mask; ; slot = (slot + 2) & mask) {
      const first = table[slot + 1] - 1;
      if (first < 0) {
        table[slot] = hash;
        table[slot + 1] = at + 1;
        words[at] = 0;
        break;
      }
      if (table[slot] !== hash || !areEqual(words, first, at, bytes)) continue;
      words[first + 4] += words[at + 4];
      words[first + 5] += words[at + 5];
      if (words[at + 7] < words[first + 7]) words[first + 7] = words[at + 7];
      words[at] = words[first];
      words[first] = at + 1;
      words[at + 1] = duplicate;
      break;
    }
  }
}

function areEqual(words: Uint32Array, a: number, b: number, bytes: Uint8Array): boolean {
  if (words[a + 1] !== words[b + 1] || words[a + 3] !== words[b + 3]) return false;
  if (kindOfName(words[a + 1]) !== comparedKind.text) return words[a + 2] === words[b + 2];
  const [from, to] = [words[a + 2], words[b + 2]];
  for (let i = 0; i < words[a + 3]; i++) if (bytes[from + i] !== bytes[to + i]) return false;
  return true;
}

import type { Pages } from '#engine/kernels/kernels.ts';
import type { LeafColumn } from '#engine/parquet/schema.ts';
import type { Scope } from '#engine/traceql/ast.ts';
import type { Comparison } from './compare.ts';
import { halvesAt } from './counted-spans.ts';
import { textOf } from './label-values.ts';
import { dictionaryOf, onColumn, pagesOf, type RowGroup } from './row-group.ts';
import type { ScanState } from './scan-state.ts';
import { slotsAtLevel } from './slots.ts';

const nullId = 0xffffffff;
/** Levels with attribute lists, and the scope of what stands there. */
const levels = [
  { level: 'span', scope: 'span', repetition: 3 },
  { level: 'resource', scope: 'resource', repetition: 1 },
  { level: 'scope', scope: 'instrumentation', repetition: 2 },
] as const satisfies readonly { readonly level: string; readonly scope: Scope; readonly repetition: number }[];

/** Counts the values of all attributes that stand in generic lists. */
export async function countListAttributes(comparison: Comparison, state: ScanState, spans: Uint32Array, cells: Uint32Array): Promise<void> {
  const { attributeLists } = state.prepared.schema.version;
  for (const { level, scope, repetition } of levels) {
    const path = attributeLists[level];
    const key = path === undefined ? undefined : state.group.file.columns.get(`${path}.Key`);
    if (path === undefined || key === undefined) continue;
    const lists = await readLists(comparison, state.group, key, path, scope, repetition);
    if (lists === undefined) continue;
    const { slots, positions } = await slotsAtLevel(state, spans, level);
    countEntries(comparison, lists, slots, positions, cells);
  }
}

/** The attributes of one level: those of slot s are the entries `[starts[s], starts[s + 1])`; each has its pair, or -1 for a list without attributes. */
interface Lists {
  readonly starts: Uint32Array;
  readonly pairs: Int32Array;
}

function countEntries(
  { counts }: Comparison,
  { starts, pairs }: Lists,
  slots: Uint32Array,
  positions: Uint32Array,
  cells: Uint32Array,
): void {
  for (let i = 0; i < positions.length; i++) {
    const slot = slots[positions[i]];
    const cell = cells[i];
    for (let entry = starts[slot]; entry < starts[slot + 1]; entry++) if (pairs[entry] >= 0) counts.add(pairs[entry], cell);
  }
}

async function readLists(
  comparison: Comparison,
  group: RowGroup,
  key: LeafColumn,
  path: string,
  scope: Scope,
  repetition: number,
): Promise<Lists | undefined> {
  const { kernels } = group;
  const dictionary = await dictionaryOf(group, key);
  if (dictionary === undefined) return undefined;
  const keys = await pagesOf(group, key);
  const count = keys.entryCount;
  const idsAt = kernels.alloc(4 * count);
  await onColumn(group, key, () => kernels.ids(keys, dictionary.count, idsAt));
  const starts = startsOf(group, keys, repetition);
  const offsets = kernels.u32(dictionary.offsets, dictionary.count + 1);
  const attributes = Int32Array.from({ length: dictionary.count }, (_, id) => {
    const name = textOf(kernels, dictionary.at + offsets[id] + 4, offsets[id + 1] - offsets[id] - 4, 'text');
    return comparison.attribute({ kind: 'attribute', scope, name, parent: false });
  });
  const attributeOf = new Int32Array(count);
  const ids = kernels.u32(idsAt, count);
  for (let i = 0; i < count; i++) attributeOf[i] = ids[i] === nullId ? -1 : attributes[ids[i]];
  const lists = { starts, pairs: new Int32Array(count).fill(-1) };
  const columns = ['Value', 'ValueInt', 'ValueDouble', 'ValueBool'].map((name) => group.file.columns.get(`${path}.${name}`));
  for (const column of columns) if (column !== undefined) await readValuePairs(comparison, group, column, keys, attributeOf, lists.pairs);
  // What is stored in another way (maps, bytes, empty and mixed arrays) has no value that could be shown.
  const nil = comparison.values.ofNil();
  for (let i = 0; i < count; i++) {
    if (lists.pairs[i] < 0 && attributeOf[i] >= 0) lists.pairs[i] = comparison.counts.pairOf(attributeOf[i], nil);
  }
  return lists;
}

/** First entry of each slot whose repetition level is up to `level`, with the number of entries behind the last. */
function startsOf({ kernels }: RowGroup, pages: Pages, level: number): Uint32Array {
  const count = pages.entryCount;
  const repetitions = kernels.alloc(count);
  kernels.repetitions(pages, repetitions);
  const at = kernels.alloc(4 * (count + 1));
  const total = kernels.starts(repetitions, count, level, at, count);
  return kernels.u32(at, total + 1).slice();
}

/** Reads one value column; `firsts`: where the values of each attribute start, undefined where each has one entry. */
async function readValuePairs(
  comparison: Comparison,
  group: RowGroup,
  column: LeafColumn,
  keys: Pages,
  attributeOf: Int32Array,
  pairs: Int32Array,
): Promise<void> {
  const pages = await pagesOf(group, column);
  if (pages.valueCount === 0) return;
  const firsts = pages.entryCount === keys.entryCount ? undefined : startsOf(group, pages, keys.shape.maxRepetition);
  const valueAt = await valueReader(comparison, group, column, pages);
  const nil = comparison.values.ofNil();
  for (let i = 0; i < attributeOf.length; i++) {
    if (attributeOf[i] < 0) continue;
    const entry = firsts === undefined ? i : firsts[i];
    if (firsts !== undefined && firsts[i + 1] - entry > 1) pairs[i] = comparison.counts.pairOf(attributeOf[i], nil);
    else {
      const pair = valueAt(entry, attributeOf[i]);
      if (pair >= 0) pairs[i] = pair;
    }
  }
}

/** Reads the pair of an entry's value and attribute; -1 where the entry is null. */
type ValueReader = (entry: number, attribute: number) => number;

async function valueReader(comparison: Comparison, group: RowGroup, column: LeafColumn, pages: Pages): Promise<ValueReader> {
  switch (column.type) {
    case 'bytes':
      return textReader(comparison, group, column, pages);
    case 'double':
      return doubleReader(comparison, group, column, pages);
    case 'boolean':
      return booleanReader(comparison, group, column, pages);
    default:
      return intReader(comparison, group, column, pages);
  }
}

/** A text mostly belongs to one attribute only: that pair is kept beside the text, those of others are looked up. */
async function textReader({ counts, values }: Comparison, group: RowGroup, column: LeafColumn, pages: Pages): Promise<ValueReader> {
  const { kernels } = group;
  const dictionary = await dictionaryOf(group, column);
  if (dictionary === undefined) {
    const pairsAt = kernels.alloc(8 * pages.entryCount);
    await onColumn(group, column, () => kernels.byteArrays(pages, pairsAt));
    const places = kernels.u32(pairsAt, 2 * pages.entryCount).slice();
    return (entry, attribute) => {
      const length = places[2 * entry + 1];
      return length === nullId ? -1 : counts.pairOf(attribute, values.ofText(kernels, places[2 * entry], length, 'text'));
    };
  }
  const idsAt = kernels.alloc(4 * pages.entryCount);
  await onColumn(group, column, () => kernels.ids(pages, dictionary.count, idsAt));
  const ids = kernels.u32(idsAt, pages.entryCount);
  const offsets = kernels.u32(dictionary.offsets, dictionary.count + 1);
  const numbers = new Uint32Array(dictionary.count);
  const owners = new Int32Array(dictionary.count).fill(-1);
  const ownPairs = new Int32Array(dictionary.count);
  return (entry, attribute) => {
    const id = ids[entry];
    if (id === nullId) return -1;
    if (owners[id] === attribute) return ownPairs[id];
    if (numbers[id] === 0) numbers[id] = values.ofText(kernels, dictionary.at + offsets[id] + 4, offsets[id + 1] - offsets[id] - 4, 'text');
    const pair = counts.pairOf(attribute, numbers[id]);
    if (owners[id] < 0) {
      owners[id] = attribute;
      ownPairs[id] = pair;
    }
    return pair;
  };
}

async function intReader({ counts, values }: Comparison, group: RowGroup, column: LeafColumn, pages: Pages): Promise<ValueReader> {
  const { kernels } = group;
  const at = kernels.alloc(8 * pages.entryCount);
  const presentAt = kernels.alloc(pages.entryCount);
  await onColumn(group, column, () => {
    kernels.ints(pages, at);
    kernels.matchPresent(pages, presentAt);
  });
  const { low, high } = halvesAt(kernels, at, pages.entryCount);
  const present = kernels.u8(presentAt, pages.entryCount);
  return (entry, attribute) =>
    present[entry] === 0 ? -1 : counts.pairOf(attribute, values.ofInt(low[2 * entry], high[2 * entry + 1], 'int'));
}

async function doubleReader({ counts, values }: Comparison, group: RowGroup, column: LeafColumn, pages: Pages): Promise<ValueReader> {
  const { kernels } = group;
  const at = kernels.alloc(8 * pages.entryCount);
  const presentAt = kernels.alloc(pages.entryCount);
  await onColumn(group, column, () => {
    kernels.doubles(pages, at);
    kernels.matchPresent(pages, presentAt);
  });
  const doubles = kernels.f64(at, pages.entryCount);
  const present = kernels.u8(presentAt, pages.entryCount);
  return (entry, attribute) => (present[entry] === 0 ? -1 : counts.pairOf(attribute, values.ofDouble(doubles[entry])));
}

async function booleanReader({ counts, values }: Comparison, group: RowGroup, column: LeafColumn, pages: Pages): Promise<ValueReader> {
  const at = group.kernels.alloc(pages.entryCount);
  await onColumn(group, column, () => group.kernels.booleans(pages, at));
  const booleans = group.kernels.u8(at, pages.entryCount);
  return (entry, attribute) => (booleans[entry] === 2 ? -1 : counts.pairOf(attribute, values.ofBoolean(booleans[entry] === 1)));
}

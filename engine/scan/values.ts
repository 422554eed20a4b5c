import { AppError } from '#engine/base/errors.ts';
import type { Dictionary, Pages } from '#engine/kernels/kernels.ts';
import type { LeafColumn } from '#engine/parquet/schema.ts';
import type { ColumnSource, ListSource, Meaning, SourceGroup } from '#engine/vparquet/sources.ts';
import { dictionaryOf, onColumn, pagesOf, type RowGroup } from './row-group.ts';
import { slotBound } from './structure.ts';

/** What a slot holds: see {@link Values}. */
export const valueKind = { absent: 0, text: 1, int: 2, double: 3, boolean: 4, list: 5 } as const;

/** Values of one attribute for a list of slots, as columns. Texts stay in WASM memory; equal dictionary entries have equal addresses. */
export interface Values {
  /** How numbers and bytes are to be printed. */
  readonly meaning: Meaning;
  /** {@link valueKind} of each slot. */
  readonly kinds: Uint8Array;
  readonly textAt: Uint32Array;
  readonly textLength: Uint32Array;
  readonly ints: BigInt64Array;
  /** Doubles, and booleans as 0 or 1. */
  readonly numbers: Float64Array;
  /** Elements of slots that hold more than one value, by position. */
  readonly lists: ReadonlyMap<number, readonly ElementValue[]>;
}

/** One element of an array. Texts as address and length. */
export type ElementValue =
  | { readonly kind: 'text'; readonly at: number; readonly length: number }
  | { readonly kind: 'int'; readonly value: bigint }
  | { readonly kind: 'double'; readonly value: number }
  | { readonly kind: 'boolean'; readonly value: boolean };

type MutableValues = Values & { readonly lists: Map<number, readonly ElementValue[]> };

/** Reads the values of a source group for ascending, distinct slots of its level; of generic lists only those types, where given. */
export async function readValues(
  group: RowGroup,
  sources: SourceGroup,
  slots: Uint32Array,
  types?: ReadonlySet<LeafColumn['type']>,
): Promise<Values> {
  const first = sources.sources[0];
  const values: MutableValues = {
    // Behind a column of integers the generic list may hold texts of the same attribute.
    meaning: first?.kind === 'column' && first.meaning !== 'int' ? first.meaning : 'text',
    kinds: new Uint8Array(slots.length),
    textAt: new Uint32Array(slots.length),
    textLength: new Uint32Array(slots.length),
    ints: new BigInt64Array(slots.length),
    numbers: new Float64Array(slots.length),
    lists: new Map(),
  };
  if (slots.length === 0) return values;
  for (const source of sources.sources) {
    if (source.kind === 'column') await readColumn(group, source, slots, values);
    else await readList(group, source, slots, values, types);
  }
  if (first?.kind === 'column' && first.emptyIsAbsent) showEmptyTexts(values);
  return values;
}

/** An empty text must not become the first element of a list when a generic attribute has the value. */
function hideEmptyTexts({ kinds, textLength }: MutableValues): void {
  for (let i = 0; i < kinds.length; i++) if (kinds[i] === valueKind.text && textLength[i] === 0) kinds[i] = valueKind.absent;
}

/** Where no other source had a value, the empty text of such a column is the value after all: `resource.service.name` is never missing. */
function showEmptyTexts({ kinds }: MutableValues): void {
  for (let i = 0; i < kinds.length; i++) if (kinds[i] === valueKind.absent) kinds[i] = valueKind.text;
}

async function readColumn(group: RowGroup, source: ColumnSource, slots: Uint32Array, values: MutableValues): Promise<void> {
  const { column } = source;
  const pages = await pagesOf(group, column);
  if (!source.repeatedValues || pages.entryCount === slotBound(group, source.level)) {
    const positions = Uint32Array.from(slots, (_, i) => i);
    await readEntries(group, column, pages, slots, positions, values);
    if (source.emptyIsAbsent) hideEmptyTexts(values);
  } else {
    const { entries, positions } = await onColumn(group, column, () => entriesOf(group, pages, column.maxRepetition - 1, slots, undefined));
    await readEntries(group, column, pages, entries, positions, values);
  }
}

/** The entries of parents (slots, or attributes), with for each entry the position that its parent has in the answer. */
function entriesOf(group: RowGroup, pages: Pages, level: number, parents: Uint32Array, parentPositions: Uint32Array | undefined) {
  const { kernels } = group;
  const count = pages.entryCount;
  const repetitions = kernels.alloc(count);
  kernels.repetitions(pages, repetitions);
  const startsAt = kernels.alloc(4 * (count + 1));
  const total = kernels.starts(repetitions, count, level, startsAt, count);
  const starts = kernels.u32(startsAt, total + 1);
  const entries: number[] = [];
  const positions: number[] = [];
  for (let i = 0; i < parents.length; i++) {
    if (parents[i] >= total) throw new AppError('corrupt_block', `it has ${total} lists, list ${parents[i]} is wanted`);
    for (let entry = starts[parents[i]]; entry < starts[parents[i] + 1]; entry++) {
      entries.push(entry);
      positions.push(parentPositions ? parentPositions[i] : i);
    }
  }
  return { entries: Uint32Array.from(entries), positions: Uint32Array.from(positions) };
}

/** Reads entries of a column into the values at `positions`; nulls leave them alone. A second value for a position makes it a list. */
async function readEntries(
  group: RowGroup,
  column: LeafColumn,
  pages: Pages,
  entries: Uint32Array,
  positions: Uint32Array,
  values: MutableValues,
): Promise<void> {
  if (entries.length === 0) return;
  const dictionary = column.type === 'bytes' ? await dictionaryOf(group, column) : undefined;
  await onColumn(group, column, () => {
    const { kernels } = group;
    const entriesAt = kernels.alloc(4 * entries.length);
    kernels.u32(entriesAt, entries.length).set(entries);
    switch (column.type) {
      case 'bytes':
        return readTexts(group, pages, dictionary, entriesAt, positions, values);
      case 'int32':
      case 'int64':
        return readInts(group, pages, entriesAt, positions, values);
      case 'double':
        return readDoubles(group, pages, entriesAt, positions, values);
      case 'boolean':
        return readBooleans(group, pages, entriesAt, positions, values);
    }
  });
}

function readTexts(
  group: RowGroup,
  pages: Pages,
  dictionary: Dictionary | undefined,
  entries: number,
  positions: Uint32Array,
  values: MutableValues,
): void {
  const { kernels } = group;
  const count = positions.length;
  const add = (i: number, at: number, length: number) => {
    const position = positions[i];
    if (values.kinds[position] !== valueKind.absent) return addElement(values, position, { kind: 'text', at, length });
    values.kinds[position] = valueKind.text;
    values.textAt[position] = at;
    values.textLength[position] = length;
  };
  if (dictionary === undefined) {
    const pairsAt = kernels.alloc(8 * count);
    kernels.gatherByteArrays(pages, entries, count, pairsAt);
    const pairs = kernels.u32(pairsAt, 2 * count);
    for (let i = 0; i < count; i++) if (pairs[2 * i + 1] !== 0xffffffff) add(i, pairs[2 * i], pairs[2 * i + 1]);
    return;
  }
  const idsAt = kernels.alloc(4 * count);
  kernels.gatherIds(pages, dictionary.count, entries, count, idsAt);
  const ids = kernels.u32(idsAt, count);
  const offsets = kernels.u32(dictionary.offsets, dictionary.count + 1);
  for (let i = 0; i < count; i++) {
    const id = ids[i];
    if (id !== 0xffffffff) add(i, dictionary.at + offsets[id] + 4, offsets[id + 1] - offsets[id] - 4);
  }
}

function readInts(group: RowGroup, pages: Pages, entries: number, positions: Uint32Array, values: MutableValues): void {
  const { kernels } = group;
  const count = positions.length;
  const intsAt = kernels.alloc(8 * count);
  kernels.gatherInts(pages, entries, count, intsAt);
  const present = presentEntries(group, pages, entries, count);
  const ints = kernels.i64(intsAt, count);
  for (let i = 0; i < count; i++) {
    if (present !== undefined && present[i] === 0) continue;
    const position = positions[i];
    if (values.kinds[position] !== valueKind.absent) addElement(values, position, { kind: 'int', value: ints[i] });
    else {
      values.kinds[position] = valueKind.int;
      values.ints[position] = ints[i];
    }
  }
}

function readDoubles(group: RowGroup, pages: Pages, entries: number, positions: Uint32Array, values: MutableValues): void {
  const { kernels } = group;
  const count = positions.length;
  const doublesAt = kernels.alloc(8 * count);
  kernels.gatherDoubles(pages, entries, count, doublesAt);
  const present = presentEntries(group, pages, entries, count);
  const doubles = kernels.f64(doublesAt, count);
  for (let i = 0; i < count; i++) {
    if (present !== undefined && present[i] === 0) continue;
    const position = positions[i];
    if (values.kinds[position] !== valueKind.absent) addElement(values, position, { kind: 'double', value: doubles[i] });
    else {
      values.kinds[position] = valueKind.double;
      values.numbers[position] = doubles[i];
    }
  }
}

function readBooleans(group: RowGroup, pages: Pages, entries: number, positions: Uint32Array, values: MutableValues): void {
  const { kernels } = group;
  const count = positions.length;
  const at = kernels.alloc(count);
  kernels.gatherBooleans(pages, entries, count, at);
  const booleans = kernels.u8(at, count);
  for (let i = 0; i < count; i++) {
    if (booleans[i] === 2) continue;
    const position = positions[i];
    if (values.kinds[position] !== valueKind.absent) addElement(values, position, { kind: 'boolean', value: booleans[i] === 1 });
    else {
      values.kinds[position] = valueKind.boolean;
      values.numbers[position] = booleans[i];
    }
  }
}

/** Which of the entries are values; undefined when all are. Null ints and doubles cannot be told from zeros otherwise. */
function presentEntries(group: RowGroup, pages: Pages, entries: number, count: number): Uint8Array | undefined {
  if (pages.valueCount === pages.entryCount) return undefined;
  const { kernels } = group;
  const map = kernels.alloc(pages.entryCount);
  kernels.matchPresent(pages, map);
  const present = kernels.u8(map, pages.entryCount);
  return Uint8Array.from(kernels.u32(entries, count), (entry) => present[entry]);
}

function addElement(values: MutableValues, position: number, element: ElementValue): void {
  const list = values.lists.get(position) ?? [firstElement(values, position)];
  values.lists.set(position, [...list, element]);
  values.kinds[position] = valueKind.list;
}

function firstElement(values: Values, position: number): ElementValue {
  switch (values.kinds[position]) {
    case valueKind.text:
      return { kind: 'text', at: values.textAt[position], length: values.textLength[position] };
    case valueKind.int:
      return { kind: 'int', value: values.ints[position] };
    case valueKind.double:
      return { kind: 'double', value: values.numbers[position] };
    default:
      return { kind: 'boolean', value: values.numbers[position] === 1 };
  }
}

/** Finds the attribute of that key in the lists of the slots and reads whatever it holds. */
async function readList(
  group: RowGroup,
  source: ListSource,
  slots: Uint32Array,
  values: MutableValues,
  types: ReadonlySet<LeafColumn['type']> | undefined,
): Promise<void> {
  const { kernels } = group;
  const dictionary = await dictionaryOf(group, source.key);
  const id = dictionary === undefined ? -1 : kernels.findInDictionary(dictionary, new TextEncoder().encode(source.name));
  if (dictionary === undefined || id < 0) return;
  const keys = await pagesOf(group, source.key);
  const found = await onColumn(group, source.key, () => findOwners(group, source, keys, dictionary, id, slots));
  for (const column of [source.strings, source.ints, source.doubles, source.booleans]) {
    if (column === undefined || found.entries.length === 0 || (types !== undefined && !types.has(column.type))) continue;
    const pages = await pagesOf(group, column);
    if (pages.valueCount === 0) continue;
    if (column.maxRepetition === source.key.maxRepetition || (pages.entryCount === keys.entryCount && group.whole)) {
      await readEntries(group, column, pages, found.entries, found.positions, values);
    } else {
      const { entries, positions } = await onColumn(group, column, () =>
        entriesOf(group, pages, source.key.maxRepetition, found.entries, found.positions),
      );
      await readEntries(group, column, pages, entries, positions, values);
    }
  }
}

function findOwners(group: RowGroup, source: ListSource, keys: Pages, dictionary: Dictionary, id: number, slots: Uint32Array) {
  const { kernels } = group;
  const hits = kernels.alloc(dictionary.count);
  kernels.u8(hits, dictionary.count).fill(0)[id] = 1;
  const bound = slotBound(group, source.level);
  const wantedAt = kernels.alloc(bound);
  const wanted = kernels.u8(wantedAt, bound).fill(0);
  for (const slot of slots) wanted[slot] = 1;
  // An attribute list may name a key twice in a damaged or hand-made block: leave room, and let the kernel say when it is not enough.
  const capacity = Math.min(keys.entryCount, 2 * slots.length + 16);
  const ownersAt = kernels.alloc(4 * capacity);
  const entriesAt = kernels.alloc(4 * capacity);
  const count = kernels.findAttributes(keys, hits, dictionary.count, wantedAt, bound, ownersAt, entriesAt, capacity);
  const owners = kernels.u32(ownersAt, count);
  const positions = new Uint32Array(count);
  let position = 0;
  for (let i = 0; i < count; i++) {
    while (slots[position] < owners[i]) position++;
    positions[i] = position;
  }
  return { entries: kernels.u32(entriesAt, count).slice(), positions };
}

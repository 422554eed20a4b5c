import type { Dictionary } from '#engine/kernels/kernels.ts';
import type { Reference } from '#engine/traceql/ast.ts';
import { type ColumnSource, type SourceGroup, sourcesOf } from '#engine/vparquet/sources.ts';
import { type CountedSpans, firstSlots, halvesAt } from './counted-spans.ts';
import type { LabelValues } from './label-values.ts';
import { dictionaryOf, onColumn, pagesOf, type RowGroup } from './row-group.ts';
import type { ScanState } from './scan-state.ts';
import { firstChildren, noChild, slotsAtLevel } from './slots.ts';
import { slotBound } from './structure.ts';
import { presence } from './tests.ts';
import { readValues, type Values, valueKind } from './values.ts';

const nullId = 0xffffffff;

/** For each counted span the number of its value of a reference, 0 where it has none (spec traceql §4.2, §8.6). */
export async function valueIds(state: ScanState, reference: Reference, counted: CountedSpans, known: LabelValues): Promise<Uint32Array> {
  const groups = sourcesOf(state.prepared.schema, reference);
  let ids: Uint32Array | undefined;
  for (const group of groups) {
    const placement = await placementOf(state, group, counted);
    ids = spread(await slotIds(state, group, placement.slots, known), placement, ids, counted.spans.length);
  }
  if (ids === undefined) return new Uint32Array(counted.spans.length);
  const missing = valueOfMissing(reference, groups);
  if (missing !== undefined) replaceZeros(ids, known.ofString(missing));
  return ids;
}

/**
 * What stands for a missing value, as in Tempo: the empty text for the event name of a span without events, the text "nil" for an attribute that has a column
 * of its own (spec traceql §8.6, §13.2); otherwise nothing.
 */
function valueOfMissing(reference: Reference, groups: readonly SourceGroup[]): string | undefined {
  if (reference.kind === 'intrinsic') return reference.name === 'event:name' ? '' : undefined;
  return groups.some(hasOwnColumn) ? 'nil' : undefined;
}

function hasOwnColumn({ level, sources }: SourceGroup): boolean {
  return level !== 'event' && level !== 'link' && sources.some((source) => source.kind === 'column' && !source.emptyIsAbsent);
}

function replaceZeros(ids: Uint32Array, id: number): void {
  for (let i = 0; i < ids.length; i++) if (ids[i] === 0) ids[i] = id;
}

/** Which slots of a level the counted spans belong to. */
export interface Placement {
  readonly slots: Uint32Array;
  /** For each span the position of its slot, {@link noChild} for none; undefined: the slots are the spans. */
  readonly positions?: Uint32Array;
  /** Where all spans count: the spans of slot i are `[starts[i], starts[i + 1])`. Then there are no positions. */
  readonly starts?: Uint32Array;
}

/** The slots' values for their spans, where those have none yet. */
function spread(ofSlots: Uint32Array, { positions, starts }: Placement, earlier: Uint32Array | undefined, count: number): Uint32Array {
  if (earlier === undefined && positions === undefined && starts === undefined) return ofSlots;
  const ids = earlier ?? new Uint32Array(count);
  if (starts !== undefined) {
    for (let slot = 0; slot < ofSlots.length; slot++) {
      const id = ofSlots[slot];
      for (let i = starts[slot]; i < starts[slot + 1]; i++) if (ids[i] === 0) ids[i] = id;
    }
    return ids;
  }
  for (let i = 0; i < count; i++) {
    const position = positions === undefined ? i : positions[i];
    if (position !== noChild && ids[i] === 0) ids[i] = ofSlots[position];
  }
  return ids;
}

/** The slots of a group's level that the spans belong to; of several events or links the first with a value stands for the span. */
export async function placementOf(state: ScanState, group: SourceGroup, counted: CountedSpans): Promise<Placement> {
  const { level } = group;
  if (level === 'span') return { slots: counted.spans };
  if (level === 'event' || level === 'link') {
    const mask = await presence(state, group);
    if (mask.kind !== 'some') return { slots: new Uint32Array(0), positions: new Uint32Array(counted.spans.length).fill(noChild) };
    return firstChildren(state, counted.spans, level, mask.at);
  }
  if (!counted.all) return slotsAtLevel(state, counted.spans, level);
  const structure = await state.structure();
  const [at, count] =
    level === 'trace'
      ? [structure.traceSpans, structure.traceCount]
      : level === 'resource'
        ? [structure.resourceSpans, structure.resourceCount]
        : [structure.scopeSpans, structure.scopeCount];
  return { slots: firstSlots(count), starts: state.group.kernels.u32(at, count + 1).slice() };
}

async function slotIds(state: ScanState, group: SourceGroup, slots: Uint32Array, known: LabelValues): Promise<Uint32Array> {
  const source = await onlyColumn(state.group, group);
  return source === undefined
    ? idsOfValues(state.group, await readValues(state.group, group, slots), known)
    : idsOfColumn(state.group, source, slots, known);
}

async function idsOfColumn(group: RowGroup, source: ColumnSource, slots: Uint32Array, known: LabelValues): Promise<Uint32Array> {
  const { column, level } = source;
  const dictionary = column.type === 'bytes' ? await dictionaryOf(group, column) : undefined;
  if (dictionary !== undefined) return idsOfTexts(group, source, dictionary, slots, known);
  if (column.type === 'int64' || column.type === 'int32') return idsOfInts(group, source, slots, known);
  return idsOfValues(group, await readValues(group, { level, sources: [source] }, slots), known);
}

/** True where a column has one entry for each slot of its level. */
async function hasOneEach(group: RowGroup, { column, level, repeatedValues }: ColumnSource): Promise<boolean> {
  return !repeatedValues || (await pagesOf(group, column)).entryCount === slotBound(group, level);
}

/** The one column that holds a reference in this row group, one value for each slot; undefined where it is more complicated. */
export async function onlyColumn(group: RowGroup, { sources }: SourceGroup): Promise<ColumnSource | undefined> {
  let only: ColumnSource | undefined;
  for (const source of sources) {
    if (source.kind === 'list') {
      const dictionary = await dictionaryOf(group, source.key);
      const name = new TextEncoder().encode(source.name);
      if (dictionary !== undefined && group.kernels.findInDictionary(dictionary, name) >= 0) return undefined;
    } else if (only === undefined) only = source;
    else return undefined;
  }
  return only !== undefined && (await hasOneEach(group, only)) ? only : undefined;
}

/** Copies slots into WASM memory. */
export function putSlots({ kernels }: RowGroup, slots: Uint32Array): number {
  const at = kernels.alloc(4 * slots.length);
  kernels.u32(at, slots.length).set(slots);
  return at;
}

/** Dictionary ids become numbers of values; each entry that occurs is looked at once. */
async function idsOfTexts(
  group: RowGroup,
  { column, meaning }: ColumnSource,
  dictionary: Dictionary,
  slots: Uint32Array,
  known: LabelValues,
): Promise<Uint32Array> {
  const { kernels } = group;
  const pages = await pagesOf(group, column);
  const count = slots.length;
  const idsAt = kernels.alloc(4 * Math.max(count, pages.entryCount));
  await onColumn(group, column, () => {
    if (count === pages.entryCount) kernels.ids(pages, dictionary.count, idsAt);
    else kernels.gatherIds(pages, dictionary.count, putSlots(group, slots), count, idsAt);
  });
  const ids = kernels.u32(idsAt, count);
  const offsets = kernels.u32(dictionary.offsets, dictionary.count + 1);
  const numbers = new Uint32Array(dictionary.count);
  const out = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    const id = ids[i];
    if (id === nullId) continue;
    if (numbers[id] === 0) numbers[id] = known.ofText(kernels, dictionary.at + offsets[id] + 4, offsets[id + 1] - offsets[id] - 4, meaning);
    out[i] = numbers[id];
  }
  return out;
}

/** Signed 64-bit values of a column at some slots, and which of them are there (undefined: all). Valid until memory moves. */
export async function gatherHalves(group: RowGroup, { column }: ColumnSource, slots: Uint32Array) {
  const { kernels } = group;
  const pages = await pagesOf(group, column);
  const count = slots.length;
  const at = kernels.alloc(8 * Math.max(count, pages.entryCount));
  const mapAt = pages.valueCount === pages.entryCount ? 0 : kernels.alloc(pages.entryCount);
  await onColumn(group, column, () => {
    if (count === pages.entryCount) kernels.ints(pages, at);
    else kernels.gatherInts(pages, putSlots(group, slots), count, at);
    if (mapAt !== 0) kernels.matchPresent(pages, mapAt);
  });
  return { ...halvesAt(kernels, at, count), present: mapAt === 0 ? undefined : kernels.u8(mapAt, pages.entryCount) };
}

async function idsOfInts(group: RowGroup, source: ColumnSource, slots: Uint32Array, known: LabelValues): Promise<Uint32Array> {
  const { low, high, present } = await gatherHalves(group, source, slots);
  const out = new Uint32Array(slots.length);
  for (let i = 0; i < slots.length; i++) {
    if (present !== undefined && present[slots[i]] === 0) continue;
    out[i] = known.ofInt(low[2 * i], high[2 * i + 1], source.meaning);
  }
  return out;
}

function idsOfValues({ kernels }: RowGroup, values: Values, known: LabelValues): Uint32Array {
  const { kinds, textAt, textLength, numbers, meaning } = values;
  const halves = new Uint32Array(values.ints.buffer, values.ints.byteOffset, 2 * kinds.length);
  const texts = new Map<number, number>();
  const out = new Uint32Array(kinds.length);
  const idOfText = (at: number, length: number): number => {
    const key = length === 0 ? 0 : at; // an empty text may have the address of the one behind it
    let id = texts.get(key);
    if (id === undefined) {
      id = known.ofText(kernels, at, length, meaning);
      texts.set(key, id);
    }
    return id;
  };
  for (let i = 0; i < kinds.length; i++) {
    switch (kinds[i]) {
      case valueKind.text:
        out[i] = idOfText(textAt[i], textLength[i]);
        break;
      case valueKind.int:
        out[i] = known.ofInt(halves[2 * i], halves[2 * i + 1] | 0, meaning === 'text' ? 'int' : meaning);
        break;
      case valueKind.double:
        out[i] = known.ofDouble(numbers[i]);
        break;
      case valueKind.boolean:
        out[i] = known.ofBoolean(numbers[i] === 1);
        break;
      case valueKind.list:
        out[i] = known.ofNil();
        break;
    }
  }
  return out;
}

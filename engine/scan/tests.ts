import { AppError } from '#engine/base/errors.ts';
import type { Kernels, Pages } from '#engine/kernels/kernels.ts';
import type { LeafColumn } from '#engine/parquet/schema.ts';
import type { Predicate } from '#engine/traceql/plan.ts';
import type { ColumnSource, ListSource, SourceGroup } from '#engine/vparquet/sources.ts';
import { allSlots, complement, intersect, type Mask, maskAt, noSlots, toSpans, unite } from './masks.ts';
import { matchPlainTexts } from './plain-texts.ts';
import { dictionaryOf, onColumn, pagesOf, type RowGroup } from './row-group.ts';
import type { PreparedTest, ScanState } from './scan-state.ts';
import { matchDictionaryEntries, type StringPredicate } from './string-predicates.ts';
import { slotBound } from './structure.ts';

/** Slots that satisfy a test, at the level of its reference (unscoped attributes: spans). Remembers the masks for the answer's attributes. */
export async function evaluateTest(state: ScanState, testIndex: number): Promise<Mask> {
  const { observe } = state.group;
  observe?.({ kind: 'testStarted', test: testIndex });
  const mask = await matchTest(state, testIndex);
  observe?.({ kind: 'testEnded', test: testIndex, ruledOut: mask.kind === 'none' });
  return mask;
}

async function matchTest(state: ScanState, testIndex: number): Promise<Mask> {
  const prepared = state.prepared.tests[testIndex];
  const { predicate } = prepared.test;
  if (predicate.kind === 'absent') return evaluateAbsent(state, prepared);
  const masks: Mask[] = [];
  for (const group of prepared.groups) masks.push(await matchGroup(state, group, prepared.strings, predicate));
  state.testMasks.set(testIndex, masks);
  if (masks.length < 2) return masks[0] ?? noSlots;
  // Unscoped: a resource value counts only where the span has no value of its own, whatever its type.
  const [ofSpans, ofResources] = masks;
  if (ofResources.kind === 'none') return ofSpans;
  const hidden = await presence(state, prepared.groups[0]);
  const visible = await intersect(state, ofResources, await complement(state, hidden));
  return unite(state, ofSpans, visible);
}

/** Slots that have a value which TraceQL can see. */
export function presence(state: ScanState, group: SourceGroup): Promise<Mask> {
  return matchGroup(state, group, { kind: 'any' }, { kind: 'present' });
}

async function evaluateAbsent(state: ScanState, { groups }: PreparedTest): Promise<Mask> {
  let present: Mask = noSlots;
  for (const group of groups) present = await unite(state, present, await presence(state, group));
  const level = groups[0]?.level;
  if (level !== 'event' && level !== 'link') return complement(state, present);
  // A span without events has none that lacks the attribute.
  const path = level === 'event' ? 'rs.ss.Spans.Events.Name' : 'rs.ss.Spans.Links.SpanID';
  const column = state.group.file.columns.get(path);
  if (column === undefined) return noSlots;
  const pages = await pagesOf(state.group, column);
  const real = state.group.kernels.alloc(pages.entryCount);
  state.group.kernels.matchPresent(pages, real);
  return intersect(state, maskAt(level, real), await complement(state, present));
}

async function matchGroup(state: ScanState, group: SourceGroup, strings: StringPredicate | undefined, predicate: Predicate): Promise<Mask> {
  let mask: Mask = noSlots;
  for (const source of group.sources) {
    const found =
      source.kind === 'column'
        ? await matchColumn(state, source, strings, predicate)
        : await matchList(state.group, source, strings, predicate);
    mask = await unite(state, mask, found);
  }
  return mask;
}

async function matchColumn(
  state: ScanState,
  source: ColumnSource,
  strings: StringPredicate | undefined,
  predicate: Predicate,
): Promise<Mask> {
  const { group } = state;
  const { column, level } = source;
  let texts = strings;
  if (source.emptyIsAbsent && predicate.kind === 'present') texts = { kind: 'compare', operator: '!=', literal: new Uint8Array(0) };
  const entries = await matchEntries(group, column, texts, predicate, source);
  if (entries === undefined) return noSlots;
  const pages = await pagesOf(group, column);
  checkSlots(group, source, pages);
  if (!source.repeatedValues || pages.entryCount === slotBound(group, level)) return maskAt(level, entries);
  return onColumn(group, column, () => {
    const { kernels } = group;
    const out = kernels.alloc(pages.entryCount);
    kernels.anyByRepetition(entries, repetitionsOf(kernels, pages), pages.entryCount, column.maxRepetition - 1, out);
    return maskAt(level, out);
  });
}

/** Columns of one level must have equally many entries, or slots would mean different spans. */
function checkSlots(group: RowGroup, source: ColumnSource, pages: Pages): void {
  const slots = slotBound(group, source.level);
  if (source.repeatedValues ? pages.entryCount < slots && group.whole : pages.entryCount !== slots && group.whole) {
    const place = `block ${group.reader.name}, row group ${group.index}, column ${source.column.path}`;
    throw new AppError('corrupt_block', `${place}: it has ${pages.entryCount} entries where its level has ${slots}`);
  }
}

/** One byte per entry of a column, or undefined when none can satisfy the predicate, which is often known before the data pages are read. */
async function matchEntries(
  group: RowGroup,
  column: LeafColumn,
  strings: StringPredicate | undefined,
  predicate: Predicate,
  source?: ColumnSource,
): Promise<number | undefined> {
  const { kernels } = group;
  if (column.type === 'bytes') {
    if (strings === undefined) return undefined;
    const dictionary = await dictionaryOf(group, column);
    if (dictionary === undefined) return matchPlainTexts(group, column, strings, source?.meaning ?? 'text');
    const { hits, hitCount } = matchDictionaryEntries(kernels, dictionary, strings);
    if (hitCount === 0) {
      group.observe?.({ kind: 'noHit', column: column.path, lookedIn: 'dictionary', entries: dictionary.count });
      return undefined;
    }
    const pages = await pagesOf(group, column);
    return onColumn(group, column, () => {
      const out = kernels.alloc(pages.entryCount);
      kernels.matchIds(pages, hits, dictionary.count, out);
      return out;
    });
  }
  if (!acceptsPredicate(column, predicate)) return undefined;
  const pages = await pagesOf(group, column);
  return onColumn(group, column, () => {
    const out = matchNumbers(kernels, pages, predicate);
    if (group.observe !== undefined && !kernels.any(out, pages.entryCount)) {
      group.observe({ kind: 'noHit', column: column.path, lookedIn: 'values', entries: pages.entryCount });
    }
    return out;
  });
}

function acceptsPredicate(column: LeafColumn, predicate: Predicate): boolean {
  switch (predicate.kind) {
    case 'present':
      return true;
    case 'int':
      return column.type === 'int32' || column.type === 'int64';
    case 'double':
      return column.type === 'double';
    case 'boolean':
      return column.type === 'boolean';
    default:
      return false;
  }
}

function matchNumbers(kernels: Kernels, pages: Pages, predicate: Predicate): number {
  const out = kernels.alloc(pages.entryCount);
  switch (predicate.kind) {
    case 'int':
      kernels.matchInts(pages, predicate.operator, predicate.value, out);
      return out;
    case 'double':
      kernels.matchDoubles(pages, predicate.operator, predicate.value, out);
      return out;
    case 'boolean':
      kernels.matchBooleans(pages, predicate.operator, predicate.value, out);
      return out;
    default:
      kernels.matchPresent(pages, out);
      return out;
  }
}

/** An attribute in a generic list: values first, since a value that stands nowhere rules the row group out; then keys. */
async function matchList(group: RowGroup, source: ListSource, strings: StringPredicate | undefined, predicate: Predicate): Promise<Mask> {
  const { kernels } = group;
  const keyDictionary = await dictionaryOf(group, source.key);
  if (keyDictionary === undefined)
    throw new AppError('corrupt_block', `block ${group.reader.name}: column ${source.key.path} has no dictionary`);
  const { hits, hitCount } = matchDictionaryEntries(kernels, keyDictionary, {
    kind: 'compare',
    operator: '=',
    literal: new TextEncoder().encode(source.name),
  });
  if (hitCount === 0) {
    group.observe?.({ kind: 'noHit', column: source.key.path, lookedIn: 'keys', entries: keyDictionary.count });
    return noSlots;
  }
  const keyPages = () => pagesOf(group, source.key);
  const candidates = await listCandidates(group, valueColumns(source, predicate), strings, predicate, keyPages);
  if (candidates === undefined) return noSlots;
  const keys = await keyPages();
  return onColumn(group, source.key, () => {
    const capacity = slotBound(group, source.level);
    const out = kernels.alloc(capacity);
    kernels.matchAttributes(keys, hits, keyDictionary.count, candidates, out, capacity);
    return kernels.any(out, capacity) ? maskAt(source.level, out) : noSlots;
  });
}

function valueColumns(source: ListSource, predicate: Predicate): readonly LeafColumn[] {
  const { strings, ints, doubles, booleans } = source;
  const all = predicate.kind === 'present' ? [strings, ints, doubles, booleans] : [columnFor(source, predicate)];
  return all.filter((column) => column !== undefined);
}

function columnFor(source: ListSource, predicate: Predicate): LeafColumn | undefined {
  switch (predicate.kind) {
    case 'int':
      return source.ints;
    case 'double':
      return source.doubles;
    case 'boolean':
      return source.booleans;
    default:
      return source.strings;
  }
}

/** One byte per attribute, 1 where any of its values in these columns satisfies the predicate. */
async function listCandidates(
  group: RowGroup,
  columns: readonly LeafColumn[],
  strings: StringPredicate | undefined,
  predicate: Predicate,
  keyPages: () => Promise<Pages>,
): Promise<number | undefined> {
  const { kernels } = group;
  let candidates: number | undefined;
  for (const column of columns) {
    let found = predicate.kind === 'present' ? await matchPresence(group, column) : await matchEntries(group, column, strings, predicate);
    if (found === undefined) continue;
    const values = await pagesOf(group, column);
    const keys = await keyPages();
    // Where no attribute of the chunk is an array, its value entries are its attributes.
    if (values.entryCount !== keys.entryCount || !group.whole) {
      const entries = found;
      found = await onColumn(group, column, () => foldToAttributes(kernels, values, entries, keys));
    }
    if (candidates === undefined) candidates = found;
    else kernels.or(candidates, found, candidates, keys.entryCount);
  }
  return candidates;
}

async function matchPresence(group: RowGroup, column: LeafColumn): Promise<number> {
  const pages = await pagesOf(group, column);
  return onColumn(group, column, () => {
    const out = group.kernels.alloc(pages.entryCount);
    group.kernels.matchPresent(pages, out);
    return out;
  });
}

/** Folds value entries to attributes. A value column may hold more or fewer rows than the key column when only a window is read. */
function foldToAttributes(kernels: Kernels, values: Pages, entries: number, keys: Pages): number {
  const { maxRepetition } = values.shape;
  const keyRepetition = keys.shape.maxRepetition;
  const out = kernels.alloc(Math.max(values.entryCount, keys.entryCount));
  kernels.u8(out, Math.max(values.entryCount, keys.entryCount)).fill(0);
  if (maxRepetition === keyRepetition) kernels.u8(out, values.entryCount).set(kernels.u8(entries, values.entryCount));
  else kernels.anyByRepetition(entries, repetitionsOf(kernels, values), values.entryCount, keyRepetition, out);
  return out;
}

function repetitionsOf(kernels: Kernels, pages: Pages): number {
  const out = kernels.alloc(pages.entryCount);
  kernels.repetitions(pages, out);
  return out;
}

/** A test's mask as one over spans or above: children become "any event" or "any link". */
export async function testAsSpans(state: ScanState, testIndex: number): Promise<Mask> {
  const mask = await evaluateTest(state, testIndex);
  if (mask.kind !== 'some' || (mask.level !== 'event' && mask.level !== 'link')) return mask;
  const at = await toSpans(state, mask);
  const { spanCount } = await state.structure();
  return state.group.kernels.any(at, spanCount) ? maskAt('span', at) : noSlots;
}

/** One event (or link) satisfies all tests. */
export async function testsOnOneChild(state: ScanState, tests: readonly number[]): Promise<Mask> {
  let mask: Mask = allSlots;
  for (const test of tests) {
    mask = await intersect(state, mask, await evaluateTest(state, test));
    if (mask.kind === 'none') return noSlots;
  }
  if (mask.kind !== 'some') return mask;
  const at = await toSpans(state, mask);
  const { spanCount } = await state.structure();
  return state.group.kernels.any(at, spanCount) ? maskAt('span', at) : noSlots;
}

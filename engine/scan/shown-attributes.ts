import { stringAttributeFragment } from '#engine/api/fragments.ts';
import type { LeafColumn } from '#engine/parquet/schema.ts';
import type { Reference } from '#engine/traceql/ast.ts';
import type { Predicate, ShownReference } from '#engine/traceql/plan.ts';
import { type SourceGroup, sourcesOf } from '#engine/vparquet/sources.ts';
import { createAttributeMaker, type Fragment, type FragmentMaker } from './fragments.ts';
import { type Mask, noSlots, unite } from './masks.ts';
import type { ScanState } from './scan-state.ts';
import { lastChildren, noChild, slotsAtLevel } from './slots.ts';
import { holds, matchesText, stringPredicate } from './string-predicates.ts';
import { evaluateTest, presence } from './tests.ts';
import { type ElementValue, readValues } from './values.ts';

/** What an answer shows of one reference: for each picked span a fragment, or none. `isName`: it goes into the span's name. */
export interface ShownColumn {
  readonly isName: boolean;
  readonly fragments: readonly (Fragment | undefined)[];
}

/** Never shown as attributes: fixed members of the answer carry them (spec traceql §6.3). */
export const fixedMembers: ReadonlySet<string> = new Set([
  'duration',
  'traceDuration',
  'rootName',
  'rootServiceName',
  'trace:id',
  'span:id',
]);

/** Fragments of all shown references for the picked spans (ascending slots). */
export async function shownColumns(state: ScanState, maker: FragmentMaker, spans: Uint32Array): Promise<readonly ShownColumn[]> {
  const columns: ShownColumn[] = [];
  for (const place of shownPlaces(state)) columns.push(await shownColumn(state, maker, place, spans));
  for (const shown of state.prepared.plan.shown) {
    const absent = await shownAbsent(state, maker, shown, sourcesOf(state.prepared.schema, shown.reference), spans);
    if (absent !== undefined) columns.push(absent);
  }
  return columns;
}

/** One attribute of one level, and all references that show it: `.x` and `span.x` share the span's x, which is shown once. */
interface ShownPlace {
  readonly group: SourceGroup;
  readonly reference: Reference;
  /** With the group's position among the sources of each reference. */
  readonly shown: readonly (ShownReference & { readonly groupIndex: number })[];
}

function shownPlaces(state: ScanState): readonly ShownPlace[] {
  const places = new Map<string, ShownPlace>();
  for (const shown of state.prepared.plan.shown) {
    const { reference } = shown;
    if (reference.kind === 'intrinsic' && fixedMembers.has(reference.name)) continue;
    sourcesOf(state.prepared.schema, reference).forEach((group, groupIndex) => {
      const key = `${reference.kind} ${group.level} ${reference.name}`;
      const earlier = places.get(key)?.shown ?? [];
      places.set(key, { group, reference, shown: [...earlier, { ...shown, groupIndex }] });
    });
  }
  return [...places.values()];
}

async function shownColumn(state: ScanState, maker: FragmentMaker, place: ShownPlace, spans: Uint32Array): Promise<ShownColumn> {
  const { kernels } = state.group;
  const { group, reference, shown } = place;
  const isName = reference.kind === 'intrinsic' && reference.name === 'name';
  const always = shown.some((one) => one.always);
  const missing = always && reference.kind === 'attribute' && showsMissing(group) ? nilFragment(maker, reference) : undefined;
  const fragments = new Array<Fragment | undefined>(spans.length).fill(missing);
  const tests = shown.flatMap((one) => one.tests).map((test) => state.prepared.tests[test].test.predicate);
  const mask = always ? await presence(state, group) : await satisfied(state, shown);
  if (mask.kind === 'none') return { isName, fragments };
  const { slots, positions } = await chosenSlots(state, group, mask, spans);
  const types = always ? undefined : typesOf(tests);
  const values = await readValues(state.group, group, slots, types);
  const make = createAttributeMaker(kernels, maker, keyOf(reference), always ? undefined : elementFilter(kernels, tests));
  // Chosen slots are shared by the spans below them, so each fragment is made once.
  const made = new Array<Fragment | undefined>(slots.length);
  for (let i = 0; i < slots.length; i++) made[i] = isName ? maker.name(values.textAt[i], values.textLength[i]) : make(values, i);
  const map = mask.kind === 'some' && mask.level === group.level && !isChild(group) ? kernels.u8(mask.at, 1).byteOffset : 0;
  const bytes = new Uint8Array(kernels.memory.buffer);
  for (let i = 0; i < spans.length; i++) {
    const position = positions[i];
    if (position === noChild) continue;
    if (map !== 0 && bytes[map + slots[position]] === 0) continue;
    fragments[i] = made[position] ?? missing;
  }
  return { isName, fragments };
}

/** As in Tempo, an attribute with a column of its own shows "nil" where it is missing; one in a generic list is left out (spec traceql §13.2). */
function showsMissing(group: SourceGroup): boolean {
  if (isChild(group)) return false;
  return group.sources.some((source) => source.kind === 'column' && !source.emptyIsAbsent);
}

/** Slots of one source group whose value satisfies any of the reference's tests. */
async function satisfied(state: ScanState, shown: ShownPlace['shown']): Promise<Mask> {
  let mask: Mask = noSlots;
  for (const { tests, groupIndex } of shown) {
    for (const test of tests) {
      // A test behind one that nothing satisfied has not been evaluated, but other alternatives may have matched.
      if (!state.testMasks.has(test) && state.prepared.tests[test].test.predicate.kind !== 'absent') await evaluateTest(state, test);
      mask = await unite(state, mask, state.testMasks.get(test)?.[groupIndex] ?? noSlots);
    }
  }
  return mask;
}

function isChild(group: SourceGroup): boolean {
  return group.level === 'event' || group.level === 'link';
}

async function chosenSlots(state: ScanState, group: SourceGroup, mask: Mask, spans: Uint32Array) {
  const { level } = group;
  if (level !== 'event' && level !== 'link') return slotsAtLevel(state, spans, level);
  if (mask.kind === 'some') return lastChildren(state, spans, level, mask.at);
  throw new RangeError('children are chosen by a byte map');
}

/** `x = nil` shows the text "nil" for spans where the attribute is missing. */
async function shownAbsent(
  state: ScanState,
  maker: FragmentMaker,
  shown: ShownReference,
  groups: readonly SourceGroup[],
  spans: Uint32Array,
): Promise<ShownColumn | undefined> {
  if (shown.always && shown.reference.kind === 'attribute' && groups.some(showsMissing)) return undefined; // shown already
  if (!shown.tests.some((test) => state.prepared.tests[test].test.predicate.kind === 'absent')) return undefined;
  const fragments = new Array<Fragment | undefined>(spans.length).fill(undefined);
  const fragment = nilFragment(maker, shown.reference);
  const present = new Uint8Array(spans.length);
  for (const group of groups) {
    if (isChild(group)) continue;
    const mask = await presence(state, group);
    if (mask.kind === 'none') continue;
    const { slots, positions } = await chosenSlots(state, group, mask, spans);
    const map = mask.kind === 'some' ? mask.at : -1;
    const bytes = new Uint8Array(state.group.kernels.memory.buffer);
    for (let i = 0; i < spans.length; i++) if (map < 0 || bytes[map + slots[positions[i]]] === 1) present[i] = 1;
  }
  for (let i = 0; i < spans.length; i++) if (present[i] === 0) fragments[i] = fragment;
  return { isName: false, fragments };
}

/** The attribute with the text "nil" as value. */
function nilFragment(maker: FragmentMaker, reference: Reference): Fragment {
  const encoder = new TextEncoder();
  return maker.store(stringAttributeFragment(maker.format, encoder.encode(keyOf(reference)), encoder.encode('nil')));
}

/** The key an attribute is shown under: its name without scope; intrinsics by canonical name. */
function keyOf(reference: Reference): string {
  return reference.name;
}

function typesOf(predicates: readonly Predicate[]): ReadonlySet<LeafColumn['type']> | undefined {
  const types = new Set<LeafColumn['type']>();
  for (const predicate of predicates) {
    switch (predicate.kind) {
      case 'string':
      case 'regex':
        types.add('bytes');
        break;
      case 'int':
        types.add('int32').add('int64');
        break;
      case 'double':
        types.add('double');
        break;
      case 'boolean':
        types.add('boolean');
        break;
      case 'present':
        return undefined;
      case 'absent':
        break;
    }
  }
  return types;
}

/** Keeps the elements of an array that satisfy any of the predicates, as storage hands them on (spec traceql §6.3). */
function elementFilter(kernels: ScanState['group']['kernels'], predicates: readonly Predicate[]): (element: ElementValue) => boolean {
  const texts = predicates.map(stringPredicate).filter((predicate) => predicate !== undefined);
  return (element) => {
    if (element.kind === 'text') {
      const bytes = kernels.u8(element.at, element.length);
      return texts.some((predicate) => matchesText(predicate, bytes, 0, bytes.length));
    }
    return predicates.some((predicate) => elementHolds(predicate, element));
  };
}

function elementHolds(predicate: Predicate, element: ElementValue): boolean {
  switch (predicate.kind) {
    case 'present':
      return true;
    case 'int':
      return (
        element.kind === 'int' && holds(predicate.operator, element.value < predicate.value ? -1 : element.value > predicate.value ? 1 : 0)
      );
    case 'double':
      return element.kind === 'double' && doubleHolds(predicate.operator, element.value, predicate.value);
    case 'boolean':
      return element.kind === 'boolean' && (element.value === predicate.value) === (predicate.operator === '=');
    default:
      return false;
  }
}

/** NaN satisfies `!=` only. */
function doubleHolds(operator: Parameters<typeof holds>[0], value: number, literal: number): boolean {
  if (Number.isNaN(value) || Number.isNaN(literal)) return operator === '!=';
  return holds(operator, value - literal === 0 || value === literal ? 0 : value < literal ? -1 : 1);
}

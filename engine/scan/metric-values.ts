import type { Reference } from '#engine/traceql/ast.ts';
import { type ColumnSource, sourcesOf } from '#engine/vparquet/sources.ts';
import type { CountedSpans } from './counted-spans.ts';
import { gatherHalves, onlyColumn, type Placement, placementOf } from './reference-values.ts';
import type { ScanState } from './scan-state.ts';
import { noChild } from './slots.ts';
import { readValues, type Values, valueKind } from './values.ts';

/** Whole numbers of some slots as halves: entry i has its low half at 2i, its high half at 2i + 1. */
interface WholeNumbers {
  readonly low: Uint32Array;
  readonly high: Int32Array;
  /** Which are there, by slot; undefined: all. */
  readonly present: Uint8Array | undefined;
}

/** True for what is shown in seconds and has no sign: only the span's own duration (spec traceql §8.5). */
function isSpanDuration(reference: Reference): boolean {
  return reference.kind === 'intrinsic' && reference.name === 'duration';
}

/** True where bucket bounds of an argument are shown in seconds instead of nanoseconds. */
export function isDurationArgument(reference: Reference): boolean {
  return (
    reference.kind === 'intrinsic' &&
    (reference.name === 'duration' || reference.name === 'traceDuration' || reference.name === 'event:timeSinceStart')
  );
}

/** The argument's value for each counted span: a double, NaN where there is no number. */
export async function argumentValues(state: ScanState, reference: Reference, counted: CountedSpans): Promise<Float64Array> {
  const isDuration = isSpanDuration(reference);
  const groups = sourcesOf(state.prepared.schema, reference);
  const numbers = new Float64Array(groups.length === 1 && groups[0].level === 'span' ? 0 : counted.spans.length).fill(Number.NaN);
  for (const group of groups) {
    const placement = await placementOf(state, group, counted);
    const source = await onlyColumn(state.group, group);
    const ofSlots =
      source !== undefined && isNumberColumn(source)
        ? doublesOfHalves(await gatherHalves(state.group, source, placement.slots), placement.slots, isDuration)
        : doublesOfValues(await readValues(state.group, group, placement.slots));
    if (numbers.length === 0) return ofSlots;
    spreadNumbers(ofSlots, placement, numbers);
  }
  return numbers;
}

/**
 * For each counted span one more than the exponent of the smallest power of two that is not below the argument's whole value; 0 where that is below 2, no
 * whole number, or missing (spec traceql §8.5).
 */
export async function argumentBuckets(state: ScanState, reference: Reference, counted: CountedSpans): Promise<Uint32Array> {
  const unsigned = isSpanDuration(reference);
  const groups = sourcesOf(state.prepared.schema, reference);
  const buckets = new Uint32Array(groups.length === 1 && groups[0].level === 'span' ? 0 : counted.spans.length);
  for (const group of groups) {
    const placement = await placementOf(state, group, counted);
    const source = await onlyColumn(state.group, group);
    const ofSlots =
      source !== undefined && isNumberColumn(source)
        ? bucketsOfHalves(await gatherHalves(state.group, source, placement.slots), placement.slots, unsigned)
        : bucketsOfValues(await readValues(state.group, group, placement.slots));
    if (buckets.length === 0) return ofSlots;
    spreadBuckets(ofSlots, placement, buckets);
  }
  return buckets;
}

function isNumberColumn({ column, meaning }: ColumnSource): boolean {
  return (column.type === 'int64' || column.type === 'int32') && meaning !== 'status' && meaning !== 'kind';
}

function doublesOfHalves({ low, high, present }: WholeNumbers, slots: Uint32Array, isDuration: boolean): Float64Array {
  const numbers = new Float64Array(slots.length);
  for (let i = 0; i < slots.length; i++) {
    if (present !== undefined && present[slots[i]] === 0) numbers[i] = Number.NaN;
    else if (isDuration) numbers[i] = ((high[2 * i + 1] >>> 0) * 4294967296 + low[2 * i]) / 1e9;
    else numbers[i] = high[2 * i + 1] * 4294967296 + low[2 * i];
  }
  return numbers;
}

function doublesOfValues({ kinds, ints, numbers: doubles, meaning }: Values): Float64Array {
  const low = new Uint32Array(ints.buffer, ints.byteOffset, 2 * kinds.length);
  const high = new Int32Array(ints.buffer, ints.byteOffset, 2 * kinds.length);
  const areNumbers = meaning !== 'status' && meaning !== 'kind';
  const numbers = new Float64Array(kinds.length).fill(Number.NaN);
  for (let i = 0; i < kinds.length; i++) {
    if (kinds[i] === valueKind.int && areNumbers) numbers[i] = high[2 * i + 1] * 4294967296 + low[2 * i];
    else if (kinds[i] === valueKind.double) numbers[i] = doubles[i];
  }
  return numbers;
}

/** See {@link argumentBuckets}. */
function bucketOf(low: number, high: number): number {
  if (high < 0 || (high === 0 && low < 2)) return 0;
  const highOfPrevious = low === 0 ? high - 1 : high;
  return highOfPrevious > 0 ? 65 - Math.clz32(highOfPrevious) : 33 - Math.clz32(low - 1);
}

function bucketsOfHalves({ low, high, present }: WholeNumbers, slots: Uint32Array, unsigned: boolean): Uint32Array {
  const buckets = new Uint32Array(slots.length);
  for (let i = 0; i < slots.length; i++) {
    if (present !== undefined && present[slots[i]] === 0) continue;
    const top = high[2 * i + 1];
    buckets[i] = bucketOf(low[2 * i], unsigned ? top >>> 0 : top);
  }
  return buckets;
}

function bucketsOfValues({ kinds, ints, meaning }: Values): Uint32Array {
  const low = new Uint32Array(ints.buffer, ints.byteOffset, 2 * kinds.length);
  const high = new Int32Array(ints.buffer, ints.byteOffset, 2 * kinds.length);
  const buckets = new Uint32Array(kinds.length);
  if (meaning === 'status' || meaning === 'kind') return buckets;
  for (let i = 0; i < kinds.length; i++) if (kinds[i] === valueKind.int) buckets[i] = bucketOf(low[2 * i], high[2 * i + 1]);
  return buckets;
}

/** The position of the slot of each counted span. */
function positionsOf({ slots, positions, starts }: Placement, count: number): Uint32Array | undefined {
  if (starts === undefined) return positions;
  const made = new Uint32Array(count);
  for (let slot = 0; slot < slots.length; slot++) made.fill(slot, starts[slot], starts[slot + 1]);
  return made;
}

/** Fills in spans that have no number yet. */
function spreadNumbers(ofSlots: Float64Array, placement: Placement, numbers: Float64Array): void {
  const positions = positionsOf(placement, numbers.length);
  for (let i = 0; i < numbers.length; i++) {
    const position = positions === undefined ? i : positions[i];
    if (position !== noChild && Number.isNaN(numbers[i])) numbers[i] = ofSlots[position];
  }
}

function spreadBuckets(ofSlots: Uint32Array, placement: Placement, buckets: Uint32Array): void {
  const positions = positionsOf(placement, buckets.length);
  for (let i = 0; i < buckets.length; i++) {
    const position = positions === undefined ? i : positions[i];
    if (position !== noChild && buckets[i] === 0) buckets[i] = ofSlots[position];
  }
}

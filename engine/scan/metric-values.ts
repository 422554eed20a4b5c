import type { Reference } from '#engine/traceql/ast.ts';
import { type SourceGroup, sourcesOf } from '#engine/vparquet/sources.ts';
import { chosenSlots, gatherHalves, onlyColumn } from './reference-values.ts';
import type { ScanState } from './scan-state.ts';
import { noChild } from './slots.ts';
import { readValues, valueKind } from './values.ts';

/** How numbers of a function's argument are read (spec traceql §8.5): only the span's own duration is in seconds, and has no sign. */
interface Scale {
  readonly divisor: number;
  readonly unsigned: boolean;
}

/** Reads one number from a whole value's halves, or from a float. */
interface NumberReader {
  readonly ofInt: (low: number, high: number) => number;
  readonly ofFloat: (value: number) => number;
}

function isSpanDuration(reference: Reference): boolean {
  return reference.kind === 'intrinsic' && reference.name === 'duration';
}

/** The argument's value for each of some ascending span slots: a double, NaN where there is no number. */
export function argumentValues(state: ScanState, reference: Reference, spans: Uint32Array): Promise<Float64Array> {
  const scale: Scale = isSpanDuration(reference) ? { divisor: 1e9, unsigned: true } : { divisor: 1, unsigned: false };
  return readNumbers(state, reference, spans, {
    ofInt: (low, high) => ((scale.unsigned ? high >>> 0 : high) * 4294967296 + low) / scale.divisor,
    ofFloat: (value) => value,
  });
}

/**
 * The exponent of the smallest power of two that is not below the argument's whole value, for each of some ascending span slots; NaN where the value is
 * below 2, no whole number, or missing (spec traceql §8.5).
 */
export function argumentExponents(state: ScanState, reference: Reference, spans: Uint32Array): Promise<Float64Array> {
  const unsigned = isSpanDuration(reference);
  return readNumbers(state, reference, spans, {
    ofInt: (low, high) => {
      const top = unsigned ? high >>> 0 : high;
      if (top < 0 || (top === 0 && low < 2)) return Number.NaN;
      const topOfPrevious = low === 0 ? top - 1 : top;
      return topOfPrevious > 0 ? 64 - Math.clz32(topOfPrevious) : 32 - Math.clz32(low - 1);
    },
    ofFloat: () => Number.NaN,
  });
}

/** True where bucket bounds of an argument are shown in seconds instead of nanoseconds. */
export function isDurationArgument(reference: Reference): boolean {
  return (
    reference.kind === 'intrinsic' &&
    (reference.name === 'duration' || reference.name === 'traceDuration' || reference.name === 'event:timeSinceStart')
  );
}

async function readNumbers(state: ScanState, reference: Reference, spans: Uint32Array, reader: NumberReader): Promise<Float64Array> {
  let numbers: Float64Array | undefined;
  for (const group of sourcesOf(state.prepared.schema, reference)) {
    const { slots, positions } = await chosenSlots(state, group, spans);
    const ofSlots = await slotNumbers(state, group, slots, reader);
    const earlier = numbers;
    numbers ??= new Float64Array(spans.length).fill(Number.NaN);
    for (let i = 0; i < spans.length; i++) {
      const position = positions[i];
      if (position !== noChild && (earlier === undefined || Number.isNaN(numbers[i]))) numbers[i] = ofSlots[position];
    }
  }
  return numbers ?? new Float64Array(spans.length).fill(Number.NaN);
}

async function slotNumbers(state: ScanState, group: SourceGroup, slots: Uint32Array, reader: NumberReader): Promise<Float64Array> {
  const numbers = new Float64Array(slots.length);
  const source = await onlyColumn(state.group, group);
  if (source !== undefined && (source.column.type === 'int64' || source.column.type === 'int32')) {
    if (source.meaning === 'status' || source.meaning === 'kind') return numbers.fill(Number.NaN);
    const { low, high, present } = await gatherHalves(state.group, source, slots);
    for (let i = 0; i < slots.length; i++) {
      const there = present === undefined || present[slots[i]] === 1;
      numbers[i] = there ? reader.ofInt(low[2 * i], high[2 * i + 1]) : Number.NaN;
    }
    return numbers;
  }
  const { kinds, ints, numbers: doubles } = await readValues(state.group, group, slots);
  const halves = new Uint32Array(ints.buffer, ints.byteOffset, 2 * kinds.length);
  for (let i = 0; i < slots.length; i++) {
    if (kinds[i] === valueKind.int) numbers[i] = reader.ofInt(halves[2 * i], halves[2 * i + 1] | 0);
    else numbers[i] = kinds[i] === valueKind.double ? reader.ofFloat(doubles[i]) : Number.NaN;
  }
  return numbers;
}

import type { LabelValue } from '#engine/api/metrics-series.ts';
import { printGoDuration } from '#engine/base/duration.ts';
import { AppError } from '#engine/base/errors.ts';
import type { Kernels } from '#engine/kernels/kernels.ts';
import { kindNames, statusNames } from '#engine/traceql/ast.ts';
import type { Meaning } from '#engine/vparquet/sources.ts';
import { printId } from './string-predicates.ts';

/**
 * The distinct values of an attribute that a job has met, numbered from 1 on; 0 is "no value". Equal values have one number whatever column and row group
 * they come from. Values of different types differ.
 */
export interface LabelValues {
  /** Numbers in use, 0 included. */
  readonly count: () => number;
  /** The value of a number above 0. */
  readonly value: (id: number) => LabelValue;
  readonly ofString: (text: string) => number;
  /** A text in WASM memory, or an id. */
  readonly ofText: (kernels: Kernels, at: number, length: number, meaning: Meaning) => number;
  readonly ofInt: (low: number, high: number, meaning: Meaning) => number;
  readonly ofDouble: (value: number) => number;
  readonly ofBoolean: (value: boolean) => number;
  /** What answers cannot carry: arrays. */
  readonly ofNil: () => number;
}

/** Values of one job that may be told apart: a bound for its memory. */
const maxValues = 2 ** 22;
/** Below this, whole numbers are looked up in an array. */
const smallInts = 1024;

/** An empty {@link LabelValues}. */
export function createLabelValues(): LabelValues {
  const values: LabelValue[] = [{ type: 'nil' }];
  const texts = new Map<string, number>();
  const others = new Map<string, number>();
  const small = new Map<Meaning, Int32Array>();
  const add = (value: LabelValue): number => {
    if (values.length >= maxValues)
      throw new AppError('resource_exhausted', `more than ${maxValues} values of an attribute; group by fewer`);
    return values.push(value) - 1;
  };
  const other = (key: string, value: () => LabelValue): number => {
    let id = others.get(key);
    if (id === undefined) {
      id = add(value());
      others.set(key, id);
    }
    return id;
  };
  const ofString = (text: string): number => {
    let id = texts.get(text);
    if (id === undefined) {
      id = add({ type: 'string', value: text });
      texts.set(text, id);
    }
    return id;
  };
  const ofBigInt = (low: number, high: number, meaning: Meaning): number => {
    const value = (BigInt(high) << 32n) | BigInt(low);
    const word = wordOf(value, meaning);
    return word === undefined ? other(`i${value}`, () => ({ type: 'int', value })) : ofString(word);
  };
  return {
    count: () => values.length,
    value: (id) => values[id],
    ofString,
    ofText: (kernels, at, length, meaning) => ofString(textOf(kernels, at, length, meaning)),
    ofInt: (low, high, meaning) => {
      if (high !== 0 || low >= smallInts) return ofBigInt(low, high, meaning);
      let known = small.get(meaning);
      if (known === undefined) {
        known = new Int32Array(smallInts);
        small.set(meaning, known);
      }
      if (known[low] === 0) known[low] = ofBigInt(low, high, meaning);
      return known[low];
    },
    ofDouble: (value) => other(`d${Object.is(value, -0) ? '-0' : value}`, () => ({ type: 'double', value })),
    ofBoolean: (value) => other(`b${value}`, () => ({ type: 'boolean', value })),
    ofNil: () => other('nil', () => ({ type: 'nil' })),
  };
}

/** Words of enumerations and durations are strings in answers; undefined for plain numbers. */
function wordOf(value: bigint, meaning: Meaning): string | undefined {
  switch (meaning) {
    case 'status':
      return statusNames[Number(value)] ?? `status(${value})`;
    case 'kind':
      return kindNames[Number(value)] ?? `kind(${value})`;
    case 'duration':
      return printGoDuration(value);
    default:
      return undefined;
  }
}

/** A text of a block; ids are printed as hex. */
export function textOf(kernels: Kernels, at: number, length: number, meaning: Meaning): string {
  if (meaning === 'text') return Buffer.from(kernels.memory.buffer, at, length).toString('utf8');
  const out = new Uint8Array(32);
  const { start, end } = printId(kernels.u8(at, length), 0, length, meaning, out);
  return Buffer.from(out.buffer, start, end - start).toString('latin1');
}

import fc from 'fast-check';
import type { ColumnShape, Kernels, Pages } from '#engine/kernels/kernels.ts';
import type { TwinEntry, TwinValue } from '../../unit/kernels/twins/chunk.ts';
import { type Choice, choiceOf } from './encode-values.ts';
import { type Encoding, writeDataPage } from './page-writer.ts';

/** A random column: what it is, how its pages are cut, and their bytes. */
export interface RandomColumn {
  readonly shape: ColumnShape;
  readonly entries: readonly TwinEntry[];
  readonly bytes: Uint8Array;
  /** Dictionary entries of id columns. */
  readonly dictionaryCount: number;
}

interface ColumnKind {
  readonly type: ColumnShape['type'];
  readonly encoding: Encoding;
  readonly value: (choice: Choice, dictionaryCount: number) => TwinValue;
}

/** What a column may hold: small numbers often, all of 64 bits sometimes, so that every bit width comes up. */
export const kinds = {
  ids: { type: 'bytes', encoding: 'dictionary', value: (choice, dictionaryCount) => choice(dictionaryCount) },
  int32: { type: 'int32', encoding: 'plain', value: (choice) => BigInt.asIntN(32, wide(choice)) },
  int32Delta: { type: 'int32', encoding: 'delta', value: (choice) => BigInt.asIntN(32, wide(choice)) },
  int64: { type: 'int64', encoding: 'plain', value: wide },
  int64Delta: { type: 'int64', encoding: 'delta', value: wide },
  doubles: { type: 'double', encoding: 'plain', value: double },
  booleans: { type: 'boolean', encoding: 'plain', value: (choice) => choice(3) > 0 },
  bytes: { type: 'bytes', encoding: 'plain', value: word },
  bytesDelta: { type: 'bytes', encoding: 'deltaLength', value: word },
  fixedBytes: {
    type: 'bytes',
    encoding: 'deltaLength',
    value: (choice) => String.fromCharCode(...Array.from({ length: 8 }, () => choice(256))),
  },
} as const satisfies Record<string, ColumnKind>;

function wide(choice: Choice): bigint {
  const bits = choice(5) > 0 ? choice(20) : choice(65);
  const value = (BigInt(choice(2 ** 32)) << 32n) | BigInt(choice(2 ** 32));
  return BigInt.asIntN(64, (value & ((1n << BigInt(bits)) - 1n)) * (choice(3) === 0 ? -1n : 1n));
}

function double(choice: Choice): number {
  const special = [0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1.5];
  return choice(3) === 0 ? special[choice(special.length)] : (choice(2000) - 1000) / 8;
}

function word(choice: Choice): string {
  return Array.from({ length: choice(4) === 0 ? choice(40) : choice(4) }, () =>
    String.fromCharCode(choice(3) === 0 ? choice(256) : 97),
  ).join('');
}

/** Columns of that kind, of random levels, codec, runs and pages; every level is met and nulls come in runs as well as alone. */
export function randomColumn(kind: ColumnKind): fc.Arbitrary<RandomColumn> {
  return fc
    .record({
      seed: fc.integer(),
      codec: fc.constantFrom('none', 'snappy', 'zstd'),
      maxRepetition: fc.integer({ min: 0, max: 6 }),
      maxDefinition: fc.integer({ min: 0, max: 7 }),
      nulls: fc.constantFrom(0, 10, 50, 99, 100),
      pageSizes: fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 3 }),
      dictionaryCount: fc.constantFrom(1, 2, 3, 16, 66, 129, 256, 40000, 70000, 300000),
      spareBits: fc.constantFrom(0, 0, 0, 1, 5),
    })
    .map(({ seed, codec, maxRepetition, maxDefinition, nulls, pageSizes, dictionaryCount, spareBits }) => {
      const choice = choiceOf(seed);
      const shape: ColumnShape = { type: kind.type, codec, maxRepetition, maxDefinition };
      const idBits = dictionaryCount === 1 ? 0 : 32 - Math.clz32(dictionaryCount - 1) + spareBits;
      const pages = pageSizes.map((size) => randomEntries(size, shape, nulls, choice, () => kind.value(choice, dictionaryCount)));
      const parts = pages.map((entries) => writeDataPage(entries, shape, { encoding: kind.encoding, choice, idBits }));
      return { shape, entries: pages.flat(), bytes: Buffer.concat(parts), dictionaryCount };
    });
}

function randomEntries(size: number, shape: ColumnShape, nulls: number, choice: Choice, value: () => TwinValue): TwinEntry[] {
  const entries: TwinEntry[] = [];
  while (entries.length < size) {
    const isNull = shape.maxDefinition > 0 && choice(100) < nulls;
    const entry = {
      repetition: entries.length === 0 ? 0 : choice(shape.maxRepetition + 1),
      definition: isNull ? choice(shape.maxDefinition) : shape.maxDefinition,
      value: isNull ? undefined : value(),
    };
    const repeat = choice(3) === 0 ? 1 + choice(60) : 1;
    for (let i = 0; i < repeat && entries.length < size; i++)
      entries.push(i === 0 ? entry : { ...entry, ...(isNull ? {} : { value: choice(2) ? entry.value : value() }) });
  }
  // A page starts a row.
  entries[0] = { ...entries[0], repetition: 0 };
  return entries;
}

/** Puts the column into WASM memory and walks its pages. */
export function putColumn(kernels: Kernels, column: RandomColumn): Pages {
  return kernels.pages(kernels.put(column.bytes), column.bytes.length, column.shape);
}

/** An ascending list of some of `count` entries. */
export function someEntries(count: number, seed: number): number[] {
  const choice = choiceOf(seed);
  const rarity = 1 + choice(80);
  return Array.from({ length: count }, (_, i) => i).filter(() => choice(rarity) === 0);
}

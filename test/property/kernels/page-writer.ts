import zlib from 'node:zlib';
import type { ColumnShape } from '#engine/kernels/kernels.ts';
import type { TwinEntry, TwinValue } from '../../unit/kernels/twins/chunk.ts';
import { type Choice, writeDeltas, writeHybrid, writeSnappy, zigzag } from './encode-values.ts';

/** Encodings that the writer knows, by their number in parquet. */
export const encodings = { plain: 0, delta: 5, deltaLength: 6, dictionary: 8 } as const;
/** One of {@link encodings}. */
export type Encoding = keyof typeof encodings;

/** How a page is written, beside its entries. */
export interface PageOptions {
  readonly encoding: Encoding;
  readonly choice: Choice;
  /** Bits of dictionary ids. */
  readonly idBits?: number;
  readonly checksum?: boolean;
}

const integer = 5;
const structure = 12;

/** Thrift fields of a structure; values are encoded already. */
function struct(fields: readonly (readonly [id: number, type: number, bytes: readonly number[]])[]): number[] {
  let previous = 0;
  const out: number[] = [];
  for (const [id, type, bytes] of fields) {
    if (id - previous <= 15) out.push(((id - previous) << 4) | type, ...bytes);
    else out.push(type, ...zigzag(id), ...bytes);
    previous = id;
  }
  return [...out, 0];
}

/** A data page of version 2. */
export function writeDataPage(entries: readonly TwinEntry[], shape: ColumnShape, options: PageOptions): Uint8Array {
  const { choice } = options;
  const column = (member: 'repetition' | 'definition', max: number) =>
    max === 0
      ? []
      : writeHybrid(
          entries.map((entry) => entry[member]),
          bitsOf(max),
          choice,
        );
  const repetitions = column('repetition', shape.maxRepetition);
  const definitions = column('definition', shape.maxDefinition);
  const values = entries.flatMap((entry) => (entry.value === undefined ? [] : [entry.value]));
  const plain = Uint8Array.from(values.length === 0 ? [] : writeValues(values, shape, options));
  // Writers store dictionary ids as they are, even in compressed columns.
  const compressed = shape.codec !== 'none' && options.encoding !== 'dictionary' && choice(4) > 0;
  const stored = compressed ? compress(plain, shape.codec, choice) : plain;
  const body = Uint8Array.from([...repetitions, ...definitions, ...stored]);
  const levels = repetitions.length + definitions.length;
  const v2 = struct([
    [1, integer, zigzag(entries.length)],
    [2, integer, zigzag(entries.length - values.length)],
    [3, integer, zigzag(entries.filter((entry) => entry.repetition === 0).length)],
    [4, integer, zigzag(encodings[options.encoding])],
    [5, integer, zigzag(definitions.length)],
    [6, integer, zigzag(repetitions.length)],
    ...(compressed && choice(2) === 0 ? [] : [[7, compressed ? 1 : 2, []] as const]),
    // Statistics, which readers pass over: null count, and a minimum.
    [
      8,
      structure,
      struct([
        [3, 6, zigzag(entries.length - values.length)],
        [6, 8, [3, 97, 98, 99]],
      ]),
    ],
  ]);
  return pageOf(3, levels + plain.length, body, [8, v2], options.checksum ?? true);
}

/** A dictionary page of byte arrays. */
export function writeDictionaryPage(words: readonly string[], shape: ColumnShape, choice: Choice, checksum = true): Uint8Array {
  const plain = Uint8Array.from(words.flatMap(prefixed));
  const body = shape.codec === 'none' ? plain : compress(plain, shape.codec, choice);
  return pageOf(
    2,
    plain.length,
    body,
    [
      7,
      struct([
        [1, integer, zigzag(words.length)],
        [2, integer, zigzag(0)],
      ]),
    ],
    checksum,
  );
}

function pageOf(
  type: number,
  plainBytes: number,
  body: Uint8Array,
  header: readonly [id: number, bytes: readonly number[]],
  checksum: boolean,
): Uint8Array {
  const crc = zlib.crc32(body) | 0;
  const bytes = struct([
    [1, integer, zigzag(type)],
    [2, integer, zigzag(plainBytes)],
    [3, integer, zigzag(body.length)],
    ...(checksum ? [[4, integer, zigzag(crc)] as const] : []),
    [header[0], structure, header[1]],
  ]);
  return Uint8Array.from([...bytes, ...body]);
}

function compress(plain: Uint8Array, codec: ColumnShape['codec'], choice: Choice): Uint8Array {
  return codec === 'zstd' ? zlib.zstdCompressSync(plain) : Uint8Array.from(writeSnappy(plain, choice));
}

function writeValues(values: readonly TwinValue[], shape: ColumnShape, { encoding, choice, idBits = 0 }: PageOptions): number[] {
  if (encoding === 'dictionary') return [idBits, ...writeHybrid(values as number[], idBits, choice)];
  if (encoding === 'delta') return writeDeltas(values as bigint[], shape.type === 'int32' ? 32 : 64, choice);
  if (encoding === 'deltaLength') {
    const words = (values as string[]).map((word) => Buffer.from(word, 'latin1'));
    return [
      ...writeDeltas(
        words.map((word) => BigInt(word.length)),
        32,
        choice,
      ),
      ...words.flatMap((word) => [...word]),
    ];
  }
  if (shape.type === 'bytes') return (values as string[]).flatMap(prefixed);
  if (shape.type === 'boolean') return packBooleans(values as boolean[]);
  const view = new DataView(new ArrayBuffer(values.length * 8));
  values.forEach((value, i) => {
    if (shape.type === 'int32') view.setInt32(i * 4, Number(value), true);
    else if (shape.type === 'int64') view.setBigInt64(i * 8, value as bigint, true);
    else view.setFloat64(i * 8, value as number, true);
  });
  return [...new Uint8Array(view.buffer, 0, values.length * (shape.type === 'int32' ? 4 : 8))];
}

function packBooleans(values: readonly boolean[]): number[] {
  const out = new Array<number>(Math.ceil(values.length / 8)).fill(0);
  values.forEach((value, i) => {
    if (value) out[i >> 3] |= 1 << (i & 7);
  });
  return out;
}

function prefixed(word: string): number[] {
  const bytes = Buffer.from(word, 'latin1');
  const head = Buffer.alloc(4);
  head.writeUInt32LE(bytes.length);
  return [...head, ...bytes];
}

function bitsOf(max: number): number {
  return 32 - Math.clz32(max);
}

import zlib from 'node:zlib';
import type { ColumnShape } from '#engine/kernels/kernels.ts';
import { readDeltas } from './delta.ts';
import { readHybrid } from './hybrid.ts';
import { unsnapTwin } from './snappy.ts';
import { readThriftStruct, type ThriftStruct } from './thrift.ts';

/** A decoded value: bigint of int32 and int64, number of double, boolean, and bytes as a latin1 string; a dictionary id as a number. */
export type TwinValue = bigint | number | boolean | string;

/** An entry of a column; `value` is undefined for a null. */
export interface TwinEntry {
  readonly repetition: number;
  readonly definition: number;
  readonly value: TwinValue | undefined;
}

/** Decodes the data pages of a column chunk (a dictionary page in front is passed over), in plain steps. */
export function readChunk(bytes: Uint8Array, shape: ColumnShape): TwinEntry[] {
  const entries: TwinEntry[] = [];
  for (let at = 0; at < bytes.length; ) {
    const { value: header, end } = readThriftStruct(bytes, at);
    const stored = Number(header.get(3));
    const v2 = header.get(8) as ThriftStruct | undefined;
    if (v2 !== undefined) entries.push(...readPage(bytes.subarray(end, end + stored), v2, shape));
    at = end + stored;
  }
  return entries;
}

function readPage(body: Uint8Array, header: ThriftStruct, shape: ColumnShape): TwinEntry[] {
  const count = Number(header.get(1));
  const repetitionBytes = Number(header.get(6));
  const levelBytes = repetitionBytes + Number(header.get(5));
  const repetitions = readHybrid(body.subarray(0, repetitionBytes), bitsOf(shape.maxRepetition), count);
  const definitions = readHybrid(body.subarray(repetitionBytes, levelBytes), bitsOf(shape.maxDefinition), count);
  const present = definitions.filter((level) => level === shape.maxDefinition).length;
  const codec = header.get(7) === false ? 'none' : shape.codec;
  const values = present === 0 ? [] : readValues(inflate(body.subarray(levelBytes), codec), Number(header.get(4)), shape, present);
  let next = 0;
  return definitions.map((definition, i) => ({
    repetition: repetitions[i],
    definition,
    value: definition === shape.maxDefinition ? values[next++] : undefined,
  }));
}

function inflate(bytes: Uint8Array, codec: ColumnShape['codec']): Uint8Array {
  if (codec === 'snappy') return unsnapTwin(bytes);
  return codec === 'zstd' ? zlib.zstdDecompressSync(bytes) : bytes;
}

function readValues(bytes: Uint8Array, encoding: number, shape: ColumnShape, count: number): TwinValue[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const each = (read: (i: number) => TwinValue) => Array.from({ length: count }, (_, i) => read(i));
  if (encoding === 8) return readHybrid(bytes.subarray(1), bytes[0], count);
  if (encoding === 5) {
    const { values } = readDeltas(bytes);
    return shape.type === 'int32' ? values.map((value) => BigInt.asIntN(32, value)) : values;
  }
  if (encoding === 6) {
    const { values, end } = readDeltas(bytes);
    let at = end;
    return values.map((length) => latin1(bytes.subarray(at, (at += Number(length)))));
  }
  if (encoding !== 0) throw new Error(`encoding ${encoding}`);
  if (shape.type === 'int32') return each((i) => BigInt(view.getInt32(i * 4, true)));
  if (shape.type === 'int64') return each((i) => view.getBigInt64(i * 8, true));
  if (shape.type === 'double') return each((i) => view.getFloat64(i * 8, true));
  if (shape.type === 'boolean') return each((i) => ((bytes[i >> 3] >> (i & 7)) & 1) === 1);
  let at = 0;
  return each(() => {
    const start = at + 4;
    at = start + view.getUint32(at, true);
    return latin1(bytes.subarray(start, at));
  });
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

function bitsOf(max: number): number {
  return 32 - Math.clz32(max);
}

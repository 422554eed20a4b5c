import { wireType } from '#engine/parquet/thrift.ts';
import { createByteSink } from './byte-sink.ts';

/** A member of a thrift struct. `undefined` members of {@link encodeStruct} are left out. */
export type ThriftValue =
  | { readonly type: 'i32' | 'i64'; readonly value: number }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'text'; readonly value: string }
  /** A struct that is encoded already. */
  | { readonly type: 'struct'; readonly value: Uint8Array }
  | { readonly type: 'structs'; readonly values: readonly Uint8Array[] }
  | { readonly type: 'texts'; readonly values: readonly string[] }
  | { readonly type: 'i32s'; readonly values: readonly number[] };

/** An i32 member. */
export function i32(value: number): ThriftValue {
  return { type: 'i32', value };
}

/** An i64 member up to 2^53. */
export function i64(value: number): ThriftValue {
  return { type: 'i64', value };
}

/** A struct member. */
export function struct(value: Uint8Array): ThriftValue {
  return { type: 'struct', value };
}

/** Encodes a struct in thrift's compact protocol; members by field number, ascending. */
export function encodeStruct(members: Readonly<Record<number, ThriftValue | undefined>>): Uint8Array {
  const sink = createByteSink();
  let previous = 0;
  for (const [key, member] of Object.entries(members)) {
    if (member === undefined) continue;
    const id = Number(key);
    const type = wireTypeOf(member);
    if (id - previous <= 15) sink.byte(((id - previous) << 4) | type);
    else {
      sink.byte(type);
      sink.zigzag(BigInt(id));
    }
    previous = id;
    sink.put(encodeValue(member));
  }
  sink.byte(0);
  return sink.bytes();
}

function wireTypeOf(member: ThriftValue): number {
  switch (member.type) {
    case 'i32':
      return wireType.i32;
    case 'i64':
      return wireType.i64;
    case 'boolean':
      return member.value ? wireType.true : wireType.false;
    case 'text':
      return wireType.binary;
    case 'struct':
      return wireType.struct;
    default:
      return wireType.list;
  }
}

function encodeValue(member: ThriftValue): Uint8Array {
  switch (member.type) {
    case 'boolean':
      return new Uint8Array(0);
    case 'i32':
    case 'i64':
      return encodeInteger(member.value);
    case 'text':
      return encodeText(member.value);
    case 'struct':
      return member.value;
    case 'structs':
      return encodeList(wireType.struct, member.values);
    case 'texts':
      return encodeList(wireType.binary, member.values.map(encodeText));
    case 'i32s':
      return encodeList(wireType.i32, member.values.map(encodeInteger));
  }
}

function encodeInteger(value: number): Uint8Array {
  const sink = createByteSink();
  sink.zigzag(BigInt(value));
  return sink.bytes();
}

function encodeText(text: string): Uint8Array {
  const sink = createByteSink();
  const bytes = Buffer.from(text);
  sink.varint(bytes.length);
  sink.put(bytes);
  return sink.bytes();
}

function encodeList(type: number, members: readonly Uint8Array[]): Uint8Array {
  const sink = createByteSink();
  if (members.length < 15) sink.byte((members.length << 4) | type);
  else {
    sink.byte(0xf0 | type);
    sink.varint(members.length);
  }
  for (const member of members) sink.put(member);
  return sink.bytes();
}

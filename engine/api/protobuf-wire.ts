import { AppError } from '#engine/base/errors.ts';

/** The protobuf wire format, as far as answers need it: varints, 64-bit and length-delimited fields, one level at a time. */

/** A field as it stands in a message. Groups (wire types 3 and 4) do not exist here. */
export type WireField =
  | { readonly number: number; readonly type: 'varint'; readonly value: bigint }
  | { readonly number: number; readonly type: 'fixed'; readonly bytes: Uint8Array }
  | { readonly number: number; readonly type: 'bytes'; readonly bytes: Uint8Array };

/** Reads a message field by field. Small and monomorphic, because answers have megabytes. */
export interface WireReader {
  readonly bytes: Uint8Array;
  at: number;
}

function broken(reader: WireReader, problem: string): AppError {
  return new AppError('internal', `not a protobuf message: ${problem} at byte ${reader.at} of ${reader.bytes.length}`);
}

/** A varint below 2^53: a tag or a length. Throws `internal` where it is longer or the message ends. */
export function readSmallVarint(reader: WireReader): number {
  let value = 0;
  let scale = 1;
  for (let count = 0; count < 7; count++) {
    if (reader.at >= reader.bytes.length) throw broken(reader, 'it ends inside a number');
    const byte = reader.bytes[reader.at++]!;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
    scale *= 128;
  }
  throw broken(reader, 'a tag or length is too large');
}

/** A varint of up to 64 bits, unsigned. */
export function readVarint(reader: WireReader): bigint {
  let low = 0;
  let high = 0;
  for (let count = 0; count < 10; count++) {
    if (reader.at >= reader.bytes.length) throw broken(reader, 'it ends inside a number');
    const byte = reader.bytes[reader.at++]!;
    if (count < 5) low += (byte & 0x7f) * 2 ** (7 * count);
    else high += (byte & 0x7f) * 2 ** (7 * (count - 5));
    if (byte < 0x80) return count < 5 ? BigInt(low) : BigInt.asUintN(64, BigInt(low) + (BigInt(high) << 35n));
  }
  throw broken(reader, 'a number is longer than ten bytes');
}

/** The bytes of a length-delimited field, as a view. */
export function readBytes(reader: WireReader): Uint8Array {
  const length = readSmallVarint(reader);
  const end = reader.at + length;
  if (end > reader.bytes.length) throw broken(reader, `a field of ${length} bytes does not fit`);
  const bytes = reader.bytes.subarray(reader.at, end);
  reader.at = end;
  return bytes;
}

/** Moves past a field whose tag was read. */
export function skipField(reader: WireReader, tag: number): void {
  const wireType = tag & 7;
  if (wireType === 0) readVarint(reader);
  else if (wireType === 2) readBytes(reader);
  else if (wireType === 1 || wireType === 5) {
    reader.at += wireType === 1 ? 8 : 4;
    if (reader.at > reader.bytes.length) throw broken(reader, 'it ends inside a number');
  } else throw broken(reader, `wire type ${wireType}`);
}

/** The fields of a message in order, known or not. Throws `internal` where it is damaged. */
export function* wireFields(bytes: Uint8Array): Generator<WireField> {
  const reader: WireReader = { bytes, at: 0 };
  while (reader.at < bytes.length) {
    const tag = readSmallVarint(reader);
    const number = Math.floor(tag / 8);
    const from = reader.at;
    if (number === 0) throw broken(reader, 'a field without number');
    if ((tag & 7) === 0) yield { number, type: 'varint', value: readVarint(reader) };
    else if ((tag & 7) === 2) yield { number, type: 'bytes', bytes: readBytes(reader) };
    else {
      skipField(reader, tag);
      yield { number, type: 'fixed', bytes: bytes.subarray(from, reader.at) };
    }
  }
}

/** The bytes of a varint, unsigned. */
export function varint(value: bigint | number): number[] {
  const bytes: number[] = [];
  let rest = BigInt(value);
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return bytes;
}

/** A varint field; empty for 0, as proto3 has it. */
export function numberField(number: number, value: bigint | number): Uint8Array {
  return value === 0n || value === 0 ? new Uint8Array(0) : Uint8Array.from([number << 3, ...varint(value)]);
}

/** A length-delimited field, also when it is empty. */
export function bytesField(number: number, content: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.from([(number << 3) | 2, ...varint(content.length)]), content]);
}

/** A string field; empty for the empty string, as proto3 has it. */
export function stringField(number: number, text: string): Uint8Array {
  return text === '' ? new Uint8Array(0) : bytesField(number, Buffer.from(text));
}

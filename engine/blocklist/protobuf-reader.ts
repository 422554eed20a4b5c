import { AppError } from '#engine/base/errors.ts';

/**
 * A place in a protobuf message, and the field read last. Made once per message and not per field: an index has millions of fields. Nothing is copied and
 * nothing is deeper than the caller goes, so that bad input costs no more than its length.
 */
export interface ProtobufReader {
  readonly bytes: Buffer;
  /** Where the message ends. */
  readonly end: number;
  at: number;
  number: number;
  /** A varint; negative for a negative int64. NaN for the other wire types. */
  value: number;
  /** Content of a length-delimited field is `[start, stop)` of the bytes; start is -1 for the other wire types. */
  start: number;
  stop: number;
}

/** Reads the message in `[start, end)` of the bytes. */
export function readMessage(bytes: Buffer, start = 0, end = bytes.length): ProtobufReader {
  return { bytes, end, at: start, number: 0, value: 0, start: -1, stop: -1 };
}

/** Reads the message in the field read last. Throws `corrupt_block` when that field is none. */
export function readInnerMessage(reader: ProtobufReader): ProtobufReader {
  checkBytes(reader);
  return readMessage(reader.bytes, reader.start, reader.stop);
}

/** The field read last as text. Throws `corrupt_block` when it is none. */
export function readText(reader: ProtobufReader): string {
  checkBytes(reader);
  return reader.bytes.toString('utf8', reader.start, reader.stop);
}

/** Throws `corrupt_block` unless the field read last is length-delimited. */
export function checkBytes({ start, number }: ProtobufReader): void {
  if (start < 0) throw malformed(`holds a field ${number} of the wrong type`);
}

/** Reads the next field; false at the end. Throws `corrupt_block` for anything malformed, and for integers that a JavaScript number cannot hold. */
export function nextField(reader: ProtobufReader): boolean {
  if (reader.at >= reader.end) return false;
  const tag = readVarint(reader);
  if (tag < 8 || tag > 0xffffffff) throw malformed('holds a field without a number');
  reader.number = Math.floor(tag / 8);
  const wireType = tag % 8;
  if (wireType === 0) {
    reader.value = readVarint(reader);
    reader.start = -1;
    return true;
  }
  reader.value = Number.NaN;
  const isBytes = wireType === 2;
  const length = isBytes ? readVarint(reader) : fixedLength(wireType);
  if (length < 0 || length > reader.end - reader.at) throw malformed('ends in the middle of a field');
  reader.start = isBytes ? reader.at : -1;
  reader.at += length;
  reader.stop = reader.at;
  return true;
}

function fixedLength(wireType: number): number {
  if (wireType === 1) return 8;
  if (wireType === 5) return 4;
  throw malformed(`holds a field of wire type ${wireType}`);
}

/** Bytes whose bits fit into V8's small integers: anything else would be a number of its own on the heap, in every block's meta. */
const smallBytes = 4;

function readVarint(reader: ProtobufReader): number {
  let low = 0;
  for (let length = 0; length < smallBytes; length++) {
    const byte = nextByte(reader);
    low |= (byte & 0x7f) << (7 * length);
    if (byte < 0x80) return low;
  }
  return readLongVarint(reader, low);
}

function readLongVarint(reader: ProtobufReader, start: number): number {
  let low = start;
  for (let length = smallBytes, scale = 2 ** 28; length < 7; length++, scale *= 128) {
    const byte = nextByte(reader);
    low += (byte & 0x7f) * scale;
    if (byte < 0x80) return low;
  }
  // More than 49 bits: a negative number, or one that is hardly meant.
  let value = BigInt(low);
  for (let length = 7; length < 10; length++) {
    const byte = nextByte(reader);
    value |= BigInt(byte & 0x7f) << BigInt(7 * length);
    if (byte < 0x80) {
      const signed = Number(BigInt.asIntN(64, value));
      if (Number.isSafeInteger(signed)) return signed;
      throw malformed('holds a number above 2^53');
    }
  }
  throw malformed('holds a number of more than ten bytes');
}

function nextByte(reader: ProtobufReader): number {
  if (reader.at >= reader.end) throw malformed('ends in the middle of a number');
  return reader.bytes[reader.at++]!;
}

function malformed(what: string): AppError {
  return new AppError('corrupt_block', `the protobuf message ${what}`);
}

import { AppError } from '#engine/base/errors.ts';

/** A place in thrift compact bytes. Functions below move it on. */
export interface ThriftCursor {
  readonly bytes: Uint8Array;
  at: number;
}

/** Thrift compact wire types that a struct field may have (thrift compact protocol specification). */
export const wireType = {
  true: 1,
  false: 2,
  i8: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  set: 10,
  map: 11,
  struct: 12,
} as const;

const maxDepth = 32;

/** Starts reading at a byte offset. */
export function thriftCursor(bytes: Uint8Array, at = 0): ThriftCursor {
  return { bytes, at };
}

function truncated(): AppError {
  return new AppError('corrupt_block', 'parquet metadata ends in the middle of a field');
}

/** An unsigned LEB128 number; exact up to 2^53. Throws `corrupt_block` past the end. */
export function readVarint(cursor: ThriftCursor): number {
  let result = 0;
  let scale = 1;
  for (let i = 0; i < 10; i++) {
    if (cursor.at >= cursor.bytes.length) throw truncated();
    const byte = cursor.bytes[cursor.at++];
    result += (byte & 0x7f) * scale;
    if (byte < 0x80) return result;
    scale *= 128;
  }
  throw new AppError('corrupt_block', 'parquet metadata holds a number of more than 10 bytes');
}

/** A zigzag number; exact up to 2^53. */
export function readZigzag(cursor: ThriftCursor): number {
  const raw = readVarint(cursor);
  return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2;
}

/** A length-prefixed byte string as a view. */
export function readBinary(cursor: ThriftCursor): Uint8Array {
  const length = readVarint(cursor);
  const start = cursor.at;
  if (start + length > cursor.bytes.length) throw truncated();
  cursor.at = start + length;
  return cursor.bytes.subarray(start, cursor.at);
}

/** A list header. Throws `corrupt_block` when the list claims more elements than bytes are left. */
export function readListHeader(cursor: ThriftCursor): { readonly size: number; readonly type: number } {
  if (cursor.at >= cursor.bytes.length) throw truncated();
  const head = cursor.bytes[cursor.at++];
  const size = head >> 4 === 15 ? readVarint(cursor) : head >> 4;
  if (size > cursor.bytes.length - cursor.at) throw truncated();
  return { size, type: head & 15 };
}

/** Calls `field` for each member of a struct; `field` consumes the value, or returns false to have it skipped. */
export function readStruct(cursor: ThriftCursor, field: (id: number, type: number) => boolean): void {
  let id = 0;
  for (;;) {
    if (cursor.at >= cursor.bytes.length) throw truncated();
    const head = cursor.bytes[cursor.at++];
    if (head === 0) return;
    id = head >> 4 ? id + (head >> 4) : readZigzag(cursor);
    if (!field(id, head & 15)) skipValue(cursor, head & 15, 0);
  }
}

function skipValue(cursor: ThriftCursor, type: number, depth: number): void {
  if (depth > maxDepth) throw new AppError('corrupt_block', `parquet metadata is nested deeper than ${maxDepth}`);
  switch (type) {
    case wireType.true:
    case wireType.false:
      return;
    case wireType.i8:
      cursor.at += 1;
      return;
    case wireType.i16:
    case wireType.i32:
    case wireType.i64:
      readVarint(cursor);
      return;
    case wireType.double:
      cursor.at += 8;
      return;
    case wireType.binary:
      readBinary(cursor);
      return;
    case wireType.list:
    case wireType.set: {
      const list = readListHeader(cursor);
      const booleans = list.type === wireType.true || list.type === wireType.false;
      for (let i = 0; i < list.size; i++) skipValue(cursor, booleans ? wireType.i8 : list.type, depth + 1);
      return;
    }
    case wireType.struct:
      readStructSkipping(cursor, depth + 1);
      return;
    default:
      throw new AppError('corrupt_block', `parquet metadata holds the unknown wire type ${type}`);
  }
}

function readStructSkipping(cursor: ThriftCursor, depth: number): void {
  for (;;) {
    if (cursor.at >= cursor.bytes.length) throw truncated();
    const head = cursor.bytes[cursor.at++];
    if (head === 0) return;
    if (head >> 4 === 0) readZigzag(cursor);
    skipValue(cursor, head & 15, depth);
  }
}

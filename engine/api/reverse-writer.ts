/**
 * Writes protobuf from the end to the start: when the length of a message is written, its content stands behind it already, so nothing is measured first.
 * Members are therefore written in reverse order, the last one first.
 */
export interface ReverseWriter {
  buffer: Buffer;
  /** First byte written so far. */
  at: number;
}

/** Starts with room for that many bytes; it grows. */
export function reverseWriter(capacityBytes = 16 * 1024): ReverseWriter {
  return { buffer: Buffer.allocUnsafe(capacityBytes), at: capacityBytes };
}

/** What was written. */
export function written(writer: ReverseWriter): Uint8Array {
  return writer.buffer.subarray(writer.at);
}

/** Bytes written so far; the difference between two of these is the length of what was written between. */
export function writtenBytes(writer: ReverseWriter): number {
  return writer.buffer.length - writer.at;
}

function reserve(writer: ReverseWriter, sizeBytes: number): void {
  if (writer.at >= sizeBytes) return;
  const used = writtenBytes(writer);
  const grown = Buffer.allocUnsafe(2 * writer.buffer.length + sizeBytes);
  writer.buffer.copy(grown, grown.length - used, writer.at);
  writer.buffer = grown;
  writer.at = grown.length - used;
}

/** An unsigned varint below 2^53. */
export function putVarint(writer: ReverseWriter, value: number): void {
  reserve(writer, 8);
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 128)) size++;
  writer.at -= size;
  let rest = value;
  for (let i = 0; i < size - 1; i++) {
    writer.buffer[writer.at + i] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  writer.buffer[writer.at + size - 1] = rest;
}

/** A varint of 64 bits; negative numbers take ten bytes, as protobuf has it. */
export function putLongVarint(writer: ReverseWriter, value: bigint): void {
  if (value >= 0n && value <= 0x1fffffffffffffn) {
    putVarint(writer, Number(value));
    return;
  }
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  putRaw(writer, Uint8Array.from(bytes));
}

/** A field's number and wire type. */
export function putTag(writer: ReverseWriter, field: number, wireType: 0 | 1 | 2 | 5): void {
  putVarint(writer, (field << 3) | wireType);
}

/** Bytes as they are. */
export function putRaw(writer: ReverseWriter, bytes: Uint8Array): void {
  reserve(writer, bytes.length);
  writer.at -= bytes.length;
  writer.buffer.set(bytes, writer.at);
}

/** A bytes field, also when it is empty. */
export function putBytesField(writer: ReverseWriter, field: number, bytes: Uint8Array): void {
  putRaw(writer, bytes);
  putVarint(writer, bytes.length);
  putTag(writer, field, 2);
}

/** A string field, also when it is empty. */
export function putTextField(writer: ReverseWriter, field: number, text: string): void {
  const size = Buffer.byteLength(text);
  reserve(writer, size);
  writer.at -= size;
  writer.buffer.write(text, writer.at, size, 'utf8');
  putVarint(writer, size);
  putTag(writer, field, 2);
}

/** A 64-bit field of fixed width; bits are kept. */
export function putFixed64Field(writer: ReverseWriter, field: number, value: bigint): void {
  reserve(writer, 8);
  writer.at -= 8;
  writer.buffer.writeBigUInt64LE(BigInt.asUintN(64, value), writer.at);
  putTag(writer, field, 1);
}

/** A double field, also when it is 0. */
export function putDoubleField(writer: ReverseWriter, field: number, value: number): void {
  reserve(writer, 8);
  writer.at -= 8;
  writer.buffer.writeDoubleLE(value, writer.at);
  putTag(writer, field, 1);
}

/** A message field, also when it is empty: `content` writes its members, the last one first. */
export function putMessage(writer: ReverseWriter, field: number, content: () => void): void {
  const before = writtenBytes(writer);
  content();
  putVarint(writer, writtenBytes(writer) - before);
  putTag(writer, field, 2);
}

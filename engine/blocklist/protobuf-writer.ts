/** Writes one protobuf message, field by field, into one growing buffer. Zero and empty texts are left out, as proto3 has it; `bytes` and messages are not. */
export interface ProtobufWriter {
  /** A varint field; `value` is a whole number from -2^53 to 2^53. */
  readonly number: (field: number, value: number) => void;
  readonly text: (field: number, value: string) => void;
  readonly bytes: (field: number, value: Uint8Array) => void;
  /** A message in a field; `write` writes its fields to the same writer. */
  readonly message: (field: number, write: () => void) => void;
  /** All that was written: a view, good until the next write. */
  readonly finish: () => Uint8Array;
}

/** Creates an empty {@link ProtobufWriter}. */
export function createProtobufWriter(): ProtobufWriter {
  let buffer = Buffer.allocUnsafe(4096);
  let at = 0;
  const reserve = (length: number): void => {
    if (at + length <= buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, at + length));
    buffer.copy(larger, 0, 0, at);
    buffer = larger;
  };
  const varint = (value: number): void => {
    reserve(10);
    if (value < 0) {
      // Ten bytes of two's complement.
      let rest = BigInt.asUintN(64, BigInt(value));
      for (; rest >= 0x80n; rest >>= 7n) buffer[at++] = Number(rest & 0x7fn) | 0x80;
      buffer[at++] = Number(rest);
      return;
    }
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) buffer[at++] = (rest % 0x80) | 0x80;
    buffer[at++] = rest;
  };
  const bytes = (field: number, value: Uint8Array): void => {
    varint(field * 8 + 2);
    varint(value.length);
    reserve(value.length);
    buffer.set(value, at);
    at += value.length;
  };
  return {
    number: (field, value) => {
      if (value === 0) return;
      varint(field * 8);
      varint(value);
    },
    text: (field, value) => {
      if (value !== '') bytes(field, Buffer.from(value));
    },
    bytes,
    message: (field, write) => {
      varint(field * 8 + 2);
      const from = at;
      write();
      // The length comes first and is known last: what was written moves by the bytes that it takes.
      const length = at - from;
      varint(length);
      const lengthBytes = at - from - length;
      const written = Buffer.from(buffer.subarray(from + length, at));
      buffer.copyWithin(from + lengthBytes, from, from + length);
      written.copy(buffer, from);
    },
    finish: () => buffer.subarray(0, at),
  };
}

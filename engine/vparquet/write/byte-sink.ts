/** Bytes under construction. */
export interface ByteSink {
  readonly byte: (value: number) => void;
  readonly put: (bytes: Uint8Array) => void;
  /** Unsigned LEB128 of a whole number up to 2^53. */
  readonly varint: (value: number) => void;
  /** Zigzag LEB128 of a signed 64-bit number. */
  readonly zigzag: (value: bigint) => void;
  readonly length: () => number;
  /** All bytes so far, as a copy. */
  readonly bytes: () => Uint8Array;
}

const firstBytes = 256;

/** An empty sink. */
export function createByteSink(): ByteSink {
  let buffer = new Uint8Array(firstBytes);
  let top = 0;
  const reserve = (sizeBytes: number): void => {
    if (top + sizeBytes <= buffer.length) return;
    const larger = new Uint8Array(Math.max(2 * buffer.length, top + sizeBytes));
    larger.set(buffer.subarray(0, top));
    buffer = larger;
  };
  const byte = (value: number): void => {
    reserve(1);
    buffer[top++] = value;
  };
  return {
    byte,
    put: (bytes) => {
      reserve(bytes.length);
      buffer.set(bytes, top);
      top += bytes.length;
    },
    varint: (value) => {
      let rest = value;
      for (; rest > 127; rest = Math.floor(rest / 128)) byte((rest % 128) | 128);
      byte(rest);
    },
    zigzag: (value) => {
      let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
      for (; rest > 127n; rest >>= 7n) byte(Number(rest & 127n) | 128);
      byte(Number(rest));
    },
    length: () => top,
    bytes: () => buffer.slice(0, top),
  };
}

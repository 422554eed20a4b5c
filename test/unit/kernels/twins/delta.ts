/** Reads DELTA_BINARY_PACKED as signed 64-bit numbers, and tells where it ends. */
export function readDeltas(bytes: Uint8Array): { readonly values: bigint[]; readonly end: number } {
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const zigzag = () => {
    const value = BigInt.asUintN(64, varint());
    return (value >> 1n) ^ -(value & 1n);
  };
  const blockSize = Number(varint());
  const miniblocks = Number(varint());
  const count = Number(varint());
  let current = zigzag();
  const values = count > 0 ? [BigInt.asIntN(64, current)] : [];
  const perMiniblock = blockSize / miniblocks;
  while (values.length < count) {
    const lowest = zigzag();
    const widths = bytes.subarray(at, at + miniblocks);
    at += miniblocks;
    for (const width of widths) {
      if (values.length === count) break;
      for (let i = 0; i < perMiniblock && values.length < count; i++) {
        current = BigInt.asIntN(64, current + lowest + bitsAt(bytes, at * 8 + i * width, width));
        values.push(current);
      }
      at += (perMiniblock * width) / 8;
    }
  }
  return { values, end: at };
}

function bitsAt(bytes: Uint8Array, bit: number, width: number): bigint {
  let value = 0n;
  for (let i = 0; i < width; i++) value |= BigInt((bytes[(bit + i) >> 3] >> ((bit + i) & 7)) & 1) << BigInt(i);
  return value;
}

/** MurmurHash3 x64 128 with seed 0: the two 64-bit halves, unsigned. For single keys; it works on BigInt. */
export function murmur3(key: Uint8Array): readonly [bigint, bigint] {
  let h1 = 0n;
  let h2 = 0n;
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
  const blocks = Math.floor(key.length / 16);
  for (let block = 0; block < blocks; block++) {
    h1 ^= mixLow(view.getBigUint64(16 * block, true));
    h1 = u64(u64(rotate(h1, 27n) + h2) * 5n + 0x52dce729n);
    h2 ^= mixHigh(view.getBigUint64(16 * block + 8, true));
    h2 = u64(u64(rotate(h2, 31n) + h1) * 5n + 0x38495ab5n);
  }
  const tail = key.subarray(16 * blocks);
  h2 ^= mixHigh(littleEndian(tail.subarray(8)));
  h1 ^= mixLow(littleEndian(tail.subarray(0, 8)));
  const length = BigInt(key.length);
  h1 = u64((h1 ^ length) + (h2 ^ length));
  h2 = u64((h2 ^ length) + h1);
  h1 = finish(h1);
  h2 = finish(h2);
  h1 = u64(h1 + h2);
  return [h1, u64(h2 + h1)];
}

const c1 = 0x87c37b91114253d5n;
const c2 = 0x4cf5ad432745937fn;

function u64(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}

function rotate(value: bigint, bits: bigint): bigint {
  return u64(value << bits) | (value >> (64n - bits));
}

function mixLow(word: bigint): bigint {
  return u64(rotate(u64(word * c1), 31n) * c2);
}

function mixHigh(word: bigint): bigint {
  return u64(rotate(u64(word * c2), 33n) * c1);
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
  return value;
}

function finish(value: bigint): bigint {
  const once = u64((value ^ (value >> 33n)) * 0xff51afd7ed558ccdn);
  const twice = u64((once ^ (once >> 33n)) * 0xc4ceb9fe1a85ec53n);
  return twice ^ (twice >> 33n);
}

/** FNV-1 (multiply, then xor) with 32 bits, unsigned. */
export function fnv1(key: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of key) hash = Math.imul(hash, 0x01000193) ^ byte;
  return hash >>> 0;
}

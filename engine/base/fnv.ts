const offsetBasis = 0xcbf29ce484222325n;
const prime = 0x100000001b3n;

/** FNV-1a (xor, then multiply) with 64 bits, unsigned. For short texts that are hashed now and then: it works on BigInt. */
export function fnv1a64(text: string): bigint {
  let hash = offsetBasis;
  for (const byte of Buffer.from(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * prime);
  return hash;
}

/** Goes on with a number as 8 bytes, the highest first. */
export function addToFnv1a64(hash: bigint, number: bigint): bigint {
  let result = hash;
  for (let shift = 56n; shift >= 0n; shift -= 8n) result = BigInt.asUintN(64, (result ^ ((number >> shift) & 0xffn)) * prime);
  return result;
}

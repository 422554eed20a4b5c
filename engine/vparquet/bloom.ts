import { AppError } from '#engine/base/errors.ts';
import { fnv1, murmur3 } from '#engine/base/hash.ts';

/** One shard of a block's bloom filter, as stored (spec blocks §5). */
export interface BloomFilter {
  /** Bits. */
  readonly size: bigint;
  /** Bits set for each id. */
  readonly hashCount: number;
  /** 64-bit words, big-endian. */
  readonly words: Uint8Array;
}

/** What is hashed of a trace id, for all filters alike. */
export type BloomKey = readonly [bigint, bigint, bigint, bigint];

const headerBytes = 24;
const maxHashCount = 64n;

/** Reads a `bloom-N` object. Throws `corrupt_block` where its lengths do not add up. */
export function parseBloom(bytes: Uint8Array): BloomFilter {
  if (bytes.length < headerBytes) throw new AppError('corrupt_block', `bloom filter of ${bytes.length} bytes is too short`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = view.getBigUint64(0);
  const hashCount = view.getBigUint64(8);
  const wordBytes = ((size + 63n) / 64n) * 8n;
  if (size === 0n || hashCount > maxHashCount || view.getBigUint64(16) !== size || wordBytes !== BigInt(bytes.length - headerBytes)) {
    throw new AppError('corrupt_block', `bloom filter claims ${size} bits and ${hashCount} hashes in ${bytes.length} bytes`);
  }
  return { size, hashCount: Number(hashCount), words: bytes.subarray(headerBytes) };
}

/** Which of a block's shards tells about a trace id of 16 bytes. */
export function bloomShard(traceId: Uint8Array, shards: number): number {
  return fnv1(traceId) % shards;
}

/** Hashes a trace id of 16 bytes. */
export function bloomKey(traceId: Uint8Array): BloomKey {
  const longer = new Uint8Array(traceId.length + 1);
  longer.set(traceId);
  longer[traceId.length] = 1;
  return [...murmur3(traceId), ...murmur3(longer)];
}

/** False where the block certainly does not have the trace. */
export function mayContain(filter: BloomFilter, key: BloomKey): boolean {
  for (let i = 0; i < filter.hashCount; i++) {
    const step = key[2 + (((i + (i % 2)) % 4) >> 1)]!;
    const bit = Number(BigInt.asUintN(64, key[i % 2]! + BigInt(i) * step) % filter.size);
    const inWord = bit % 64;
    // A word is big-endian, its lowest bit comes first: the bit's byte is counted from the word's end.
    const byte = filter.words[8 * Math.floor(bit / 64) + 7 - (inWord >> 3)]!;
    if (((byte >> (inWord & 7)) & 1) === 0) return false;
  }
  return true;
}

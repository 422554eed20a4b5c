/** A range of block ids, both inclusive, as 32 hex digits. */
export interface BlockRange {
  readonly blockStart: string;
  readonly blockEnd: string;
}

const ids = 2n ** 64n - 1n;

function boundary(top: bigint, low: '0' | 'f'): string {
  return top.toString(16).padStart(16, '0') + low.repeat(16);
}

/**
 * Cuts the space of block ids into ranges for `query_shards - 1` jobs; one shard of a query is for recent data. Only the upper 64 bits are split, the first
 * ranges are 1 larger where it does not divide evenly; neighbours share their boundary, which is harmless (spec read-path §2.1). Ranges are made one by one.
 */
export function* shardBlockIds(queryShards: number): Generator<BlockRange, void, void> {
  const count = BigInt(Math.max(1, queryShards - 1));
  const size = ids / count;
  const larger = ids % count;
  let start = 0n;
  for (let shard = 0n; shard < count; shard++) {
    const end = start + size + (shard < larger ? 1n : 0n);
    const last = shard === count - 1n;
    yield { blockStart: boundary(start, '0'), blockEnd: last ? 'f'.repeat(32) : boundary(end, '0') };
    start = end;
  }
}

import { blockId, bytes, type TenantId, tenantId, unixSeconds } from '#engine/base/units.ts';
import { createBlocklist, type TenantBlocklist } from '#engine/blocklist/list.ts';
import type { BlockMeta } from '#engine/blocklist/meta.ts';

/** A tenant for tests. */
export const shop: TenantId = tenantId('shop');

/** A block that only its times, size and row groups make different. */
export function block(index: number, part: Partial<Omit<BlockMeta, 'startSeconds' | 'endSeconds' | 'sizeBytes'>> & Times = {}): BlockMeta {
  const { startSeconds = 1000, endSeconds = 2000, sizeBytes = 1000, ...rest } = part;
  const template = {
    tenant: shop,
    blockId: blockId(`00000000-0000-4000-8000-${String(index).padStart(12, '0')}`)!,
    version: 'vParquet4',
    totalTraces: 10,
    footerBytes: bytes(100),
    totalRecords: 4,
    dedicatedColumns: [],
    compactionLevel: 0,
    replicationFactor: 1,
    bloomShards: 1,
  };
  return {
    ...template,
    startSeconds: unixSeconds(startSeconds),
    endSeconds: unixSeconds(endSeconds),
    sizeBytes: bytes(sizeBytes),
    ...rest,
  } as BlockMeta;
}

interface Times {
  readonly startSeconds?: number;
  readonly endSeconds?: number;
  readonly sizeBytes?: number;
}

/** A list of live blocks. */
export function list(...blocks: readonly BlockMeta[]): TenantBlocklist {
  return createBlocklist(blocks, []);
}

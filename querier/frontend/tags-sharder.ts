import type { BlockPart } from '#engine/api/search-request.ts';
import type { TenantId } from '#engine/base/units.ts';
import type { TenantBlocklist } from '#engine/blocklist/list.ts';
import { selectFromLists } from '#engine/blocklist/select.ts';
import { pagesPerJob } from './sharder.ts';

/** A part of one block of a tenant, to be looked at by one job. */
export interface BlockJob {
  readonly tenant: TenantId;
  readonly block: BlockPart;
}

/** How a tag request is cut; times in whole seconds. */
export interface TagsShardOptions {
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly nowSeconds: number;
  readonly queryBackendAfterSeconds: number;
  readonly targetBytesPerJob: number;
  /** Newest blocks of each tenant that are looked at; 0: all. */
  readonly maxBlocks: number;
}

/**
 * Cuts a tag request over the blocks of one or more tenants into jobs, newest block first: the blocks and parts that a search over the same time has, dedicated
 * columns included (spec read-path §4). Pure.
 */
export function* shardTags(lists: readonly TenantBlocklist[], options: TagsShardOptions): Generator<BlockJob, void, void> {
  const { targetBytesPerJob } = options;
  const boundary = options.nowSeconds - options.queryBackendAfterSeconds;
  const start = Math.min(options.startSeconds, boundary);
  const end = Math.min(options.endSeconds, boundary);
  if (start >= end) return;
  const { blocks } = selectFromLists(lists, { startSeconds: start, endSeconds: end, maxPerList: options.maxBlocks });
  for (const { tenant, blockId, version, sizeBytes, footerBytes, totalRecords, dedicatedColumns } of blocks) {
    const pagesToSearch = pagesPerJob({ sizeBytes, totalRecords }, targetBytesPerJob);
    if (pagesToSearch === 0) continue;
    const block = { blockId, version, sizeBytes, footerBytes, totalRecords, pagesToSearch, dedicatedColumns };
    for (let startPage = 0; startPage < totalRecords; startPage += pagesToSearch) yield { tenant, block: { ...block, startPage } };
  }
}

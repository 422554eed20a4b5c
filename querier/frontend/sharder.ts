import type { SearchBlockRequest, SearchRequest } from '#engine/api/search-request.ts';
import type { TenantId } from '#engine/base/units.ts';
import { compareNewestFirst, selectBlocks, type TenantBlocklist } from '#engine/blocklist/list.ts';
import type { BlockMeta } from '#engine/blocklist/meta.ts';

/** One unit of work of a search. */
export interface SearchJob {
  readonly tenant: TenantId;
  readonly request: SearchBlockRequest;
  /** Index into {@link SearchPlan.shards}. */
  readonly shard: number;
}

/** Consecutive blocks whose jobs, once all are done, complete the search back to a point in time. */
export interface Shard {
  readonly jobCount: number;
  /** All traces that end after this have been seen when this and the earlier shards are done. Seconds; -Infinity: all there are. */
  readonly completedThroughSeconds: number;
}

/** A search cut into jobs (spec read-path §3.2, §3.3). */
export interface SearchPlan {
  readonly totalBlocks: number;
  readonly totalJobs: number;
  readonly totalBlockBytes: number;
  readonly shards: readonly Shard[];
  /** Made one by one, newest block first: a search that ends early never makes the rest. */
  readonly jobs: () => Generator<SearchJob, void, void>;
}

/** How a search is cut; times in whole seconds. */
export interface ShardOptions {
  readonly nowSeconds: number;
  readonly queryBackendAfterSeconds: number;
  readonly targetBytesPerJob: number;
  readonly mostRecentShards: number;
}

/** Row groups per job, or 0 where the block is skipped (spec read-path §3.2). */
export function pagesPerJob(block: Pick<BlockMeta, 'sizeBytes' | 'totalRecords'>, targetBytesPerJob: number): number {
  const { sizeBytes, totalRecords } = block;
  if (sizeBytes <= 0 || totalRecords <= 0) return 0;
  if (sizeBytes < targetBytesPerJob) return totalRecords;
  const bytesPerPage = Math.floor(sizeBytes / totalRecords);
  return bytesPerPage === 0 ? 0 : Math.max(1, Math.floor(targetBytesPerJob / bytesPerPage));
}

/** The blocks that a search reads, in order. What is younger than `query_backend_after` belongs to recent stores, which are not searched. */
function blocksOf(request: SearchRequest, lists: readonly TenantBlocklist[], options: ShardOptions): readonly BlockMeta[] {
  const boundary = options.nowSeconds - options.queryBackendAfterSeconds;
  const start = Math.min(request.startSeconds, boundary);
  const end = Math.min(request.endSeconds, boundary);
  if (start >= end) return [];
  const selected = lists
    .flatMap((list) => selectBlocks(list, start, end))
    .filter((block) => pagesPerJob(block, options.targetBytesPerJob) > 0);
  return lists.length > 1 ? selected.sort(compareNewestFirst) : selected;
}

function jobCount(block: BlockMeta, targetBytesPerJob: number): number {
  return Math.ceil(block.totalRecords / pagesPerJob(block, targetBytesPerJob));
}

/** Groups blocks into shards; all but the last close only at a block that ends before the query does (spec read-path §3.3). */
function shardsOf(selected: readonly BlockMeta[], endSeconds: number, options: ShardOptions): { shards: Shard[]; ends: number[] } {
  const perShard = Math.max(1, Math.floor(selected.length / options.mostRecentShards));
  const shards: Shard[] = [];
  const ends: number[] = [];
  let first = 0;
  let jobs = 0;
  for (const [index, block] of selected.entries()) {
    jobs += jobCount(block, options.targetBytesPerJob);
    const last = index === selected.length - 1;
    const full = index - first + 1 >= perShard && block.endSeconds < endSeconds && shards.length < options.mostRecentShards - 1;
    if (!last && !full) continue;
    shards.push({ jobCount: jobs, completedThroughSeconds: last ? Number.NEGATIVE_INFINITY : block.endSeconds });
    ends.push(index + 1);
    first = index + 1;
    jobs = 0;
  }
  return { shards, ends };
}

function* makeJobs(
  request: SearchRequest,
  selected: readonly BlockMeta[],
  ends: readonly number[],
  targetBytesPerJob: number,
): Generator<SearchJob, void, void> {
  let shard = 0;
  for (const [index, block] of selected.entries()) {
    while (index >= ends[shard]!) shard++;
    const pages = pagesPerJob(block, targetBytesPerJob);
    const { tenant, blockId, version, sizeBytes, footerBytes, totalRecords, dedicatedColumns } = block;
    for (let startPage = 0; startPage < totalRecords; startPage += pages) {
      const part = { blockId, version, sizeBytes, footerBytes, totalRecords, startPage, pagesToSearch: pages, dedicatedColumns };
      yield { tenant, shard, request: { ...request, block: part } };
    }
  }
}

/** Cuts a search over the blocks of one or more tenants into jobs. Pure: the same input gives the same plan. */
export function shardSearch(request: SearchRequest, lists: readonly TenantBlocklist[], options: ShardOptions): SearchPlan {
  const selected = blocksOf(request, lists, options);
  const { shards, ends } = shardsOf(selected, request.endSeconds, options);
  let totalBlockBytes = 0;
  let totalJobs = 0;
  for (const block of selected) totalBlockBytes += block.sizeBytes;
  for (const shard of shards) totalJobs += shard.jobCount;
  return {
    totalBlocks: selected.length,
    totalJobs,
    totalBlockBytes,
    shards,
    jobs: () => makeJobs(request, selected, ends, options.targetBytesPerJob),
  };
}

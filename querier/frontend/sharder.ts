import type { SearchBlockRequest, SearchRequest } from '#engine/api/search-request.ts';
import type { TenantId } from '#engine/base/units.ts';
import type { TenantBlocklist } from '#engine/blocklist/list.ts';
import { type BlockFacts, emptySelection, type Selection, selectFromLists } from '#engine/blocklist/select.ts';

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
export function pagesPerJob(block: Pick<BlockFacts, 'sizeBytes' | 'totalRecords'>, targetBytesPerJob: number): number {
  const { sizeBytes, totalRecords } = block;
  if (sizeBytes <= 0 || totalRecords <= 0) return 0;
  if (sizeBytes < targetBytesPerJob) return totalRecords;
  const bytesPerPage = Math.floor(sizeBytes / totalRecords);
  return bytesPerPage === 0 ? 0 : Math.max(1, Math.floor(targetBytesPerJob / bytesPerPage));
}

/** The blocks that a search reads, in order. What is younger than `query_backend_after` belongs to recent stores, which are not searched. */
function blocksOf(request: SearchRequest, lists: readonly TenantBlocklist[], options: ShardOptions): Selection {
  const boundary = options.nowSeconds - options.queryBackendAfterSeconds;
  const start = Math.min(request.startSeconds, boundary);
  const end = Math.min(request.endSeconds, boundary);
  if (start >= end) return emptySelection;
  const accept = (facts: BlockFacts) => pagesPerJob(facts, options.targetBytesPerJob) > 0;
  return selectFromLists(lists, { startSeconds: start, endSeconds: end, accept });
}

/** Jobs of each selected block. */
export function jobCounts({ sizeBytes, totalRecords }: Selection, targetBytesPerJob: number): readonly number[] {
  return totalRecords.map((records, at) => {
    return Math.ceil(records / pagesPerJob({ sizeBytes: sizeBytes[at]!, totalRecords: records }, targetBytesPerJob));
  });
}

/** Groups blocks into shards; all but the last close only at a block that ends before the query does (spec read-path §3.3). */
function shardsOf(selected: Selection, endSeconds: number, options: ShardOptions): { shards: Shard[]; ends: number[] } {
  const count = selected.blocks.length;
  const perShard = Math.max(1, Math.floor(count / options.mostRecentShards));
  const counts = jobCounts(selected, options.targetBytesPerJob);
  const shards: Shard[] = [];
  const ends: number[] = [];
  let first = 0;
  let jobs = 0;
  for (let index = 0; index < count; index++) {
    const blockEnd = selected.endSeconds[index]!;
    jobs += counts[index]!;
    const last = index === count - 1;
    const full = index - first + 1 >= perShard && blockEnd < endSeconds && shards.length < options.mostRecentShards - 1;
    if (!last && !full) continue;
    shards.push({ jobCount: jobs, completedThroughSeconds: last ? Number.NEGATIVE_INFINITY : blockEnd });
    ends.push(index + 1);
    first = index + 1;
    jobs = 0;
  }
  return { shards, ends };
}

function* makeJobs(
  request: SearchRequest,
  { blocks }: Selection,
  ends: readonly number[],
  targetBytesPerJob: number,
): Generator<SearchJob, void, void> {
  let shard = 0;
  for (let index = 0; index < blocks.length; index++) {
    const block = blocks[index]!;
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
  for (const sizeBytes of selected.sizeBytes) totalBlockBytes += sizeBytes;
  for (const shard of shards) totalJobs += shard.jobCount;
  return {
    totalBlocks: selected.blocks.length,
    totalJobs,
    totalBlockBytes,
    shards,
    jobs: () => makeJobs(request, selected, ends, options.targetBytesPerJob),
  };
}

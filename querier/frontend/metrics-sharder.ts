import type { MetricsBlockRequest, MetricsRange } from '#engine/api/metrics-request.ts';
import type { TenantId } from '#engine/base/units.ts';
import { compareNewestFirst, selectBlocks, type TenantBlocklist } from '#engine/blocklist/list.ts';
import type { BlockMeta } from '#engine/blocklist/meta.ts';
import { pagesPerJob } from './sharder.ts';

/** One unit of work of a metrics query. */
export interface MetricsJob {
  readonly tenant: TenantId;
  readonly request: MetricsBlockRequest;
}

/** A metrics query cut into jobs (spec read-path §5.3). */
export interface MetricsJobs {
  readonly totalBlocks: number;
  readonly totalJobs: number;
  readonly totalBlockBytes: number;
  /** Newest block first. */
  readonly jobs: () => Generator<MetricsJob, void, void>;
}

/** How a metrics query is cut. */
export interface MetricsShardOptions {
  /** Spans that start later are not looked for in blocks. Nanoseconds since the epoch. */
  readonly cutoffNanos: bigint;
  readonly targetBytesPerJob: number;
}

const second = 1_000_000_000n;
/** Blocks get a little more than their share of exemplars, since not all find as many. */
const exemplarSurplus = 1.2;

/** The part of a query's range that a block can hold: it begins and ends at a multiple of the step, or where the query does. */
function cutToBlock(range: MetricsRange, block: BlockMeta): MetricsRange | undefined {
  if (range.instant) return range;
  const { stepNanos } = range;
  const first = BigInt(block.startSeconds) * second - 1n;
  const last = BigInt(block.endSeconds + 1) * second;
  const start = first - (first % stepNanos);
  const end = last + ((stepNanos - (last % stepNanos)) % stepNanos);
  const startNanos = start > range.startNanos ? start : range.startNanos;
  const endNanos = end < range.endNanos ? end : range.endNanos;
  return startNanos < endNanos ? { ...range, startNanos, endNanos } : undefined;
}

/** Metrics count only blocks that were written once: of others there may be three copies (spec read-path §5.2). */
function blocksOf(range: MetricsRange, lists: readonly TenantBlocklist[], targetBytesPerJob: number): readonly BlockMeta[] {
  if (range.startNanos >= range.endNanos) return [];
  const selected = lists
    .flatMap((list) => selectBlocks(list, Number(range.startNanos / second), Number(range.endNanos / second)))
    .filter(
      (block) => block.replicationFactor === 1 && pagesPerJob(block, targetBytesPerJob) > 0 && cutToBlock(range, block) !== undefined,
    );
  return lists.length > 1 ? selected.sort(compareNewestFirst) : selected;
}

function durationSeconds({ startSeconds, endSeconds }: BlockMeta): number {
  return Math.max(1, endSeconds - startSeconds);
}

function* makeJobs(range: MetricsRange, blocks: readonly BlockMeta[], targetBytesPerJob: number): Generator<MetricsJob, void, void> {
  const allSeconds = blocks.reduce((sum, block) => sum + durationSeconds(block), 0);
  for (const block of blocks) {
    const pages = pagesPerJob(block, targetBytesPerJob);
    const { tenant, blockId, version, sizeBytes, footerBytes, totalRecords, dedicatedColumns } = block;
    const part = cutToBlock(range, block)!;
    const ofBlock = Math.max(1, Math.ceil((range.exemplars * exemplarSurplus * durationSeconds(block)) / allSeconds));
    for (let startPage = 0; startPage < totalRecords; startPage += pages) {
      const share = Math.max(1, Math.ceil((ofBlock * Math.min(pages, totalRecords - startPage)) / totalRecords));
      const exemplars = range.exemplars === 0 ? 0 : share;
      const pagesOfBlock = { blockId, version, sizeBytes, footerBytes, totalRecords, startPage, pagesToSearch: pages, dedicatedColumns };
      yield { tenant, request: { ...part, exemplars, block: pagesOfBlock } };
    }
  }
}

/** Cuts a metrics query over the blocks of one or more tenants into jobs. Pure: the same input gives the same jobs. */
export function shardMetrics(query: MetricsRange, lists: readonly TenantBlocklist[], options: MetricsShardOptions): MetricsJobs {
  const { cutoffNanos, targetBytesPerJob } = options;
  const range = query.endNanos > cutoffNanos ? { ...query, endNanos: cutoffNanos } : query;
  const blocks = blocksOf(range, lists, targetBytesPerJob);
  let totalBlockBytes = 0;
  let totalJobs = 0;
  for (const block of blocks) {
    totalBlockBytes += block.sizeBytes;
    totalJobs += Math.ceil(block.totalRecords / pagesPerJob(block, targetBytesPerJob));
  }
  return { totalBlocks: blocks.length, totalJobs, totalBlockBytes, jobs: () => makeJobs(range, blocks, targetBytesPerJob) };
}

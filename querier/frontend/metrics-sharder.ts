import type { MetricsBlockRequest, MetricsRange } from '#engine/api/metrics-request.ts';
import type { TenantId } from '#engine/base/units.ts';
import type { TenantBlocklist } from '#engine/blocklist/list.ts';
import type { BlockMeta } from '#engine/blocklist/meta.ts';
import { type BlockFacts, emptySelection, type Selection, selectFromLists } from '#engine/blocklist/select.ts';
import { jobCounts, pagesPerJob } from './sharder.ts';

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

/**
 * The part of a query's range that a block can hold: it begins and ends at a multiple of the step, or where the query does. Never empty for a block whose seconds
 * touch those of the range, since one nanosecond before and one second after are added to them.
 */
function cutToBlock(range: MetricsRange, block: BlockMeta): MetricsRange {
  if (range.instant) return range;
  const { stepNanos } = range;
  const first = BigInt(block.startSeconds) * second - 1n;
  const last = BigInt(block.endSeconds + 1) * second;
  const start = first - (first % stepNanos);
  const end = last + ((stepNanos - (last % stepNanos)) % stepNanos);
  const startNanos = start > range.startNanos ? start : range.startNanos;
  const endNanos = end < range.endNanos ? end : range.endNanos;
  return { ...range, startNanos, endNanos };
}

/** Metrics count only blocks that were written once: of others there may be three copies (spec read-path §5.2). */
function blocksOf(range: MetricsRange, lists: readonly TenantBlocklist[], targetBytesPerJob: number): Selection {
  if (range.startNanos >= range.endNanos) return emptySelection;
  const startSeconds = Number(range.startNanos / second);
  const endSeconds = Number(range.endNanos / second);
  const accept = (facts: BlockFacts) => facts.replicationFactor === 1 && pagesPerJob(facts, targetBytesPerJob) > 0;
  return selectFromLists(lists, { startSeconds, endSeconds, accept });
}

function durationsSeconds({ startSeconds, endSeconds }: Selection): readonly number[] {
  return startSeconds.map((start, at) => Math.max(1, endSeconds[at]! - start));
}

function* makeJobs(range: MetricsRange, selected: Selection, targetBytesPerJob: number): Generator<MetricsJob, void, void> {
  const durations = durationsSeconds(selected);
  const allSeconds = durations.reduce((sum, duration) => sum + duration, 0);
  for (let index = 0; index < durations.length; index++) {
    const block = selected.blocks[index]!;
    const pages = pagesPerJob(block, targetBytesPerJob);
    const { tenant, blockId, version, sizeBytes, footerBytes, totalRecords, dedicatedColumns } = block;
    const part = cutToBlock(range, block);
    const ofBlock = Math.max(1, Math.ceil((range.exemplars * exemplarSurplus * durations[index]!) / allSeconds));
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
  const selected = blocksOf(range, lists, targetBytesPerJob);
  const totalBlockBytes = selected.sizeBytes.reduce((sum, size) => sum + size, 0);
  const totalJobs = jobCounts(selected, targetBytesPerJob).reduce((sum, count) => sum + count, 0);
  const jobs = () => makeJobs(range, selected, targetBytesPerJob);
  return { totalBlocks: selected.blocks.length, totalJobs, totalBlockBytes, jobs };
}

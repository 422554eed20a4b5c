import { createTraceCombiner, encodedSize, noTrace, type TraceAnswer, type TraceVersion } from '#engine/api/trace-answer.ts';
import { printTraceParams, type TraceParams } from '#engine/api/trace-params.ts';
import type { Clock } from '#engine/base/clock.ts';
import { mapParallel } from '#engine/base/parallel.ts';
import type { TenantId } from '#engine/base/units.ts';
import type { TenantBlocklist } from '#engine/blocklist/list.ts';
import type { BlockMeta } from '#engine/blocklist/meta.ts';
import { selectBlocksById } from '#engine/blocklist/select.ts';
import type { TraceLookup } from '#engine/jobs/find-trace-block.ts';
import type { LimitsOf } from '../config/limits.ts';
import { withDeadline } from '../deadline.ts';

/** A trace lookup in a range of blocks of one tenant: the request `GET /querier/api/traces/{id}?mode=blocks&…`, read (spec read-path §2.1). */
export interface TraceJob {
  readonly tenant: TenantId;
  /** 16 bytes. */
  readonly traceId: Uint8Array;
  readonly params: TraceParams;
  /** v2 answers with a part of a trace that is too large. */
  readonly version: TraceVersion;
}

/** Runs a lookup. Rejects with an AppError; an abort of the signal ends it. */
export type RunTraceJob = (job: TraceJob, signal: AbortSignal) => Promise<TraceAnswer>;

/** The path and query string that mean this job between processes. */
export function traceJobUrl({ traceId, params, version }: TraceJob, httpApiPrefix: string): string {
  const id = Buffer.from(traceId).toString('hex');
  return `/querier${httpApiPrefix}/api/${version === 2 ? 'v2/' : ''}traces/${id}?${printTraceParams(params)}`;
}

/** What {@link createTraceExecutor} needs. */
export interface TraceExecutorOptions {
  readonly blocklist: (tenant: TenantId) => TenantBlocklist;
  readonly findTrace: (tenant: TenantId, block: BlockMeta, traceId: Uint8Array, signal: AbortSignal) => Promise<TraceLookup>;
  /** For `max_bytes_per_trace`. */
  readonly limits: LimitsOf;
  readonly queryTimeoutMs: number;
  /** Blocks that are looked into at once. */
  readonly concurrency: number;
  /** Compacted blocks count for two polls. */
  readonly blocklistPollMs: number;
  readonly clock: Clock;
  /** Told of each lookup that ended. */
  readonly onJob: (failed: boolean) => void;
}

/** Makes what looks for traces in this process: all blocks of the range, any error fails the job (spec read-path §2.2). */
export function createTraceExecutor(options: TraceExecutorOptions): RunTraceJob {
  const { clock, limits } = options;
  const find = async ({ tenant, traceId, version }: TraceJob, blocks: readonly BlockMeta[], signal: AbortSignal): Promise<TraceAnswer> => {
    const { maxBytesPerTrace } = limits(tenant);
    const combiner = createTraceCombiner({ maxBytes: maxBytesPerTrace, allowPartial: version === 2 });
    const lookups = await mapParallel(
      blocks,
      options.concurrency,
      (block, inner) => options.findTrace(tenant, block, traceId, inner),
      signal,
    );
    for (const { trace, inspectedBytes } of lookups) {
      const sizeBytes = trace !== undefined && maxBytesPerTrace > 0 ? encodedSize(trace) : 0;
      combiner.add({ trace, sizeBytes, inspectedBytes, partial: false });
    }
    return combiner.result();
  };
  return async (job, signal) => {
    let failed = true;
    try {
      const blocks = blocksToLookAt(options.blocklist(job.tenant), job.params, clock.nowMs() - 2 * options.blocklistPollMs);
      // Most ranges of a lookup hold no block: they need no timer.
      const answer =
        blocks.length === 0 ? noTrace : await withDeadline(clock, options.queryTimeoutMs, signal, (inner) => find(job, blocks, inner));
      failed = false;
      return answer;
    } finally {
      options.onJob(failed);
    }
  };
}

/**
 * Live blocks, and those that were compacted since `compactedSinceMs`, whose id is in the range and whose time overlaps the asked one: strictly, by seconds
 * (spec read-path §2.2).
 */
export function blocksToLookAt(list: TenantBlocklist, params: TraceParams, compactedSinceMs: number): readonly BlockMeta[] {
  const { blockStart, blockEnd, startSeconds, endSeconds } = params;
  const recent = list.compacted.filter(({ compactedMs }) => compactedMs >= compactedSinceMs).map(({ meta }) => meta);
  const recentInRange = recent.filter(({ blockId }) => {
    const id = blockId.replaceAll('-', '');
    return id >= blockStart && id <= blockEnd;
  });
  const inRange = [...selectBlocksById(list, blockStart, blockEnd), ...recentInRange];
  if (startSeconds === 0 || endSeconds === 0) return inRange;
  return inRange.filter((block) => block.startSeconds < endSeconds && block.endSeconds > startSeconds);
}

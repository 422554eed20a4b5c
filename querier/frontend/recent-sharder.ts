import type { DateRange } from '#engine/api/date-range.ts';
import type { MetricsRange } from '#engine/api/metrics-request.ts';

/** What is recent; whole seconds. */
export interface RecentWindow {
  readonly nowSeconds: number;
  /** `query_backend_after`: older data is in blocks. */
  readonly boundarySeconds: number;
  /** `ingester_shards`. */
  readonly pieces: number;
}

const shortestPieceSeconds = 60;

/** The part of a range that live-stores have; undefined where it is empty. */
export function recentPart({ startSeconds, endSeconds }: DateRange, { nowSeconds, boundarySeconds }: RecentWindow): DateRange | undefined {
  const start = Math.max(startSeconds, nowSeconds - boundarySeconds);
  return start < endSeconds ? { startSeconds: start, endSeconds } : undefined;
}

/** Cuts the recent part of a search into pieces of at least a minute, the last one a little longer where it does not divide evenly (spec read-path §3.2). */
export function shardRecent(range: DateRange, window: RecentWindow): readonly DateRange[] {
  const part = recentPart(range, window);
  if (part === undefined) return [];
  const { startSeconds, endSeconds } = part;
  const length = endSeconds - startSeconds;
  const each = Math.max(shortestPieceSeconds, Math.floor(length / Math.max(1, window.pieces)));
  const count = Math.max(1, Math.floor(length / each));
  return Array.from({ length: count }, (_, index) => ({
    startSeconds: startSeconds + index * each,
    endSeconds: index === count - 1 ? endSeconds : startSeconds + (index + 1) * each,
  }));
}

/** The part of a metrics query behind the cutoff, before which blocks count; undefined where there is none. */
export function recentMetrics(range: MetricsRange, cutoffNanos: bigint): MetricsRange | undefined {
  if (range.endNanos <= cutoffNanos) return undefined;
  return range.startNanos >= cutoffNanos ? range : { ...range, startNanos: cutoffNanos };
}

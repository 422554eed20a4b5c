import type { SloConfig } from '../config/config.ts';

/** How a query ended, as far as its objective is concerned. */
export interface SloOutcome {
  /** The client went away. */
  readonly canceled: boolean;
  /** HTTP status of the answer, also where it went out over gRPC. */
  readonly status: number;
  readonly durationMs: number;
  readonly inspectedBytes: number;
}

/** Bytes a second; 0 of a query that took no time. */
export function throughput(inspectedBytes: number, durationMs: number): number {
  return durationMs > 0 ? (inspectedBytes * 1000) / durationMs : 0;
}

/**
 * Whether a query counts for `queries_within_slo_total` (spec metrics §2): cancelled ones and ones that a limit refused always do, server errors never, others
 * when they took less than `duration_slo` or were at least as fast as `throughput_bytes_slo`, or when neither is set.
 */
export function isWithinSlo({ canceled, status, durationMs, inspectedBytes }: SloOutcome, slo: SloConfig): boolean {
  if (canceled || status === 400 || status === 404 || status === 429) return true;
  if (status >= 500) return false;
  if (slo.durationMs <= 0 && slo.throughputBytes <= 0) return true;
  return (
    (slo.durationMs > 0 && durationMs < slo.durationMs) ||
    (slo.throughputBytes > 0 && throughput(inspectedBytes, durationMs) >= slo.throughputBytes)
  );
}

import type { JobKind } from '#engine/api/job-wire.ts';
import type { Invoke } from './invoke.ts';

/** Who bills for a call, for the price table: `lambda-arm64`, `lambda-x86`, `cloudrun`, or `none` for machines that are paid anyway. */
export type Platform = 'lambda-arm64' | 'lambda-x86' | 'cloudrun' | 'none';

/** One endpoint as the dispatcher sees it. */
export interface PoolEndpoint {
  /** As configured: what metrics, logs and errors say. Unique in the process. */
  readonly url: string;
  /** Calls it once. Never hedges, never retries; the dispatcher does. */
  readonly invoke: Invoke;
  /** Jobs that one call may carry: 1 where the endpoint knows only Tempo's protocol. Asked at each call, because a handshake may change it. */
  readonly maxJobsPerCall: () => number;
  /** Whether it runs jobs of that kind: an endpoint that knows only Tempo's protocol searches, and nothing else. */
  readonly takes: (kind: JobKind) => boolean;
}

/**
 * Endpoints that are equal for the dispatcher: calls are spread evenly over them. Pools are tried in the order of the configuration: the next one gets what the
 * earlier ones cannot take (another region, another memory size).
 */
export interface Pool {
  /** What metrics say. */
  readonly name: string;
  readonly endpoints: readonly PoolEndpoint[];
  readonly platform: Platform;
  /** Memory of one instance, for costs where a call's answer does not say; undefined: unknown. */
  readonly memoryMb: number | undefined;
  /** An aborted call stops running (HTTP, Cloud Run). Lambda goes on, and bills, until the function notices its deadline. */
  readonly stopsOnAbort: boolean;
}

import type { Pool } from '../external/pool.ts';
import { type Prices, priceCall } from './prices.ts';

/** What a search would cost if all of its jobs went to functions. */
export interface CostPreview {
  readonly calls: number;
  readonly gb_s: number;
  readonly gets: number;
  readonly usd: number;
  /** What was assumed of functions: they differ by query, block and memory. */
  readonly assumed: {
    readonly platform: Pool['platform'];
    readonly memory_mb: number;
    readonly ms_per_100_mb: number;
    readonly gets_per_call: number;
  };
}

/** A function with one vCPU over a vParquet4 block, footer not cached: on the careful side. */
const msPer100Mb = 300;
const getsPerCall = 6;
const usualMemoryMb = 1769; // one vCPU on Lambda

/** Estimates the cost of a plan; undefined where no functions are configured. Pure. */
export function previewCost(
  { totalJobs, totalBlockBytes }: { readonly totalJobs: number; readonly totalBlockBytes: number },
  pool: Pick<Pool, 'name' | 'platform' | 'memoryMb'> | undefined,
  prices: Prices,
  limits: { readonly maxJobsPerCall: number; readonly targetBytesPerCall: number },
): CostPreview | undefined {
  if (pool === undefined) return undefined;
  const bytesPerJob = totalJobs === 0 ? 0 : totalBlockBytes / totalJobs;
  const jobsPerCall = Math.max(1, Math.min(limits.maxJobsPerCall, Math.floor(limits.targetBytesPerCall / Math.max(1, bytesPerJob))));
  const calls = Math.ceil(totalJobs / jobsPerCall);
  const billedMs = (totalBlockBytes / 1e8) * msPer100Mb;
  const memoryMb = pool.memoryMb ?? usualMemoryMb;
  const totals = priceCall(
    {
      ...{
        pool: { ...pool, endpoints: [], stopsOnAbort: true },
        endpoint: '',
        tenant: '',
        jobs: totalJobs,
        hedged: false,
        end: 'answered',
      },
      ...{ reason: undefined, durationMs: billedMs, bytesRead: 0, gets: calls * getsPerCall, wastedMs: 0 },
      cost: { requests: calls, billedMs, memoryMb, coldStart: false },
    },
    prices,
  );
  const assumed = { platform: pool.platform, memory_mb: memoryMb, ms_per_100_mb: msPer100Mb, gets_per_call: getsPerCall };
  return { calls, gb_s: totals.gbSeconds, gets: totals.gets, usd: totals.dollars, assumed };
}

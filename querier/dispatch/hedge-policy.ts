/** When calls are repeated (spec read-path §6.2). `upTo` counts all calls of a job. */
export type HedgePolicy =
  | { readonly kind: 'off' }
  | { readonly kind: 'static'; readonly atMs: number; readonly upTo: number }
  | {
      readonly kind: 'adaptive';
      readonly upTo: number;
      /** Nobody waits longer than this, even where nothing is known of latencies. */
      readonly atMostMs: number;
    };

/** How far a query is, as the process that calls sees it. */
export interface QueryProgress {
  /** Jobs that are out. */
  readonly outstanding: number;
  /** Most that were out at once. */
  readonly peak: number;
}

/** The shares that {@link adaptiveDelaysMs} needs of an estimate: quartiles, the median, and the quantile at which the last few jobs are repeated. */
export const hedgeShares = [0.25, 0.5, 0.75, 0.925] as const;
/** Indexes into {@link hedgeShares}. */
const [lower, middle, upper, last] = [0, 1, 2, 3];

/**
 * A query is in its last jobs when this few are out, or this share of its widest moment: then every call holds up the answer. Earlier, a repeated call only
 * frees a slot.
 */
const lastJobs = 10;
const lastShare = 0.02;

/** Tukey's fence on a logarithmic scale: what lies beyond it is no part of the body, whatever share of calls straggles (up to a quarter). */
const fenceFactor = 1.5;
/** While more than a quarter is missing there is no fence: an endpoint of three may hang. Then this many medians are enough. */
const medians = 10;

/** Delays of an adaptive policy, milliseconds. Infinity: not known yet. */
export interface AdaptiveDelays {
  /** Of calls in the middle of a query: only outliers. */
  readonly middleMs: number;
  /** Of the last few. */
  readonly lastMs: number;
}

/** The delays that quantiles at {@link hedgeShares} mean. */
export function adaptiveDelaysMs(quantiles: readonly number[]): AdaptiveDelays {
  const q1 = quantiles[lower]!;
  const q3 = quantiles[upper]!;
  const fenceMs = Number.isFinite(q3) ? q3 * (q3 / q1) ** fenceFactor : Number.POSITIVE_INFINITY;
  const middleMs = Math.min(fenceMs, quantiles[middle]! * medians);
  return { middleMs, lastMs: Math.min(middleMs, quantiles[last]!) };
}

/** Whether every job that is out holds up the answer. */
export function isInLastJobs({ outstanding, peak }: QueryProgress): boolean {
  return outstanding <= Math.max(lastJobs, peak * lastShare);
}

/** How long the newest call of a job may run before it is repeated; Infinity: for ever. */
export function hedgeDelayMs(policy: HedgePolicy, progress: QueryProgress, delays: AdaptiveDelays): number {
  if (policy.kind === 'off') return Number.POSITIVE_INFINITY;
  if (policy.kind === 'static') return policy.atMs;
  return Math.min(policy.atMostMs, isInLastJobs(progress) ? delays.lastMs : delays.middleMs);
}

/** Calls that a job may have in all. */
export function mostCalls(policy: HedgePolicy): number {
  return policy.kind === 'off' ? 1 : Math.max(1, policy.upTo);
}

/** What is known of latencies at one moment; milliseconds, Infinity where too little is known yet. */
export type LatencyQuantiles = readonly number[];

/**
 * How long calls take, from those that have answered, those that were given up and those that run. Recent calls count more: at {@link fullWeight} calls all
 * weights are halved. Deterministic: the same observations give the same quantiles.
 */
export interface LatencyEstimate {
  /** A call has answered after that time. */
  readonly observe: (durationMs: number) => void;
  /** A call was given up after that time: it would have taken longer. Left out, stragglers that a hedge has beaten would make the tail look short. */
  readonly observeAtLeast: (durationMs: number) => void;
  /**
   * Quantiles in (0, 1), ascending, by the product-limit estimator: a call that still runs says that it takes longer than its age, and nothing else. So an
   * estimate made in the middle of a burst, when only the quick ones have answered, is not too low.
   */
  readonly quantiles: (shares: readonly number[], agesMs: Iterable<number>) => LatencyQuantiles;
  /** Answers seen, old ones included. */
  readonly answers: () => number;
}

const shortestMs = 0.1;
const bucketsPerDoubling = 16; // a bucket is 4.4 % wide; quantiles are interpolated inside
const bucketCount = 24 * bucketsPerDoubling; // up to 28 minutes
const fullWeight = 4000;

function bucketOf(durationMs: number): number {
  if (!(durationMs > shortestMs)) return 0;
  return Math.min(bucketCount - 1, Math.floor(Math.log2(durationMs / shortestMs) * bucketsPerDoubling));
}

function lowerBoundMs(bucket: number): number {
  return shortestMs * 2 ** (bucket / bucketsPerDoubling);
}

/** Walks the buckets with the product-limit estimator. */
function productLimit(
  events: Float64Array,
  censored: Float64Array,
  running: Float64Array,
  total: number,
  shares: readonly number[],
): LatencyQuantiles {
  const found: number[] = [];
  let atRisk = total;
  let survival = 1;
  for (let bucket = 0; bucket < bucketCount && found.length < shares.length && atRisk > 0; bucket++) {
    const here = events[bucket]!;
    if (here > 0) {
      const after = survival * (1 - here / atRisk);
      while (found.length < shares.length && 1 - after >= shares[found.length]! - 1e-12) {
        const inside = (survival - (1 - shares[found.length]!)) / (survival - after);
        found.push(lowerBoundMs(bucket + Math.min(1, Math.max(0, inside))));
      }
      survival = after;
    }
    atRisk -= here + censored[bucket]! + running[bucket]!;
  }
  while (found.length < shares.length) found.push(Number.POSITIVE_INFINITY);
  return found;
}

/** Creates a {@link LatencyEstimate} that knows nothing. */
export function createLatencyEstimate(): LatencyEstimate {
  const events = new Float64Array(bucketCount);
  const censored = new Float64Array(bucketCount);
  const running = new Float64Array(bucketCount);
  let weight = 0;
  let answers = 0;
  const add = (counts: Float64Array, durationMs: number): void => {
    counts[bucketOf(durationMs)]! += 1;
    weight++;
    if (weight < fullWeight) return;
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      events[bucket]! /= 2;
      censored[bucket]! /= 2;
    }
    weight /= 2;
  };
  return {
    observe: (durationMs) => {
      answers++;
      add(events, durationMs);
    },
    observeAtLeast: (durationMs) => add(censored, durationMs),
    quantiles: (shares, agesMs) => {
      running.fill(0);
      let total = weight;
      for (const ageMs of agesMs) {
        running[bucketOf(ageMs)]! += 1;
        total++;
      }
      return productLimit(events, censored, running, total, shares);
    },
    answers: () => answers,
  };
}

import type { Histogram } from './read-histograms.ts';

/** A distribution that numbers can be drawn from: steps of a survival function. */
export interface Distribution {
  /** The value at a share of [0, 1). */
  readonly at: (share: number) => number;
}

/** What lies beyond the last bound is taken to be at most this many times it. */
const beyond = 2;

/**
 * The distribution behind a histogram, by the product-limit estimator: `censored` are observations that were given up at that value. Within a bucket values are
 * spread evenly on a logarithmic scale.
 */
export function createDistribution(events: Histogram, censored?: Histogram): Distribution {
  const censoredAt = new Map(censored?.bounds.map((bound, index) => [bound, censored.counts[index]!]) ?? []);
  let atRisk = events.counts.reduce((sum, count) => sum + count, 0) + [...censoredAt.values()].reduce((sum, count) => sum + count, 0);
  const steps: { readonly from: number; readonly to: number; readonly shareFrom: number; readonly shareTo: number }[] = [];
  let survival = 1;
  let from = events.bounds[0]! / 4;
  for (const [index, bound] of events.bounds.entries()) {
    const to = Number.isFinite(bound) ? bound : from * beyond;
    const count = events.counts[index]!;
    if (count > 0 && atRisk > 0) {
      const after = survival * (1 - count / atRisk);
      steps.push({ from, to, shareFrom: 1 - survival, shareTo: 1 - after });
      survival = after;
    }
    atRisk -= count + (censoredAt.get(bound) ?? 0);
    from = to;
  }
  if (survival > 1e-9) {
    const last = steps.at(-1)!;
    steps.push({ from: last.to, to: last.to * beyond, shareFrom: 1 - survival, shareTo: 1 });
  }
  return {
    at: (share) => {
      const step = steps.find(({ shareTo }) => share < shareTo) ?? steps.at(-1)!;
      const inside = (share - step.shareFrom) / Math.max(1e-12, step.shareTo - step.shareFrom);
      return step.from * (step.to / step.from) ** Math.min(1, Math.max(0, inside));
    },
  };
}

import { createSeededRandom } from '#engine/base/seeded-random.ts';

/** Draws numbers in [0, 1); the same seed gives the same numbers. */
export type Random = () => number;

/** See {@link createSeededRandom}. */
export const createRandom: (seed: number) => Random = createSeededRandom;

/** A draw of the standard normal distribution. */
export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** A distribution of durations, milliseconds. */
export type Durations = (random: Random) => number;

/** Lognormal by its mean and standard deviation. */
export function lognormal(meanMs: number, sdMs: number): Durations {
  const variance = Math.log(1 + (sdMs / meanMs) ** 2);
  const mu = Math.log(meanMs) - variance / 2;
  const sigma = Math.sqrt(variance);
  return (random) => Math.exp(mu + sigma * normal(random));
}

/** Lognormal by its median and 99th percentile. */
export function lognormalByTail(medianMs: number, p99Ms: number): Durations {
  const sigma = Math.log(p99Ms / medianMs) / 2.3263;
  return (random) => medianMs * Math.exp(sigma * normal(random));
}

/** The value below which that share of the values lies: the nearest rank. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN;
}

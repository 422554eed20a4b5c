import type { MetricsGrid } from './metrics-series.ts';

/** Spreads a limited number of exemplars over a range of time: it is cut into equal slots that take two each (spec traceql §8.10). */
export interface ExemplarSpread {
  /** Takes an exemplar of that time (milliseconds since the epoch), or refuses it. */
  readonly take: (timeMs: number) => boolean;
  /** Exemplars still wanted. */
  readonly left: () => number;
}

const perSlot = 2;

/** Takes at most `wanted` exemplars. */
export function createExemplarSpread({ startNanos, stepNanos, count }: MetricsGrid, wanted: number): ExemplarSpread {
  const slots = new Uint8Array(Math.max(1, Math.floor(wanted / perSlot)));
  const startMs = Number(startNanos / 1_000_000n);
  const lengthMs = Number((stepNanos * BigInt(count)) / 1_000_000n);
  let taken = 0;
  return {
    left: () => wanted - taken,
    take: (timeMs) => {
      if (taken >= wanted) return false;
      const slot = Math.floor(((timeMs - startMs) * slots.length) / Math.max(1, lengthMs));
      const at = Math.min(slots.length - 1, Math.max(0, slot));
      if (slots[at] >= perSlot) return false;
      slots[at]++;
      taken++;
      return true;
    },
  };
}

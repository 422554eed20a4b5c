import type { Clock } from '#engine/base/clock.ts';
import type { BreakerConfig } from './config.ts';

/** Leaves a server alone that keeps failing. */
export interface Breaker {
  /** Whether a call may be made now. After the pause one call may, to see whether the server is back. */
  readonly allows: () => boolean;
  readonly succeeded: () => void;
  readonly failed: () => void;
  /** The call says nothing about the server: its caller went away. */
  readonly gaveUp: () => void;
}

/** Creates a closed {@link Breaker}. */
export function createBreaker({ failures, openMs }: BreakerConfig, clock: Pick<Clock, 'monotonicMs'>): Breaker {
  let inRow = 0;
  let openUntilMs = 0;
  let probing = false;
  return {
    allows: () => {
      if (failures === 0 || inRow < failures) return true;
      if (probing || clock.monotonicMs() < openUntilMs) return false;
      probing = true;
      return true;
    },
    succeeded: () => {
      inRow = 0;
      probing = false;
    },
    failed: () => {
      inRow++;
      probing = false;
      openUntilMs = clock.monotonicMs() + openMs;
    },
    gaveUp: () => {
      probing = false;
    },
  };
}

/** What a tenant has used in the last hour. */
export interface Used {
  /** Bytes of block that its jobs covered. */
  readonly bytes: number;
  readonly dollars: number;
}

/** Follows what tenants use: sums over the last sixty minutes, by the minute. */
export interface Spending {
  readonly add: (tenant: string, used: Used, nowMs: number) => void;
  readonly lastHour: (tenant: string, nowMs: number) => Used;
}

const minuteMs = 60_000;
const minutes = 60;

interface Ring {
  /** By minute modulo sixty. */
  readonly bytes: Float64Array;
  readonly dollars: Float64Array;
  /** The newest minute that has a place. */
  minute: number;
}

function forget(ring: Ring, minute: number): void {
  const passed = Math.min(minutes, Math.max(0, minute - ring.minute));
  for (let step = 1; step <= passed; step++) {
    const place = (ring.minute + step) % minutes;
    ring.bytes[place] = 0;
    ring.dollars[place] = 0;
  }
  ring.minute = Math.max(ring.minute, minute);
}

/** Creates a {@link Spending}. It keeps a kilobyte per tenant that has asked in the last hour. */
export function createSpending(): Spending {
  const rings = new Map<string, Ring>();
  const ringOf = (tenant: string, minute: number): Ring => {
    let ring = rings.get(tenant);
    if (ring === undefined) {
      for (const [other, { minute: last }] of rings) if (last < minute - minutes) rings.delete(other);
      ring = { bytes: new Float64Array(minutes), dollars: new Float64Array(minutes), minute };
      rings.set(tenant, ring);
    }
    forget(ring, minute);
    return ring;
  };
  return {
    add: (tenant, used, nowMs) => {
      const ring = ringOf(tenant, Math.floor(nowMs / minuteMs));
      ring.bytes[ring.minute % minutes]! += used.bytes;
      ring.dollars[ring.minute % minutes]! += used.dollars;
    },
    lastHour: (tenant, nowMs) => {
      const ring = ringOf(tenant, Math.floor(nowMs / minuteMs));
      const sum = (values: Float64Array) => values.reduce((all, value) => all + value, 0);
      return { bytes: sum(ring.bytes), dollars: sum(ring.dollars) };
    },
  };
}

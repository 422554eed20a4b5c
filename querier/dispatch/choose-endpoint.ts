import { availability, type EndpointHealth } from './endpoint-health.ts';

/** What the choice looks at. */
export interface EndpointLoad {
  readonly health: EndpointHealth;
  /** Calls that run. */
  readonly inFlight: number;
}

/** What a job has met so far. */
export interface Avoided<Endpoint> {
  /** Better not: it has failed for this job, or a call of this job runs there. */
  readonly rather: ReadonlySet<Endpoint>;
  /** Not before that time: it has throttled this job. Milliseconds of the monotonic clock. */
  readonly untilMs: ReadonlyMap<Endpoint, number>;
}

/** The lighter of two that are drawn at random: even, without herding on the one that looks idle. */
function lighterOfTwo<Endpoint extends EndpointLoad>(candidates: readonly Endpoint[], random: () => number): Endpoint {
  const first = Math.floor(random() * candidates.length);
  if (candidates.length === 1) return candidates[0]!;
  const step = 1 + Math.floor(random() * (candidates.length - 1));
  const a = candidates[first]!;
  const b = candidates[(first + step) % candidates.length]!;
  return b.inFlight < a.inFlight ? b : a;
}

/**
 * The endpoint of the next call: of the first pool that has one that is up, has room and is not to be avoided; otherwise one that the job would rather avoid
 * (there may be only one); undefined when none can take a call.
 */
export function chooseEndpoint<Endpoint extends EndpointLoad>(
  pools: readonly (readonly Endpoint[])[],
  { rather, untilMs }: Avoided<Endpoint>,
  limits: { readonly nowMs: number; readonly maxInFlight: number },
  random: () => number,
): Endpoint | undefined {
  const usable = pools.map((pool) =>
    pool.filter(
      (endpoint) =>
        endpoint.inFlight < limits.maxInFlight &&
        (untilMs.get(endpoint) ?? 0) <= limits.nowMs &&
        availability(endpoint.health, limits.nowMs) !== 'down',
    ),
  );
  for (const pool of usable) {
    const others = pool.filter((endpoint) => !rather.has(endpoint));
    if (others.length > 0) return lighterOfTwo(others, random);
  }
  const again = usable.find((pool) => pool.length > 0);
  return again === undefined ? undefined : lighterOfTwo(again, random);
}

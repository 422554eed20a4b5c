import type { Config } from '../config/config.ts';
import type { LimitsOf } from '../config/limits.ts';
import { parseEndpoint } from './endpoints.ts';
import { createGetInvoke } from './get-invoke.ts';
import { createHttpGet } from './http-get.ts';
import type { Pool, PoolEndpoint } from './pool.ts';

/** The longest answer of a function: platforms allow less. */
const maxBodyBytes = 256 << 20;

/** The configured pools; none where no endpoints are configured. Throws `config` for an endpoint that is none. */
export function createPools(
  { querier }: Config,
  limits: LimitsOf,
  monotonicMs: () => number,
  onRoundTrip: (endpoint: string, durationMs: number) => void,
): readonly Pool[] {
  const { endpoints } = querier.external;
  if (endpoints.length === 0) return [];
  const httpGet = createHttpGet({ maxBodyBytes, monotonicMs, onRoundTrip: ({ url }, durationMs) => onRoundTrip(url, durationMs) });
  const ofPool = endpoints.map((url): PoolEndpoint => {
    const invoke = createGetInvoke({ endpoint: parseEndpoint(url), httpGet, limits, monotonicMs });
    return { url, invoke, maxJobsPerCall: () => 1, takes: (kind) => kind === 'search' };
  });
  return [{ name: 'default', endpoints: ofPool, platform: 'none', memoryMb: undefined, stopsOnAbort: true }];
}

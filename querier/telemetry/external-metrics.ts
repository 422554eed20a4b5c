import type { Counter, Gauge, Histogram } from 'prom-client';
import { defaultBuckets, type Register } from './register.ts';

/** Calls of functions (spec metrics §3). Durations are observed in seconds. */
export interface ExternalMetrics {
  readonly externalDuration: Histogram<'endpoint'>;
  readonly externalHedged: Counter;
  readonly externalHedgeWon: Counter;
  readonly featureEnabled: Gauge<'feature'>;
}

/** Registers {@link ExternalMetrics}. */
export function externalMetrics({ counter, gauge, histogram }: Register): ExternalMetrics {
  return {
    externalDuration: histogram(
      'tempo_querier_external_endpoint_duration_seconds',
      'Calls of external endpoints.',
      defaultBuckets,
      'endpoint',
    ),
    externalHedged: counter('tempo_querier_external_endpoint_hedged_roundtrips_total', 'Hedged calls of external endpoints.'),
    externalHedgeWon: counter('rubato_querier_external_endpoint_hedges_won_total', 'Hedged calls that answered first.'),
    featureEnabled: gauge('tempo_feature_enabled', 'Whether a feature is in use.', 'feature'),
  };
}

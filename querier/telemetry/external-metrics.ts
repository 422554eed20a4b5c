import type { Counter, Gauge, Histogram } from 'prom-client';
import { fineBuckets } from './querier-metrics.ts';
import { defaultBuckets, type Register } from './register.ts';

/** Calls of functions (spec metrics §3). Durations are observed in seconds. */
export interface ExternalMetrics {
  readonly externalDuration: Histogram<'endpoint'>;
  readonly externalHedged: Counter;
  readonly externalHedgeWon: Counter;
  /** Hedges that were due and did not start: no budget, or no endpoint. */
  readonly hedgesDenied: Counter;
  /** How long calls took: `answered`, or `given_up` after that time. `rubato tune` needs both to see the tail. */
  readonly callDuration: Histogram<'end'>;
  /** By how they ended: answered, failed, lost, abandoned. */
  readonly calls: Counter<'endpoint' | 'result'>;
  readonly callFailures: Counter<'endpoint' | 'reason'>;
  readonly coldStarts: Counter<'endpoint'>;
  /** 1 while the breaker keeps calls away. */
  readonly endpointOpen: Gauge<'endpoint'>;
  /** Seconds, estimated: platforms run on, and bill, after a call was given up. */
  readonly billedAfterAnswer: Counter<'endpoint'>;
  /** What the calls for a tenant took and cost, by the configured prices. */
  readonly tenantCalls: Counter<'tenant'>;
  readonly tenantBilled: Counter<'tenant'>;
  readonly tenantGbSeconds: Counter<'tenant'>;
  readonly tenantGets: Counter<'tenant'>;
  readonly tenantCost: Counter<'tenant'>;
  /** Jobs that no function has answered and that ran here instead. */
  readonly jobsCameBack: Counter<'kind' | 'reason'>;
  readonly jobsCut: Counter<'kind'>;
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
    hedgesDenied: counter('rubato_querier_external_endpoint_hedges_denied_total', 'Hedges that were due, but not within the budget.'),
    callDuration: histogram('rubato_querier_external_call_duration_seconds', 'Time of calls of external endpoints.', fineBuckets, 'end'),
    calls: counter('rubato_querier_external_endpoint_calls_total', 'Calls of external endpoints by their end.', 'endpoint', 'result'),
    callFailures: counter('rubato_querier_external_endpoint_failures_total', 'Failed calls by their reason.', 'endpoint', 'reason'),
    coldStarts: counter('rubato_querier_external_endpoint_cold_starts_total', 'Calls that had to start a function.', 'endpoint'),
    endpointOpen: gauge('rubato_querier_external_endpoint_breaker_open', 'Whether the breaker keeps calls away.', 'endpoint'),
    billedAfterAnswer: counter(
      'rubato_querier_external_endpoint_billed_after_answer_seconds_total',
      'Time of functions after nobody wanted their answer.',
      'endpoint',
    ),
    tenantCalls: counter('rubato_querier_external_calls_total', 'Calls of external endpoints.', 'tenant'),
    tenantBilled: counter('rubato_querier_external_billed_seconds_total', 'Time of functions that is billed.', 'tenant'),
    tenantGbSeconds: counter('rubato_querier_external_gb_seconds_total', 'Time of functions × their memory.', 'tenant'),
    tenantGets: counter('rubato_querier_external_gets_total', 'GET requests of functions to the object storage.', 'tenant'),
    tenantCost: counter('rubato_querier_external_cost_dollars_total', 'What functions cost, by the configured prices.', 'tenant'),
    jobsCameBack: counter('rubato_querier_jobs_came_back_total', 'Jobs that no function answered and that ran here.', 'kind', 'reason'),
    jobsCut: counter('rubato_querier_jobs_cut_total', 'Jobs that ran in parts because their answer was too large for a call.', 'kind'),
    featureEnabled: gauge('tempo_feature_enabled', 'Whether a feature is in use.', 'feature'),
  };
}

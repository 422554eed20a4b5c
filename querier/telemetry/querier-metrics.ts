import type { Counter } from 'prom-client';
import type { Register } from './register.ts';

/** Jobs, as the querier sees them (spec metrics §3). */
export interface QuerierMetrics {
  readonly jobsExecuted: Counter;
  /** Where jobs ran: Tempo has no such metric. */
  readonly jobs: Counter<'where' | 'result'>;
}

/** Registers {@link QuerierMetrics}. */
export function querierMetrics({ counter }: Register): QuerierMetrics {
  return {
    jobsExecuted: counter('tempo_querier_worker_request_executed_total', 'Jobs executed.'),
    jobs: counter('rubato_querier_jobs_total', 'Jobs by the place that ran them.', 'where', 'result'),
  };
}

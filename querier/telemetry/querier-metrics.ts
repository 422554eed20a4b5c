import type { Counter, Histogram } from 'prom-client';
import { exponentialBuckets, type Register } from './register.ts';

/** Jobs, as the querier sees them (spec metrics §3). */
export interface QuerierMetrics {
  readonly jobsExecuted: Counter;
  /** Jobs over recent data that nobody here can answer: `querier.recent.addresses` is empty. */
  readonly recentUnanswered: Counter;
  /** Where jobs ran: Tempo has no such metric. */
  readonly jobs: Counter<'where' | 'result'>;
  /** Jobs that were answered. Finer than Tempo's histograms: `rubato tune` reads it. */
  readonly jobDuration: Histogram<'where'>;
}

/** 1 ms to 33 s, each bucket 30 % wider than the one before. */
export const fineBuckets: readonly number[] = exponentialBuckets(0.001, 1.3, 40);

/** Registers {@link QuerierMetrics}. */
export function querierMetrics({ counter, histogram }: Register): QuerierMetrics {
  return {
    jobsExecuted: counter('tempo_querier_worker_request_executed_total', 'Jobs executed.'),
    recentUnanswered: counter(
      'rubato_querier_recent_jobs_unanswered_total',
      'Jobs over recent data that were answered empty, since no live-stores are configured.',
    ),
    jobs: counter('rubato_querier_jobs_total', 'Jobs by the place that ran them.', 'where', 'result'),
    jobDuration: histogram('rubato_querier_job_duration_seconds', 'Time of jobs by the place that ran them.', fineBuckets, 'where'),
  };
}

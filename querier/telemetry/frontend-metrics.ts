import type { Counter, Gauge, Histogram } from 'prom-client';
import { defaultBuckets, exponentialBuckets, type Register } from './register.ts';

/** Queries and their jobs, as the query-frontend sees them (spec metrics §2). */
export interface FrontendMetrics {
  readonly queries: Counter<'tenant' | 'op' | 'result'>;
  readonly queriesWithinSlo: Counter<'tenant' | 'op' | 'result'>;
  readonly bytesPerSecond: Counter<'tenant' | 'op'>;
  readonly bytesInspected: Counter<'tenant' | 'op'>;
  readonly jobsPerQuery: Histogram<'op'>;
  /** How often jobs were tried again; most of them 0 times. */
  readonly retries: Histogram;
  readonly queueLength: Gauge<'user'>;
  readonly discardedRequests: Counter<'user'>;
  readonly queueDuration: Histogram;
  /** Streams of queriers. */
  readonly connectedClients: Gauge;
  readonly batchSize: Histogram;
  readonly batchWeight: Histogram<'user'>;
}

/** Registers {@link FrontendMetrics}. */
export function frontendMetrics({ counter, gauge, histogram }: Register, maxBatchSize: number): FrontendMetrics {
  const query = ['tenant', 'op', 'result'] as const;
  return {
    queries: counter('tempo_query_frontend_queries_total', 'Queries finished.', ...query),
    queriesWithinSlo: counter('tempo_query_frontend_queries_within_slo_total', 'Queries finished within their SLO.', ...query),
    bytesPerSecond: counter(
      'tempo_query_frontend_bytes_processed_per_second',
      'Sum of the throughputs of queries, where a throughput SLO is set.',
      'tenant',
      'op',
    ),
    bytesInspected: counter('tempo_query_frontend_bytes_inspected_total', 'Bytes inspected by queries.', 'tenant', 'op'),
    jobsPerQuery: histogram('tempo_query_frontend_jobs_per_query', 'Jobs of a query.', exponentialBuckets(1, 10, 7), 'op'),
    retries: histogram('tempo_query_frontend_retries', 'Times that a job is retried.', [0, 1, 2, 3, 4, 5]),
    queueLength: gauge('tempo_query_frontend_queue_length', 'Jobs in the queue.', 'user'),
    discardedRequests: counter('tempo_query_frontend_discarded_requests_total', 'Jobs refused because the queue is full.', 'user'),
    queueDuration: histogram('tempo_query_frontend_queue_duration_seconds', 'Time that jobs wait in the queue.', defaultBuckets),
    connectedClients: gauge('tempo_query_frontend_connected_clients', 'Streams of queriers that take jobs.'),
    batchSize: histogram(
      'tempo_query_frontend_actual_batch_size',
      'Jobs in a message to a querier.',
      Array.from({ length: 5 }, (_, index) => 1 + (index * maxBatchSize) / 5),
    ),
    batchWeight: histogram(
      'tempo_query_frontend_batch_weight',
      'Sum of the weights of the jobs in a message to a querier.',
      Array.from({ length: maxBatchSize }, (_, index) => index + 1),
      'user',
    ),
  };
}

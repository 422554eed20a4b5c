import { Counter, Gauge, Histogram, Registry } from 'prom-client';

const requestBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2.5, 5, 10, 25, 50, 100];
const goBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const backendBuckets = [0.005, 0.02, 0.08, 0.32, 1.28, 5.12];

/** Every metric of this process, under Tempo's names, labels and buckets (spec metrics). Durations are observed in seconds. */
export interface Metrics {
  readonly registry: Registry;
  readonly requestDuration: Histogram<'method' | 'route' | 'status_code' | 'ws'>;
  readonly inflightRequests: Gauge<'method' | 'route'>;
  /** Gives the number of open connections, asked when metrics are read. */
  readonly watchConnections: (connections: () => number) => void;
  readonly queries: Counter<'tenant' | 'op' | 'result'>;
  readonly bytesInspected: Counter<'tenant' | 'op'>;
  readonly jobsPerQuery: Histogram<'op'>;
  readonly retries: Histogram;
  readonly queueLength: Gauge<'user'>;
  readonly discardedRequests: Counter<'user'>;
  readonly queueDuration: Histogram;
  readonly jobsExecuted: Counter;
  /** Where jobs ran: Tempo has no such metric. */
  readonly jobs: Counter<'where' | 'result'>;
  readonly externalDuration: Histogram<'endpoint'>;
  readonly externalHedged: Counter;
  readonly externalHedgeWon: Counter;
  readonly limitsDefaults: Gauge<'limit_name'>;
  readonly featureEnabled: Gauge<'feature'>;
  readonly backendDuration: Histogram<'operation' | 'status_code'>;
  readonly blocklistLength: Gauge<'tenant'>;
  readonly blocklistPollDuration: Histogram;
  readonly blocklistPollErrors: Counter<'tenant'>;
  readonly tenantIndexErrors: Counter<'tenant'>;
  readonly tenantIndexAge: Gauge<'tenant'>;
  readonly backendObjects: Gauge<'tenant' | 'status'>;
  readonly backendBytes: Gauge<'tenant' | 'status'>;
}

/** Registers all metrics in a registry of their own, so that two servers in one process (tests) do not share them. */
export function createMetrics(version: string): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Counter<Label>({ name, help, labelNames, registers });
  const gauge = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Gauge<Label>({ name, help, labelNames, registers });
  const histogram = <Label extends string>(name: string, help: string, buckets: number[], ...labelNames: Label[]) =>
    new Histogram<Label>({ name, help, buckets, labelNames, registers });
  gauge('tempo_build_info', 'A metric with a constant 1 labelled by what was built.', 'version', 'revision', 'branch', 'goversion').set(
    { version, revision: '', branch: '', goversion: process.version },
    1,
  );
  let connections = () => 0;
  new Gauge({
    name: 'tempo_tcp_connections',
    help: 'Open connections.',
    labelNames: ['protocol'],
    registers,
    collect() {
      this.set({ protocol: 'http' }, connections());
    },
  });
  const exponents = Array.from({ length: 7 }, (_, power) => 10 ** power);
  return {
    registry,
    watchConnections: (read) => {
      connections = read;
    },
    ...serverMetrics(gauge, histogram),
    queries: counter('tempo_query_frontend_queries_total', 'Queries finished.', 'tenant', 'op', 'result'),
    bytesInspected: counter('tempo_query_frontend_bytes_inspected_total', 'Bytes inspected by queries.', 'tenant', 'op'),
    jobsPerQuery: histogram('tempo_query_frontend_jobs_per_query', 'Jobs of a query.', exponents, 'op'),
    retries: histogram('tempo_query_frontend_retries', 'Times that a job is retried.', [0, 1, 2, 3, 4, 5]),
    queueLength: gauge('tempo_query_frontend_queue_length', 'Jobs in the queue.', 'user'),
    discardedRequests: counter('tempo_query_frontend_discarded_requests_total', 'Jobs refused because the queue is full.', 'user'),
    queueDuration: histogram('tempo_query_frontend_queue_duration_seconds', 'Time that jobs wait in the queue.', goBuckets),
    jobsExecuted: counter('tempo_querier_worker_request_executed_total', 'Jobs executed.'),
    jobs: counter('rubato_querier_jobs_total', 'Jobs by the place that ran them.', 'where', 'result'),
    externalDuration: histogram('tempo_querier_external_endpoint_duration_seconds', 'Calls of external endpoints.', goBuckets, 'endpoint'),
    externalHedged: counter('tempo_querier_external_endpoint_hedged_roundtrips_total', 'Hedged calls of external endpoints.'),
    externalHedgeWon: counter('rubato_querier_external_endpoint_hedges_won_total', 'Hedged calls that answered first.'),
    limitsDefaults: gauge('tempo_limits_defaults', 'Limits of tenants that have none of their own.', 'limit_name'),
    featureEnabled: gauge('tempo_feature_enabled', 'Whether a feature is in use.', 'feature'),
    ...storageMetrics(counter, gauge, histogram),
  };
}

type CounterOf = <Label extends string>(name: string, help: string, ...labels: Label[]) => Counter<Label>;
type GaugeOf = <Label extends string>(name: string, help: string, ...labels: Label[]) => Gauge<Label>;
type HistogramOf = <Label extends string>(name: string, help: string, buckets: number[], ...labels: Label[]) => Histogram<Label>;

function serverMetrics(gauge: GaugeOf, histogram: HistogramOf) {
  return {
    requestDuration: histogram(
      'tempo_request_duration_seconds',
      'Time spent serving HTTP requests.',
      requestBuckets,
      'method',
      'route',
      'status_code',
      'ws',
    ),
    inflightRequests: gauge('tempo_inflight_requests', 'Requests being served.', 'method', 'route'),
  };
}

function storageMetrics(counter: CounterOf, gauge: GaugeOf, histogram: HistogramOf) {
  return {
    backendDuration: histogram(
      'tempodb_backend_request_duration_seconds',
      'Object storage requests.',
      backendBuckets,
      'operation',
      'status_code',
    ),
    blocklistLength: gauge('tempodb_blocklist_length', 'Live blocks.', 'tenant'),
    blocklistPollDuration: histogram('tempodb_blocklist_poll_duration_seconds', 'Duration of a poll.', goBuckets),
    blocklistPollErrors: counter('tempodb_blocklist_poll_errors_total', 'Failed polls.', 'tenant'),
    tenantIndexErrors: counter('tempodb_blocklist_tenant_index_errors_total', 'Tenant indexes that could not be read.', 'tenant'),
    tenantIndexAge: gauge('tempodb_blocklist_tenant_index_age_seconds', 'Age of the tenant index.', 'tenant'),
    backendObjects: gauge('tempodb_backend_objects_total', 'Objects (traces) in blocks.', 'tenant', 'status'),
    backendBytes: gauge('tempodb_backend_bytes_total', 'Bytes in blocks.', 'tenant', 'status'),
  };
}

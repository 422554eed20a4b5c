/** One line of a panel. */
export interface Query {
  /** PromQL. `$__rate_interval`, `$tenant` and `$job` are Grafana's. */
  readonly expr: string;
  readonly legend: string;
}

/** Units as Grafana names them. */
export type Unit = 's' | 'percentunit' | 'short' | 'reqps' | 'ops' | 'Bps' | 'bytes' | 'currencyUSD' | 'bool';

/** A panel: what it shows, and what to read from it. */
export interface Panel {
  readonly title: string;
  readonly description: string;
  readonly unit: Unit;
  /** Of 24 columns. */
  readonly width: 6 | 8 | 12 | 24;
  readonly queries: readonly Query[];
  readonly kind?: 'timeseries' | 'stat';
  /** Values above are drawn red. */
  readonly threshold?: number;
}

/** A row of panels. */
export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

const rate = (selector: string) => `rate(${selector}[$__rate_interval])`;

/** Quantiles of a histogram from p50 to p99.9. */
function tail(metric: string, matchers: string, by = ''): readonly Query[] {
  const labels = by === '' ? 'le' : `le, ${by}`;
  return [0.5, 0.9, 0.99, 0.999].map((quantile) => ({
    expr: `histogram_quantile(${quantile}, sum by (${labels}) (${rate(`${metric}_bucket{${matchers}}`)}))`,
    legend: `p${quantile * 100}${by === '' ? '' : ` {{${by}}}`}`,
  }));
}

const job = 'job=~"$job"';
const tenant = `${job}, tenant=~"$tenant"`;
const calls = 'rubato_querier_external_endpoint_calls_total';
const failures = 'rubato_querier_external_endpoint_failures_total';

/** The dashboard "Rubato / tail and spill", from the first hop to the last. */
export const rows: readonly Row[] = [
  {
    title: 'Queries',
    panels: [
      {
        title: 'Queries',
        description: 'Finished queries a second by what they ask. Canceled ones were closed by their client.',
        unit: 'reqps',
        width: 8,
        queries: [{ expr: `sum by (op, result) (${rate(`tempo_query_frontend_queries_total{${tenant}}`)})`, legend: '{{op}} {{result}}' }],
      },
      {
        title: 'Duration of requests',
        description: 'What Grafana waits for. Compare p99 with the hops below: the tail of a query is the tail of its slowest job.',
        unit: 's',
        width: 8,
        queries: tail('tempo_request_duration_seconds', `${job}, route=~"api_.*"`),
      },
      {
        title: 'Errors',
        description: 'Share of requests that ended with a status of 500 or more.',
        unit: 'percentunit',
        width: 8,
        threshold: 0.01,
        queries: [
          {
            expr: `sum(${rate(`tempo_request_duration_seconds_count{${job}, route=~"api_.*", status_code=~"5.."}`)} or ${rate(`tempo_request_duration_seconds_count{${job}, route=~"api_.*"}`)} * 0) / sum(${rate(`tempo_request_duration_seconds_count{${job}, route=~"api_.*"}`)})`,
            legend: 'errors',
          },
        ],
      },
    ],
  },
  {
    title: 'Spill',
    panels: [
      {
        title: 'Jobs by place',
        description: 'Jobs a second that queriers ran themselves and that functions ran.',
        unit: 'ops',
        width: 8,
        queries: [{ expr: `sum by (where, result) (${rate(`rubato_querier_jobs_total{${job}}`)})`, legend: '{{where}} {{result}}' }],
      },
      {
        title: 'Spill rate',
        description:
          'Share of jobs that functions ran. Near 1 all day: queriers are too few or prefer_self is too low. 0 at peaks: prefer_self is too high.',
        unit: 'percentunit',
        width: 8,
        queries: [
          {
            expr: `sum(${rate(`rubato_querier_jobs_total{${job}, where="external"}`)}) / sum(${rate(`rubato_querier_jobs_total{${job}}`)})`,
            legend: 'spilled',
          },
        ],
      },
      {
        title: 'Jobs that came back',
        description: 'Jobs that no function answered and that the querier ran itself: breakers open, throttled, no endpoint left.',
        unit: 'ops',
        width: 8,
        queries: [{ expr: `sum by (reason) (${rate(`rubato_querier_jobs_came_back_total{${job}}`)})`, legend: '{{reason}}' }],
      },
    ],
  },
  {
    title: 'Tail by hop',
    panels: [
      {
        title: '1 Queue of the query-frontend',
        description: 'How long jobs wait for a querier. Seconds here are not cured by hedging: add queriers or lower prefer_self.',
        unit: 's',
        width: 6,
        queries: tail('tempo_query_frontend_queue_duration_seconds', job),
      },
      {
        title: '2 Jobs in queriers',
        description: 'Jobs by the route of the querier, run here or passed on.',
        unit: 's',
        width: 6,
        queries: tail('tempo_request_duration_seconds', `${job}, route=~"querier_.*"`),
      },
      {
        title: '3 Calls of functions',
        description: 'From the call to its headers. Hedging is there for the gap between p90 and p99.9.',
        unit: 's',
        width: 6,
        queries: tail('tempo_querier_external_endpoint_duration_seconds', job),
      },
      {
        title: '4 Object storage',
        description: 'Requests of this process to the bucket; functions read on their own.',
        unit: 's',
        width: 6,
        queries: tail('tempodb_backend_request_duration_seconds', job),
      },
      {
        title: 'p99 of calls by endpoint',
        description: 'One endpoint above the others: throttled, of another size, or far away.',
        unit: 's',
        width: 12,
        queries: [
          {
            expr: `histogram_quantile(0.99, sum by (le, endpoint) (${rate(`tempo_querier_external_endpoint_duration_seconds_bucket{${job}}`)}))`,
            legend: '{{endpoint}}',
          },
        ],
      },
      {
        title: 'Calls by their end',
        description:
          'answered: used. lost: another call of the same job answered first. failed: see below. abandoned: nobody wanted the answer any more.',
        unit: 'reqps',
        width: 12,
        queries: [{ expr: `sum by (result) (${rate(`${calls}{${job}}`)})`, legend: '{{result}}' }],
      },
    ],
  },
  {
    title: 'Hedging',
    panels: [
      {
        title: 'Hedge rate and budget',
        description:
          'Hedged calls per call. hedge_budget holds it at 8.5 % unless configured otherwise; denied hedges were due and had no budget.',
        unit: 'percentunit',
        width: 8,
        threshold: 0.1,
        queries: [
          {
            expr: `sum(${rate(`tempo_querier_external_endpoint_hedged_roundtrips_total{${job}}`)}) / sum(${rate(`${calls}{${job}}`)})`,
            legend: 'hedged',
          },
          {
            expr: `sum(${rate(`rubato_querier_external_endpoint_hedges_denied_total{${job}}`)}) / sum(${rate(`${calls}{${job}}`)})`,
            legend: 'denied',
          },
        ],
      },
      {
        title: 'Hedges won',
        description: 'Share of hedges that answered before the call that they repeat. Below a third: they start too early.',
        unit: 'percentunit',
        width: 8,
        queries: [
          {
            expr: `sum(${rate(`rubato_querier_external_endpoint_hedges_won_total{${job}}`)}) / sum(${rate(`tempo_querier_external_endpoint_hedged_roundtrips_total{${job}}`)})`,
            legend: 'won',
          },
        ],
      },
      {
        title: 'Billed after the answer',
        description: 'Seconds of functions a second that nobody waited for. Estimated: platforms run on after a call is given up.',
        unit: 's',
        width: 8,
        queries: [
          {
            expr: `sum by (endpoint) (${rate(`rubato_querier_external_endpoint_billed_after_answer_seconds_total{${job}}`)})`,
            legend: '{{endpoint}}',
          },
        ],
      },
    ],
  },
  {
    title: 'Functions in trouble',
    panels: [
      {
        title: 'Failed calls by reason',
        description:
          'transport: no connection. server_error: 5xx. bad_answer: truncated or of another version. timeout: no answer by the deadline.',
        unit: 'reqps',
        width: 6,
        queries: [{ expr: `sum by (reason) (${rate(`${failures}{${job}}`)})`, legend: '{{reason}}' }],
      },
      {
        title: 'Throttled calls',
        description: '429 and Retry-After. They are waited out, not hedged: raise the concurrency of the function, or keep more jobs.',
        unit: 'reqps',
        width: 6,
        queries: [{ expr: `sum by (endpoint) (${rate(`${failures}{${job}, reason="throttled"}`)})`, legend: '{{endpoint}}' }],
      },
      {
        title: 'Cold starts',
        description: 'Calls that had to start an instance. Many of them in the tail: keep some instances provisioned.',
        unit: 'reqps',
        width: 6,
        queries: [
          { expr: `sum by (endpoint) (${rate(`rubato_querier_external_endpoint_cold_starts_total{${job}}`)})`, legend: '{{endpoint}}' },
        ],
      },
      {
        title: 'Open breakers',
        description: '1 while an endpoint is left alone after failures. With all of them open queriers run everything themselves.',
        unit: 'bool',
        width: 6,
        threshold: 1,
        queries: [{ expr: `max by (endpoint) (rubato_querier_external_endpoint_breaker_open{${job}})`, legend: '{{endpoint}}' }],
      },
    ],
  },
  {
    title: 'Cost',
    panels: [
      {
        title: 'Dollars an hour by tenant',
        description: 'What functions and their reads cost, by the prices in the configuration. Queriers and storage are not in it.',
        unit: 'currencyUSD',
        width: 8,
        queries: [
          { expr: `sum by (tenant) (${rate(`rubato_querier_external_cost_dollars_total{${tenant}}`)}) * 3600`, legend: '{{tenant}}' },
          { expr: `sum(${rate(`rubato_querier_external_cost_dollars_total{${tenant}}`)}) * 3600`, legend: 'all' },
        ],
      },
      {
        title: 'Dollars per thousand queries',
        description: 'The bill of functions over finished queries. Compare before and after a change.',
        unit: 'currencyUSD',
        width: 8,
        queries: [
          {
            expr: `1000 * sum(${rate(`rubato_querier_external_cost_dollars_total{${tenant}}`)}) / sum(${rate(`tempo_query_frontend_queries_total{${tenant}}`)})`,
            legend: 'per 1000 queries',
          },
        ],
      },
      {
        title: 'GB-seconds and GETs',
        description: 'What the bill is made of: billed time times memory, and requests of functions to the bucket.',
        unit: 'short',
        width: 8,
        queries: [
          { expr: `sum(${rate(`rubato_querier_external_gb_seconds_total{${tenant}}`)})`, legend: 'GB-seconds a second' },
          { expr: `sum(${rate(`rubato_querier_external_billed_seconds_total{${tenant}}`)})`, legend: 'billed seconds a second' },
          { expr: `sum(${rate(`rubato_querier_external_gets_total{${tenant}}`)})`, legend: 'GETs a second' },
        ],
      },
    ],
  },
  {
    title: 'Tenants',
    panels: [
      {
        title: 'Bytes inspected by tenant',
        description: 'What scans read, decompressed or not. The first place to look when the bill is high.',
        unit: 'Bps',
        width: 8,
        queries: [{ expr: `sum by (tenant) (${rate(`tempo_query_frontend_bytes_inspected_total{${tenant}}`)})`, legend: '{{tenant}}' }],
      },
      {
        title: 'Queries by tenant',
        description: 'Finished queries a second.',
        unit: 'reqps',
        width: 8,
        queries: [{ expr: `sum by (tenant) (${rate(`tempo_query_frontend_queries_total{${tenant}}`)})`, legend: '{{tenant}}' }],
      },
      {
        title: 'Jobs waiting',
        description: 'Length of the queue of each tenant; beyond max_outstanding_per_tenant queries get 429.',
        unit: 'short',
        width: 8,
        queries: [{ expr: `sum by (user) (tempo_query_frontend_queue_length{${job}, user=~"$tenant"})`, legend: '{{user}}' }],
      },
    ],
  },
  {
    title: 'Blocks',
    panels: [
      {
        title: 'Blocks and bytes',
        description: 'Live blocks of the tenants.',
        unit: 'short',
        width: 8,
        queries: [{ expr: `max by (tenant) (tempodb_blocklist_length{${tenant}})`, legend: '{{tenant}}' }],
      },
      {
        title: 'Poll of the block list',
        description: 'Longest and usual poll. New blocks are searched after the next one.',
        unit: 's',
        width: 8,
        queries: tail('tempodb_blocklist_poll_duration_seconds', job),
      },
      {
        title: 'Requests to the object storage',
        description: 'By their status. GETs are billed, too.',
        unit: 'reqps',
        width: 8,
        queries: [
          {
            expr: `sum by (operation, status_code) (${rate(`tempodb_backend_request_duration_seconds_count{${job}}`)})`,
            legend: '{{operation}} {{status_code}}',
          },
        ],
      },
    ],
  },
];

/** Marks on all panels: when a process started, and when a breaker opened. */
export const annotations: readonly { readonly name: string; readonly expr: string; readonly color: string }[] = [
  {
    name: 'Start of a version',
    expr: 'count by (version) (tempo_build_info{job=~"$job"}) unless count by (version) (tempo_build_info{job=~"$job"} offset 2m)',
    color: 'blue',
  },
  { name: 'Breaker opened', expr: 'rubato_querier_external_endpoint_breaker_open{job=~"$job"} == 1', color: 'red' },
];

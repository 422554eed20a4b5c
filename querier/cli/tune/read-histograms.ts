import { AppError } from '#engine/base/errors.ts';

/** Counts of observations by upper bound, ascending; the last bound is Infinity. Not cumulative. */
export interface Histogram {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
}

/** What `rubato tune` reads of `/metrics`. Durations in seconds. */
export interface MeasuredLoad {
  /** Calls of functions that were answered. */
  readonly answered: Histogram;
  /** Calls that were given up after that time; undefined where the process does not count them. */
  readonly givenUp: Histogram | undefined;
  /** Jobs that ran in the querier. */
  readonly selfJobs: Histogram | undefined;
  readonly jobsPerQuery: Histogram | undefined;
}

const line = /^([a-zA-Z_:][\w:]*)_bucket\{(.*)\} ([0-9.eE+-]+|NaN)/;

/** All series of a histogram whose labels match, added up. */
function sumOf(text: string, name: string, wanted: string): Histogram | undefined {
  const cumulative = new Map<number, number>();
  for (const row of text.split('\n')) {
    if (!row.startsWith(name)) continue;
    const found = line.exec(row);
    if (found === null || found[1] !== name || !found[2]!.includes(wanted)) continue;
    const bound = /(?:^|,)le="([^"]+)"/.exec(found[2]!)?.[1];
    const value = Number(found[3]);
    if (bound === undefined || !Number.isFinite(value)) continue;
    const at = bound === '+Inf' ? Number.POSITIVE_INFINITY : Number(bound);
    cumulative.set(at, (cumulative.get(at) ?? 0) + value);
  }
  const bounds = [...cumulative.keys()].sort((a, b) => a - b);
  const counts = bounds.map((bound, index) =>
    Math.max(0, cumulative.get(bound)! - (index === 0 ? 0 : cumulative.get(bounds[index - 1]!)!)),
  );
  return counts.some((count) => count > 0) ? { bounds, counts } : undefined;
}

/**
 * Reads the histograms from Prometheus' text format: Rubato's own, or those of a Tempo 2.7 querier, whose buckets are wider. Throws `bad_request` where no function
 * was ever called.
 */
export function readHistograms(text: string): MeasuredLoad {
  const own = sumOf(text, 'rubato_querier_external_call_duration_seconds', 'end="answered"');
  const answered = own ?? sumOf(text, 'tempo_querier_external_endpoint_duration_seconds', '');
  if (answered === undefined) {
    throw new AppError('bad_request', 'there are no calls of functions in these metrics: ask a querier that has spilled jobs');
  }
  return {
    answered,
    givenUp: own && sumOf(text, 'rubato_querier_external_call_duration_seconds', 'end="given_up"'),
    selfJobs: sumOf(text, 'rubato_querier_job_duration_seconds', 'where="self"'),
    jobsPerQuery: sumOf(text, 'tempo_query_frontend_jobs_per_query', ''),
  };
}

/** Observations in a histogram. */
export function countOf({ counts }: Histogram): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

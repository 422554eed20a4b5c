import { isDeepStrictEqual } from 'node:util';

/** A query of the load, and what of its answer must be the same every time. */
export interface SoakQuery {
  readonly tenant: string;
  readonly path: string;
}

const search = (q: string) => `/api/search?q=${encodeURIComponent(q)}&start=1768040000&end=1768055000&limit=5000`;
/** Which spans are exemplars depends on the order in which jobs answer. */
const range = (q: string) =>
  `/api/metrics/query_range?q=${encodeURIComponent(`${q} with(exemplars=false)`)}&start=1768044600&end=1768051800&step=600s`;
const block = 'start=1768040000&end=1768055000';

/** Searches, lookups, names, values and metrics over the recorded blocks; none has a limit that could cut its answer. */
export const soakQueries: readonly SoakQuery[] = ['rowgroups', 'vp4', 'vp5', 'edge', 'dedicated5', 'vp4-rf1'].flatMap((tenant) =>
  [
    search('{ status = error }'),
    search('{ } | by(name) | count() > 1'),
    search('{ resource.service.name =~ ".*a.*" } >> { }'),
    range('{ } | rate() by (resource.service.name)'),
    range('{ } | avg_over_time(duration) by (kind)'),
    range('{ } | quantile_over_time(duration, .9)'),
    `/api/v2/search/tags?${block}`,
    `/api/v2/search/tag/resource.service.name/values?${block}`,
    '/api/traces/a0000000000000000000000000000001',
    '/api/v2/traces/a0000000000000000000000000000001',
  ].map((path) => ({ tenant, path })),
);

type Json = Readonly<Record<string, unknown>>;

/** Means are combined in the order in which jobs answer: their last digits may differ. */
const rounded = (_: string, value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(11)) : value);
const byText = (list: unknown) => (Array.isArray(list) ? list.map((one) => JSON.stringify(one, rounded)).sort() : list);

/** What counts of an answer: everything but order and what it took to find it. */
export function essence(status: number, body: string): unknown {
  if (status !== 200 || body === '') return { status, body: status === 200 ? body : '' };
  const { metrics: _, ...rest } = JSON.parse(body) as Json;
  return Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, byText(value)]));
}

/** True for equal essences. */
export function isSame(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(a, b);
}

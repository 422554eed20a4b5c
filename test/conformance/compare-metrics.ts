import type { RecordedCase } from './cases.ts';
import type { Answer } from './send.ts';

/**
 * When do two answers of TraceQL metrics mean the same? Errors: same status and text. Series are a set, known by their labels with their types; samples and
 * values may differ by 1e-9 of their value; a missing value is 0. Left out are `metrics`, which depends on how the work was cut, and exemplars, which are chosen
 * at random: of those only counts and places can be compared.
 */
export function compareMetrics(recorded: RecordedCase, answer: Answer): readonly string[] {
  const text = answer.body.toString();
  if (answer.status !== recorded.status) return [`status: expected ${recorded.status}, got ${answer.status} ${text.slice(0, 160)}`];
  if (recorded.status >= 300) {
    return String(recorded.body).trim() === text.trim() ? [] : [`text: expected ${String(recorded.body)}, got ${text}`];
  }
  if (recorded.contentType !== answer.contentType) return [`content type: expected ${recorded.contentType}, got ${answer.contentType}`];
  return compareBodies(recorded.body as MetricsBody, JSON.parse(text) as MetricsBody);
}

interface MetricsBody {
  readonly series?: readonly Series[];
  readonly status?: string;
  readonly message?: string;
}

interface Series {
  readonly labels: readonly { readonly key: string; readonly value: unknown }[];
  readonly samples?: readonly { readonly timestampMs: string; readonly value?: number | string }[];
  readonly value?: number | string;
}

function compareBodies(expected: MetricsBody, got: MetricsBody): readonly string[] {
  const found: string[] = [];
  for (const member of ['status', 'message'] as const) {
    if (expected[member] !== got[member]) found.push(`${member}: expected ${expected[member]}, got ${got[member]}`);
  }
  if ((expected.series === undefined) !== (got.series === undefined)) found.push('series: only one answer has the member');
  const wanted = keyed(expected.series ?? []);
  const offered = keyed(got.series ?? []);
  for (const [labels, series] of wanted) {
    const other = offered.get(labels);
    if (other === undefined) found.push(`${labels}: missing`);
    else found.push(...compareSeries(labels, series, other));
  }
  for (const labels of offered.keys()) if (!wanted.has(labels)) found.push(`${labels}: not expected`);
  return found;
}

/** By labels; series with equal labels are told apart by their order. */
function keyed(series: readonly Series[]): ReadonlyMap<string, Series> {
  const byLabels = new Map<string, Series>();
  for (const one of series) {
    const labels = one.labels.map(({ key, value }) => `${key}=${JSON.stringify(value)}`).join(', ');
    let key = labels;
    for (let copy = 2; byLabels.has(key); copy++) key = `${labels} #${copy}`;
    byLabels.set(key, one);
  }
  return byLabels;
}

function compareSeries(labels: string, expected: Series, got: Series): readonly string[] {
  const found: string[] = [];
  const wanted = points(expected);
  const offered = points(got);
  for (const [time, value] of wanted) {
    const other = offered.get(time);
    if (other === undefined || !isClose(value, other)) found.push(`${labels} at ${time}: expected ${value}, got ${other}`);
  }
  for (const time of offered.keys()) if (!wanted.has(time)) found.push(`${labels} at ${time}: not expected`);
  return found;
}

function points({ samples, value }: Series): ReadonlyMap<string, number> {
  if (samples === undefined) return new Map([['the end', Number(value ?? 0)]]);
  return new Map(samples.map((sample) => [sample.timestampMs, Number(sample.value ?? 0)]));
}

function isClose(a: number, b: number): boolean {
  return Object.is(a, b) || Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b));
}

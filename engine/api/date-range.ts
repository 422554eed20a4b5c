import { parsePrometheusDuration } from '#engine/base/duration.ts';
import { AppError } from '#engine/base/errors.ts';
import { int64, parseBigInteger } from './integers.ts';

/** What the time range of a request is completed with (spec http-api §2.2). Whole seconds. */
export interface DateRangeRules {
  /** Now, since the epoch. */
  readonly nowSeconds: number;
  /** No request may end later than now minus this (`query_end_cutoff`). */
  readonly queryEndCutoffSeconds: number;
  /** A request without a range starts this long before now (`search.query_backend_after`). */
  readonly queryBackendAfterSeconds: number;
}

/** Whole seconds since the epoch, both inclusive. */
export interface DateRange {
  readonly startSeconds: number;
  readonly endSeconds: number;
}

const second = 1_000_000_000n;
const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/**
 * A point in time as tags, tag values and metrics take it: seconds (up to 10 digits), nanoseconds (more), decimal seconds, or RFC 3339. Nanoseconds since
 * the epoch. Throws `bad_request`, for example `strconv.ParseInt: parsing "abc": invalid syntax` (spec http-api §2.2).
 */
export function parseFlexibleTime(text: string): bigint {
  const decimal = /^([0-9]+)\.([0-9]*)$/.exec(text);
  if (decimal) return parseBigInteger(decimal[1]!, int64) * second + BigInt(decimal[2]!.slice(0, 9).padEnd(9, '0'));
  const stamp = rfc3339.exec(text);
  if (stamp) {
    const fraction = stamp[1] ?? '';
    const seconds = Date.parse(text.replace(fraction, '')) / 1000;
    if (Number.isFinite(seconds)) return BigInt(seconds) * second + BigInt(fraction.slice(1, 10).padEnd(9, '0'));
  }
  const value = parseBigInteger(text, int64);
  return text.length <= 10 ? value * second : value;
}

/** What stands before the reason where tags, tag values and searches, or metrics, have a bad time. */
const searchPrefix = 'error parsing date range: ';
const metricsPrefix = 'rpc error: code = Code(400) desc = ';

function named<Value>(name: string, text: string, parse: (text: string) => Value, prefix = searchPrefix): Value {
  try {
    return parse(text);
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new AppError('bad_request', `${prefix}could not parse '${name}' parameter: ${reason}`, { cause: thrown });
  }
}

/** What is wrong with a request that has a start or an end, but not both. */
export function oneSidedRange(): AppError {
  return new AppError('bad_request', 'error parsing date range: only one of start and end provided: must provide both or neither');
}

/**
 * The range that search, tags and tag values look at, from `start`, `end` and `since` of a request (spec http-api §2.2): `since` wins; neither start nor end is
 * the time since `queryBackendAfter`; an end after the cutoff is lowered to it. Throws `bad_request` `error parsing date range: …`.
 */
export function completeDateRange(form: ReadonlyMap<string, string>, rules: DateRangeRules): DateRange {
  const latest = rules.nowSeconds - rules.queryEndCutoffSeconds;
  const usual = rules.nowSeconds - rules.queryBackendAfterSeconds;
  const since = form.get('since') ?? '';
  if (since !== '') {
    const nanos = named('since', since, parsePrometheusDuration);
    return { startSeconds: Math.max(0, Math.floor(latest - Number(nanos / 1_000_000n) / 1000)), endSeconds: latest };
  }
  const start = form.get('start') ?? '';
  const end = form.get('end') ?? '';
  if (start === '' && end === '') return { startSeconds: usual, endSeconds: latest };
  if (start === '' || end === '') {
    throw oneSidedRange();
  }
  const startSeconds = Number(named('start', start, parseFlexibleTime) / second);
  const endSeconds = Math.min(Number(named('end', end, parseFlexibleTime) / second), latest);
  return { startSeconds: startSeconds > endSeconds ? usual : startSeconds, endSeconds };
}

/** Nanoseconds since the epoch. */
export interface NanosRange {
  readonly startNanos: bigint;
  readonly endNanos: bigint;
}

/**
 * The range of a metrics query as asked for: `end` is now unless given, `start` is `since` (1h unless given) before the earlier of both (spec http-api §2.2,
 * traceql §8.1). Not aligned, and not checked for its order. Throws `bad_request` `rpc error: code = Code(400) desc = could not parse 'start' parameter: …`.
 */
export function completeMetricsRange(form: ReadonlyMap<string, string>, nowNanos: bigint): NanosRange {
  const read = <Value>(name: string, fallback: () => Value, parse: (text: string) => Value): Value => {
    const text = form.get(name) ?? '';
    return text === '' ? fallback() : named(name, text, parse, metricsPrefix);
  };
  const since = read('since', () => 3600n * second, parsePrometheusDuration);
  const endNanos = read('end', () => nowNanos, parseFlexibleTime);
  const startNanos = read('start', () => (endNanos < nowNanos ? endNanos : nowNanos) - since, parseFlexibleTime);
  return { startNanos, endNanos };
}

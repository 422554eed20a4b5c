import { parseGoDuration, printGoDuration } from '#engine/base/duration.ts';
import { AppError } from '#engine/base/errors.ts';
import { goQuote } from '#engine/base/quote.ts';
import { completeMetricsRange, type NanosRange } from './date-range.ts';
import { parseForm } from './form.ts';
import { parseInteger, uint32 } from './integers.ts';
import { invalidUnless } from './search-params.ts';

/** What metrics queries may ask for at most (spec read-path §5.1). 0 is no limit, except for exemplars. */
export interface MetricsParamLimits {
  readonly maxDurationMs: number;
  /** Most steps of a range. */
  readonly maxIntervals: number;
  /** Most exemplars, and how many unless a query says. */
  readonly maxExemplars: number;
  /** Most series of an answer. */
  readonly maxSeries: number;
}

/** The clock and the cutoff: nothing later than now minus `queryEndCutoffMs` is looked at (spec http-api §2.2). */
export interface MetricsTimeRules {
  /** Since the epoch. */
  readonly nowMs: number;
  readonly queryEndCutoffMs: number;
}

/** What both kinds of metrics query have. */
interface MetricsRequest {
  /** TraceQL, not looked at; '' where the request has none. */
  readonly query: string;
  /** Most series wanted; 0 is unlimited. */
  readonly maxSeries: number;
}

/**
 * A query of `/api/metrics/query_range`, aligned: samples stand at `startNanos`, then every `stepNanos`, up to and including `endNanos`, all multiples of the
 * step; the sample at T counts spans that start in (T - step, T] (spec traceql §8.3).
 */
export interface MetricsRangeRequest extends MetricsRequest, NanosRange {
  /** > 0. */
  readonly stepNanos: bigint;
  /** Most exemplars wanted; the query may have a hint that says otherwise. */
  readonly exemplars: number;
}

/** A query of `/api/metrics/query`: one value for the spans that start in (start, end] (spec traceql §8.4). */
export interface MetricsInstantRequest extends MetricsRequest, NanosRange {}

const milli = 1_000_000n;
const second = 1_000_000_000n;
const minute = 60n * second;
const hour = 60n * minute;
const maxInt64 = 2n ** 63n - 1n;

/** Whole milliseconds, to nanoseconds. */
const nanosOf = (ms: number) => BigInt(Math.floor(ms)) * milli;

function later(one: bigint, other: bigint): bigint {
  if (one > other) return one;
  return other;
}

const bad = (message: string) => new AppError('bad_request', message);

/** A number of seconds or a Go duration, in nanoseconds; may be negative. */
function parseStep(text: string): bigint {
  const unreadable = (cause?: unknown) =>
    new AppError('bad_request', `rpc error: code = Code(400) desc = cannot parse ${goQuote(text)} to a valid duration`, { cause });
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) {
    const nanos = Math.trunc(Number(text) * 1e9);
    if (Math.abs(nanos) > Number(maxInt64)) throw unreadable();
    return BigInt(nanos);
  }
  try {
    return parseGoDuration(text);
  } catch (thrown) {
    throw unreadable(thrown);
  }
}

/** The step of a range of that length where the request has none: about 240 samples (spec traceql §8.3). */
export function defaultStep(rangeNanos: bigint): bigint {
  const part = rangeNanos / 240n;
  const down = (grain: bigint) => part - (part % grain);
  if (rangeNanos < minute) return down(50n * milli) || 50n * milli;
  const grain = [hour, 5n * minute, minute, 15n * second, 5n * second, second].find((candidate) => part > candidate);
  return grain === undefined ? second : down(grain);
}

function count(form: ReadonlyMap<string, string>, name: string): number {
  const text = form.get(name) ?? '';
  return text === '' ? 0 : invalidUnless(name, () => parseInteger(text, uint32));
}

/** The wish within the limit; 0 is none of both. */
function capped(wanted: number, limit: number): number {
  if (wanted === 0 || limit === 0) return wanted || limit;
  return Math.min(wanted, limit);
}

function checkRange({ startNanos, endNanos }: NanosRange, { maxDurationMs }: MetricsParamLimits): void {
  if (endNanos <= startNanos) throw bad('end must be greater than start');
  const longest = nanosOf(maxDurationMs);
  if (longest > 0n && endNanos - startNanos > longest) {
    throw bad(`metrics query time range exceeds the maximum allowed duration of ${printGoDuration(longest)}`);
  }
  if (startNanos <= 0n) throw bad('start required');
}

function checkStep(stepNanos: bigint, rangeNanos: bigint, { maxIntervals }: MetricsParamLimits): void {
  if (stepNanos < 0n) throw bad('start required'); // Tempo's words: its step has no sign, and such a large one moves the start to 0
  const most = BigInt(maxIntervals);
  if (most > 0n && (stepNanos === 0n || rangeNanos / stepNanos > most)) {
    const smallest = printGoDuration(rangeNanos / most);
    throw bad(`step of ${printGoDuration(stepNanos)} is too small, minimum step for given range is ${smallest}`);
  }
  if (stepNanos === 0n) throw bad('step must be greater than 0');
}

/** Moves the ends outwards to multiples of the step, and the end back before the cutoff; at least one sample stays. */
function align({ startNanos, endNanos }: NanosRange, stepNanos: bigint, latestNanos: bigint): NanosRange {
  const down = (nanos: bigint) => nanos - (nanos % stepNanos);
  const start = down(startNanos);
  if (start === 0n) throw bad('start required');
  const up = down(endNanos + stepNanos - 1n);
  if (up <= latestNanos) return { startNanos: start, endNanos: up };
  return { startNanos: start, endNanos: later(start, down(latestNanos)) };
}

function metricsForm(query: string): { readonly form: ReadonlyMap<string, string>; readonly query: string } {
  const form = parseForm(query);
  return { form, query: form.get('q') || form.get('query') || '' };
}

/**
 * Reads the query string (without `?`) of `GET /api/metrics/query_range` as Tempo 3.0.3 does and aligns its range (spec http-api §6.1, traceql §8). Throws
 * `bad_request` with Tempo's texts: unreadable parameters before a bad range, that before a bad step. Unknown parameters are ignored. TraceQL is not looked at.
 */
export function parseMetricsRangeParams(query: string, limits: MetricsParamLimits, rules: MetricsTimeRules): MetricsRangeRequest {
  const { form, query: text } = metricsForm(query);
  const range = completeMetricsRange(form, nanosOf(rules.nowMs));
  const rangeNanos = range.endNanos - range.startNanos;
  const step = form.get('step') ?? '';
  const stepNanos = step === '' ? undefined : parseStep(step);
  const exemplars = capped(count(form, 'exemplars'), limits.maxExemplars);
  const maxSeries = capped(count(form, 'maxSeries'), limits.maxSeries);
  checkRange(range, limits);
  const grain = stepNanos ?? defaultStep(rangeNanos);
  checkStep(grain, rangeNanos, limits);
  const aligned = align(range, grain, nanosOf(rules.nowMs - rules.queryEndCutoffMs));
  return { query: text, ...aligned, stepNanos: grain, exemplars, maxSeries };
}

/**
 * Reads the query string of `GET /api/metrics/query` (spec http-api §6.2): the parameters of a range query without step and exemplars, nothing is aligned.
 * Throws `bad_request` as {@link parseMetricsRangeParams} does.
 */
export function parseMetricsInstantParams(query: string, limits: MetricsParamLimits, rules: MetricsTimeRules): MetricsInstantRequest {
  const { form, query: text } = metricsForm(query);
  const { startNanos, endNanos } = completeMetricsRange(form, nanosOf(rules.nowMs));
  const maxSeries = capped(count(form, 'maxSeries'), limits.maxSeries);
  checkRange({ startNanos, endNanos }, limits);
  const latest = nanosOf(rules.nowMs - rules.queryEndCutoffMs);
  if (endNanos <= latest) return { query: text, startNanos, endNanos, maxSeries };
  if (latest <= startNanos) throw bad('end must be greater than start');
  return { query: text, startNanos, endNanos: latest, maxSeries };
}

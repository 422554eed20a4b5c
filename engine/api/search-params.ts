import { parseGoDuration, printGoDuration } from '#engine/base/duration.ts';
import { AppError } from '#engine/base/errors.ts';
import { completeDateRange, type DateRange, type DateRangeRules } from './date-range.ts';
import { parseForm, printForm } from './form.ts';
import { goInt, int32, parseInteger, uint32 } from './integers.ts';
import { parseLogfmt, printLogfmt } from './logfmt.ts';
import type { SearchRequest } from './search-request.ts';

/** Defaults and most of what a search may ask for (spec read-path §3.1). A maximum of 0 is none. */
export interface SearchParamLimits {
  readonly defaultLimit: number;
  readonly maxLimit: number;
  readonly defaultSpss: number;
  readonly maxSpss: number;
  /** Longest time range. */
  readonly maxDurationSeconds: number;
}

/** What a job that says neither `limit` nor `spss` means: queriers and functions fill these in (spec read-path §9.3); nothing is refused. */
export const jobLimits: SearchParamLimits = { defaultLimit: 20, maxLimit: 0, defaultSpss: 3, maxSpss: 0, maxDurationSeconds: 0 };

/** Whose texts and rules apply: Tempo 3's frontend and querier, or the 2.7 serverless function (spec http-api §10, serverless §2). */
export type ParamFlavour = 'tempo' | 'serverless';

/** Runs a parser on a parameter; its error becomes `invalid <name>: <reason>`. */
export function invalidUnless<Value>(name: string, parse: () => Value): Value {
  try {
    return parse();
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new AppError('bad_request', `invalid ${name}: ${reason}`, { cause: thrown });
  }
}

/** Throws where a range ends before or when it starts; a range without end or start only where the other one says something (spec http-api §2.2). */
function checkOrder(start: number, end: number): void {
  if ((start !== 0 || end !== 0) && end <= start) {
    throw new AppError('bad_request', `http parameter start must be before end. received start=${start} end=${end}`);
  }
}

function durationMs(form: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = form.get(name) ?? '';
  if (text === '') return undefined;
  const nanos = invalidUnless(name, () => parseGoDuration(text));
  if (nanos < 0n) throw new AppError('bad_request', `invalid ${name}: must not be negative`);
  return Number(nanos / 1_000_000n) || undefined;
}

/** A count that must be positive. Tempo 3's `spss=0` means the default, as observed (spec traceql §7.1). */
function count(form: ReadonlyMap<string, string>, name: 'limit' | 'spss', fallback: number, flavour: ParamFlavour): number {
  const text = form.get(name) ?? '';
  if (text === '') return fallback;
  const value = invalidUnless(name, () => parseInteger(text, flavour === 'tempo' ? uint32 : goInt));
  if (value === 0 && name === 'spss' && flavour === 'tempo') return fallback;
  if (value <= 0) throw new AppError('bad_request', `invalid ${name}: must be a positive number`);
  return value;
}

/** Reads the parameters that all searches share, public, of a job or of a function. Times are as given, 0 where absent. */
export function parseSearchForm(form: ReadonlyMap<string, string>, limits: SearchParamLimits, flavour: ParamFlavour): SearchRequest {
  const seconds = (name: 'start' | 'end') => {
    const text = form.get(name) ?? '';
    return text === '' ? 0 : invalidUnless(name, () => parseInteger(text, flavour === 'tempo' ? uint32 : int32));
  };
  const startSeconds = seconds('start');
  const endSeconds = seconds('end');
  checkOrder(startSeconds, endSeconds);
  const limit = count(form, 'limit', limits.defaultLimit, flavour);
  const minDurationMs = durationMs(form, 'minDuration');
  const maxDurationMs = durationMs(form, 'maxDuration');
  if (maxDurationMs !== undefined && maxDurationMs < (minDurationMs ?? 0)) {
    throw new AppError('bad_request', 'invalid maxDuration: must be greater than minDuration');
  }
  const spansPerSpanset = count(form, 'spss', limits.defaultSpss, flavour);
  const query = form.get('q') ?? '';
  const tags = form.get('tags') ?? '';
  if (query !== '' && tags !== '') throw new AppError('bad_request', "invalid request: can't specify tags and q in the same query");
  return {
    ...(query !== '' && { query }),
    tags: invalidUnless('tags', () => parseLogfmt(tags)),
    ...(minDurationMs !== undefined && { minDurationMs }),
    ...(maxDurationMs !== undefined && { maxDurationMs }),
    startSeconds,
    endSeconds,
    limit,
    spansPerSpanset,
  };
}

/** Throws `bad_request` where a search asks for more than the limits allow (spec traceql §3.7). Also for gRPC requests. */
export function checkSearchLimits(request: SearchRequest, limits: SearchParamLimits): void {
  const { limit, spansPerSpanset, startSeconds: start, endSeconds: end } = request;
  if (limits.maxLimit > 0 && limit > limits.maxLimit) {
    throw new AppError('bad_request', `limit ${limit} exceeds max limit ${limits.maxLimit}`);
  }
  if (limits.maxSpss > 0 && spansPerSpanset > limits.maxSpss) {
    throw new AppError('bad_request', `spans per span set exceeds ${limits.maxSpss}. received ${spansPerSpanset}`);
  }
  checkRangeLength({ startSeconds: start, endSeconds: end }, limits.maxDurationSeconds);
}

/** Throws `bad_request` where a range is longer than allowed; 0 is no limit (spec traceql §3.7). Also for tags and tag values. */
export function checkRangeLength({ startSeconds: start, endSeconds: end }: DateRange, maxDurationSeconds: number): void {
  if (maxDurationSeconds <= 0 || end - start <= maxDurationSeconds) return;
  const longest = printGoDuration(BigInt(Math.trunc(maxDurationSeconds * 1000)) * 1_000_000n);
  throw new AppError('bad_request', `range specified by start and end exceeds ${longest}. received start=${start} end=${end}`);
}

/**
 * Reads the query string (without `?`) of `GET /api/search` as Tempo 3.0.3 does, completes the time range and checks the limits (spec http-api §2.2, §4).
 * Throws `bad_request` with Tempo's texts. Unknown parameters are ignored. TraceQL is not looked at.
 */
export function parseSearchParams(query: string, limits: SearchParamLimits, rules: DateRangeRules): SearchRequest {
  const form = parseForm(query);
  const given = parseSearchForm(form, limits, 'tempo');
  // `start=0&end=0` is how clients without optional fields say "no range".
  const range = given.startSeconds === 0 && given.endSeconds === 0 ? withoutRange(form) : form;
  const request = { ...given, ...completeDateRange(range, rules) };
  checkOrder(request.startSeconds, request.endSeconds);
  checkSearchLimits(request, limits);
  return request;
}

function withoutRange(form: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map([...form].filter(([name]) => name !== 'start' && name !== 'end'));
}

/** How a job says "all spans": receivers read an absent or zero `spss` as 3, and 2.7 refuses zero. */
const unlimitedSpss = 2 ** 31 - 1;

/** The parameters of a search over recent data, in Tempo's order. */
export function searchPairs(request: SearchRequest): readonly (readonly [string, string])[] {
  const pairs: [string, string][] = [
    ['start', `${request.startSeconds}`],
    ['end', `${request.endSeconds}`],
    ['limit', `${request.limit}`],
  ];
  if (request.maxDurationMs !== undefined) pairs.push(['maxDuration', `${request.maxDurationMs}ms`]);
  if (request.minDurationMs !== undefined) pairs.push(['minDuration', `${request.minDurationMs}ms`]);
  pairs.push(['spss', `${request.spansPerSpanset || unlimitedSpss}`]);
  if (request.query !== undefined) pairs.push(['q', request.query]);
  if (request.tags.size > 0) pairs.push(['tags', printLogfmt(request.tags)]);
  return pairs;
}

/** The query string of a search over recent data: `start=…&end=…&limit=…&spss=…&q=…` (spec read-path §3.2). */
export function printSearchParams(request: SearchRequest): string {
  return printForm(searchPairs(request));
}

import { AppError } from '#engine/base/errors.ts';
import { goQuote } from '#engine/base/quote.ts';
import { completeDateRange, type DateRange, type DateRangeRules } from './date-range.ts';
import { decodeEscapes, parseForm } from './form.ts';
import { parseInteger, uint32 } from './integers.ts';
import { checkRangeLength } from './search-params.ts';

/** Where tag names are looked for: `none` is everywhere, `trace` is accepted and has none (spec http-api §5.1). */
export const tagScopes = ['none', 'resource', 'span', 'event', 'link', 'instrumentation', 'intrinsic', 'trace'] as const;
/** One of {@link tagScopes}. */
export type TagScope = (typeof tagScopes)[number];

/** What requests for names and for values of tags have. Times are whole seconds, both inclusive; the start may lie behind the end: nothing is found. */
export interface TagLookup extends DateRange {
  /** TraceQL of the spans that count, maybe incomplete: what cannot be read is no filter. '' is none; the old endpoints have none. */
  readonly filter: string;
  /** Most names per scope (old endpoint: in all) or values; 0 is unlimited. */
  readonly limit: number;
  /** Stop after so many values in a row that add nothing new; 0 is never. */
  readonly maxStaleValues: number;
}

/** Names of tags: `/api/search/tags` and `/api/v2/search/tags`. */
export interface TagNamesRequest extends TagLookup {
  readonly scope: TagScope;
}

/** Values of a tag: `/api/search/tag/{tagName}/values` and `/api/v2/search/tag/{tagName}/values`. */
export interface TagValuesRequest extends TagLookup {
  /** Old endpoint: a name without scope. v2: TraceQL, not looked at. */
  readonly tagName: string;
}

/** Version of an endpoint: only 2 has filters. */
export type TagsVersion = 1 | 2;

/** How the time range is completed and how long it may be; 0 is no limit. */
export interface TagsRules extends DateRangeRules {
  readonly maxDurationSeconds: number;
}

/** Limits of tag requests are wishes: what is no number is ignored (spec http-api §5.1). */
function lenientCount(form: ReadonlyMap<string, string>, name: string): number {
  try {
    return parseInteger(form.get(name) ?? '', uint32);
  } catch {
    return 0;
  }
}

/** What a lookup says besides its time range; also of a job over a block, which needs no times. Nothing of it can be wrong. */
export function parseTagLookup(form: ReadonlyMap<string, string>, version: TagsVersion): Omit<TagLookup, keyof DateRange> {
  return {
    filter: version === 2 ? (form.get('q') ?? '') : '',
    limit: lenientCount(form, 'limit'),
    maxStaleValues: lenientCount(form, 'maxStaleValues'),
  };
}

/** Reads `scope`; '' is `none`. Throws `bad_request` `invalid scope: …`. */
export function parseTagScope(text: string): TagScope {
  const scope = text === '' ? 'none' : tagScopes.find((known) => known === text);
  if (scope === undefined) throw new AppError('bad_request', `invalid scope: ${text}`);
  return scope;
}

/**
 * Reads the query string (without `?`) of a request for tag names as Tempo 3.0.3 does and completes its time range (spec http-api §2.2, §5.1). Throws
 * `bad_request` with Tempo's texts: `error parsing date range: …` before `invalid scope: …`. Unknown parameters are ignored.
 */
export function parseTagNamesParams(query: string, version: TagsVersion, rules: TagsRules): TagNamesRequest {
  const form = parseForm(query);
  const range = completeDateRange(form, rules);
  const scope = parseTagScope(form.get('scope') ?? '');
  checkRangeLength(range, rules.maxDurationSeconds);
  return { scope, ...range, ...parseTagLookup(form, version) };
}

/** As {@link parseTagNamesParams} for the values of a tag; `path` holds its name (spec http-api §5.2, §5.3). */
export function parseTagValuesParams(path: string, query: string, version: TagsVersion, rules: TagsRules): TagValuesRequest {
  const tagName = tagNameOf(path);
  const form = parseForm(query);
  const range = completeDateRange(form, rules);
  checkRangeLength(range, rules.maxDurationSeconds);
  return { tagName, ...range, ...parseTagLookup(form, version) };
}

/** The name between `/search/tag/` and `/values` of a path with its percent escapes; it may hold slashes. Throws `bad_request` where there is none. */
export function tagNameOf(path: string): string {
  const escaped = /\/search\/tag\/(.+)\/values$/.exec(path)?.[1] ?? '';
  const name = decodeEscapes(escaped);
  if (name === undefined) throw new AppError('bad_request', `please provide a valid tagName: ${goQuote(escaped)} has a broken escape`);
  if (name === '') throw new AppError('bad_request', 'please provide a tagName');
  return name;
}

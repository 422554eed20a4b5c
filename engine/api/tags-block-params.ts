import type { DateRange } from './date-range.ts';
import { parseForm } from './form.ts';
import { parseInteger, uint53 } from './integers.ts';
import { parseBlockPart } from './search-block-params.ts';
import { invalidUnless } from './search-params.ts';
import type { BlockPart } from './search-request.ts';
import type { TagLimits } from './tags-collector.ts';
import { parseTagLookup, parseTagScope, type TagScope, type TagsVersion } from './tags-params.ts';

/** Limits of tag requests that a tenant has; 0 is unlimited. They travel in a job's URL, since a function has no configuration of its own. */
export interface TagTenantLimits {
  /** Bytes of all names or values. */
  readonly maxBytes: number;
  /** Alternatives that a filter may have. */
  readonly maxConditionGroups: number;
}

interface TagsBlockRequest {
  /** TraceQL of the spans that count; '' is none. */
  readonly filter: string;
  readonly block: BlockPart;
  readonly limits: TagLimits;
  readonly maxConditionGroups: number;
}

/** Names of the tags in a part of a block: `/querier/api/search/tags` and its v2 with `blockID` (spec http-api §9.2). */
export interface TagNamesBlockRequest extends TagsBlockRequest {
  readonly scope: TagScope;
}

/** Values of one tag in a part of a block: `/querier/api/search/tag/{tagName}/values` and its v2. The name is in the path. */
export type TagValuesBlockRequest = TagsBlockRequest;

function parseShared(form: ReadonlyMap<string, string>, version: TagsVersion, tenant: TagTenantLimits): TagsBlockRequest {
  const given = (name: string, fallback: number): number => {
    const text = form.get(name) ?? '';
    return text === '' ? fallback : invalidUnless(name, () => parseInteger(text, uint53));
  };
  const { filter, limit, maxStaleValues } = parseTagLookup(form, version);
  return {
    filter,
    block: parseBlockPart(form, 'tempo'),
    limits: { maxBytes: given('maxBytes', tenant.maxBytes), maxCount: limit, maxStaleValues },
    maxConditionGroups: given('maxConditionGroups', tenant.maxConditionGroups),
  };
}

/** The request's range in a job's URL, passed on where the job is; nothing is cut by it. 0 where it is absent or no number of seconds. */
export function jobRange(query: string): DateRange {
  const form = parseForm(query);
  const seconds = (name: string): number => {
    const text = form.get(name) ?? '';
    return /^\d{1,10}$/.test(text) ? Number(text) : 0;
  };
  return { startSeconds: seconds('start'), endSeconds: seconds('end') };
}

/** Reads the query string (without `?`) of a job for names. `tenant` counts where the URL has no such limit. Throws `bad_request` that names the parameter. */
export function parseTagNamesBlockParams(query: string, version: TagsVersion, tenant: TagTenantLimits): TagNamesBlockRequest {
  const form = parseForm(query);
  return { scope: parseTagScope(form.get('scope') ?? ''), ...parseShared(form, version, tenant) };
}

/** As {@link parseTagNamesBlockParams} for values. */
export function parseTagValuesBlockParams(query: string, version: TagsVersion, tenant: TagTenantLimits): TagValuesBlockRequest {
  return parseShared(parseForm(query), version, tenant);
}

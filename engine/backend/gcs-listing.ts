import { AppError } from '#engine/base/errors.ts';
import { bytes } from '#engine/base/units.ts';
import type { ListedObject } from './backend.ts';
import { type ListingPage, type PageQuery, pageSize } from './listing.ts';

/** The query of one page of Objects: list. */
export function listingQuery({ prefix, folders, token, startAfter }: PageQuery): string {
  return new URLSearchParams({
    prefix,
    maxResults: String(pageSize),
    fields: 'prefixes,nextPageToken,items(name,size,updated)',
    ...(folders && { delimiter: '/' }),
    ...(token !== undefined && { pageToken: token }),
    // From that name on; a folder's own name is no object.
    ...(startAfter && { startOffset: startAfter }),
  }).toString();
}

/** Reads the answer of Objects: list. Throws `unavailable` for anything else: a cut answer must not look like an end. */
export function parseGcsListing(text: string): ListingPage {
  let answer: { readonly items?: unknown; readonly prefixes?: unknown; readonly nextPageToken?: unknown };
  try {
    answer = JSON.parse(text);
  } catch (cause) {
    throw new AppError('unavailable', 'GCS answered a listing with something that is no JSON', { cause });
  }
  const { items = [], prefixes = [], nextPageToken } = answer ?? {};
  if (!Array.isArray(items) || !Array.isArray(prefixes) || prefixes.some((prefix) => typeof prefix !== 'string'))
    throw new AppError('internal', 'GCS answered a listing whose items or prefixes are no lists');
  const objects = items.map((item): ListedObject => {
    const { name, size, updated } = (item ?? {}) as Readonly<Record<string, unknown>>;
    const sizeBytes = Number(size ?? Number.NaN);
    const modifiedMs = Date.parse(String(updated));
    if (typeof name !== 'string' || !Number.isSafeInteger(sizeBytes) || sizeBytes < 0 || Number.isNaN(modifiedMs))
      throw new AppError('internal', 'GCS listed an object without a good name, size or time');
    return { key: name, sizeBytes: bytes(sizeBytes), modifiedMs };
  });
  const nextToken = typeof nextPageToken === 'string' && nextPageToken !== '' ? nextPageToken : undefined;
  return { objects, commonPrefixes: prefixes, nextToken };
}

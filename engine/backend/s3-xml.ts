import { AppError } from '#engine/base/errors.ts';
import { bytes } from '#engine/base/units.ts';
import type { ListedObject } from './backend.ts';
import type { ListingPage } from './listing.ts';

/** Reads a ListObjectsV2 answer, with or without `encoding-type=url`. Throws `unavailable` for anything else: a cut answer must not look like an end. */
export function parseListing(xml: string): ListingPage {
  if (!xml.includes('<ListBucketResult') || !xml.trimEnd().endsWith('</ListBucketResult>')) {
    throw new AppError('unavailable', 'S3 answered a listing with something that is no complete ListBucketResult');
  }
  const decode = textOf(xml, 'EncodingType') === 'url' ? decodeUrl : (text: string) => text;
  const objects = elements(xml, 'Contents').map((content): ListedObject => {
    const sizeBytes = Number(textOf(content, 'Size') ?? Number.NaN);
    const modifiedMs = Date.parse(textOf(content, 'LastModified') ?? '');
    const key = textOf(content, 'Key');
    if (key === undefined || !Number.isSafeInteger(sizeBytes) || sizeBytes < 0 || Number.isNaN(modifiedMs)) {
      throw new AppError('internal', 'S3 listed an object without a good Key, Size or LastModified');
    }
    return { key: decode(key), sizeBytes: bytes(sizeBytes), modifiedMs };
  });
  const commonPrefixes = elements(xml, 'CommonPrefixes').map((element) => decode(textOf(element, 'Prefix') ?? ''));
  const truncated = textOf(xml, 'IsTruncated') === 'true';
  const nextToken = truncated ? textOf(xml, 'NextContinuationToken') : undefined;
  if (truncated && (nextToken === undefined || nextToken === ''))
    throw new AppError('internal', 'S3 cut a listing without saying where it goes on');
  return { objects, commonPrefixes, nextToken };
}

/** Code and message of an S3 error answer; both '' when the text is none. */
export function parseErrorBody(xml: string): { readonly code: string; readonly message: string } {
  return { code: textOf(xml, 'Code') ?? '', message: textOf(xml, 'Message') ?? '' };
}

/** The contents of all elements of that name; S3's answers never nest one in itself. */
export function elements(xml: string, name: string): string[] {
  const open = `<${name}>`;
  const close = `</${name}>`;
  const found: string[] = [];
  for (let at = xml.indexOf(open); at >= 0; at = xml.indexOf(open, at)) {
    const end = xml.indexOf(close, at);
    if (end < 0) break;
    found.push(xml.slice(at + open.length, end));
    at = end;
  }
  return found;
}

/** The text of the first element of that name; undefined where there is none. */
export function textOf(xml: string, name: string): string | undefined {
  const at = xml.indexOf(`<${name}>`);
  if (at < 0) return undefined;
  const end = xml.indexOf(`</${name}>`, at);
  return end < 0 ? undefined : decodeEntities(xml.slice(at + name.length + 2, end));
}

const namedEntities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decodeEntities(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9A-Fa-f]{1,6})|(amp|lt|gt|quot|apos));/g, (whole, decimal, hex, name) => {
    if (name !== undefined) return namedEntities[name];
    const point = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
  });
}

function decodeUrl(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch (cause) {
    throw new AppError('internal', `S3 listed a key that is not URL-encoded: ${JSON.stringify(text)}`, { cause });
  }
}

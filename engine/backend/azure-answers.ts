import { AppError } from '#engine/base/errors.ts';
import { bytes } from '#engine/base/units.ts';
import type { ListedObject } from './backend.ts';
import type { ListingPage } from './listing.ts';
import { elements, textOf } from './s3-xml.ts';

/** The AppError for an answer that is no success. Object as `azure://container/key`; `code` of the header x-ms-error-code, '' where there is none. */
export function toAzureError(status: number, code: string, text: string, object: string): AppError {
  const detail = [`${status}`, code || (textOf(text, 'Code') ?? '')].filter((part) => part !== '').join(': ');
  if (detail.includes('ContainerNotFound')) return new AppError('config', `${object}: the container does not exist (${detail})`);
  if (status === 404) return new AppError('not_found', `${object} does not exist`);
  if (status === 408 || status === 429 || status >= 500) return new AppError('unavailable', `${object}: Azure does not answer (${detail})`);
  if (status === 416) return new AppError('corrupt_block', `${object} is shorter than expected (${detail})`);
  if (status === 401 || status === 403) {
    return new AppError('config', `${object}: Azure refuses access; check the account key or the identity's roles (${detail})`);
  }
  return new AppError('internal', `${object}: Azure refuses the request (${detail})`);
}

/** Reads a List Blobs answer. Throws `unavailable` for anything else: a cut answer must not look like an end. */
export function parseAzureListing(xml: string): ListingPage {
  if (!xml.includes('<EnumerationResults') || !xml.trimEnd().endsWith('</EnumerationResults>'))
    throw new AppError('unavailable', 'Azure answered a listing with something that is no complete EnumerationResults');
  const objects = elements(xml, 'Blob').map((blob): ListedObject => {
    const key = nameOf(blob);
    const sizeBytes = Number(textOf(blob, 'Content-Length') ?? Number.NaN);
    const modifiedMs = Date.parse(textOf(blob, 'Last-Modified') ?? '');
    if (key === undefined || !Number.isSafeInteger(sizeBytes) || sizeBytes < 0 || Number.isNaN(modifiedMs))
      throw new AppError('internal', 'Azure listed a blob without a good Name, Content-Length or Last-Modified');
    return { key, sizeBytes: bytes(sizeBytes), modifiedMs };
  });
  const commonPrefixes = elements(xml, 'BlobPrefix').map((prefix) => nameOf(prefix) ?? '');
  const nextToken = textOf(xml, 'NextMarker');
  return { objects, commonPrefixes, nextToken: nextToken === '' ? undefined : nextToken };
}

/** Names that XML cannot hold are sent URL-encoded. */
function nameOf(element: string): string | undefined {
  const plain = textOf(element, 'Name');
  if (plain !== undefined) return plain;
  const encoded = /<Name Encoded="true">([^<]*)<\/Name>/.exec(element)?.[1];
  return encoded === undefined ? undefined : decodeURIComponent(encoded);
}

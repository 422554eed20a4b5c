import { AppError, throwIfAborted } from '#engine/base/errors.ts';
import type { ListedObject } from './backend.ts';
import type { S3Listing } from './s3-xml.ts';

/** Reads one page of a listing; the query is ListObjectsV2's. */
export type PageReader = (query: Readonly<Record<string, string>>, signal: AbortSignal | undefined) => Promise<S3Listing>;

/** All objects below `root + prefix`, with keys relative to `root`, page by page. A store that repeats itself is an `internal` error, not an endless loop. */
export async function* listObjects(
  readPage: PageReader,
  root: string,
  prefix: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<ListedObject> {
  for await (const page of pages(readPage, { prefix: root + prefix }, signal)) {
    for (const object of page.objects) {
      if (!object.key.startsWith(root + prefix)) throw unasked(object.key, root + prefix);
      // A zero-length `folder/` object, as consoles create them, is no object of Tempo's.
      if (!object.key.endsWith('/')) yield { ...object, key: object.key.slice(root.length) };
    }
  }
}

/** The names of the folders directly below `root + prefix`. */
export async function listFolders(readPage: PageReader, root: string, prefix: string, signal: AbortSignal | undefined): Promise<string[]> {
  const base = root + prefix;
  const names: string[] = [];
  for await (const page of pages(readPage, { prefix: base, delimiter: '/' }, signal)) {
    for (const folder of page.commonPrefixes) {
      if (!folder.startsWith(base)) throw unasked(folder, base);
      const name = folder.slice(base.length, folder.endsWith('/') ? -1 : undefined);
      if (name !== '') names.push(name);
    }
  }
  return names;
}

async function* pages(
  readPage: PageReader,
  query: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): AsyncGenerator<S3Listing> {
  const base = { 'list-type': '2', 'max-keys': '1000', 'encoding-type': 'url', ...query };
  let token: string | undefined;
  do {
    throwIfAborted(signal);
    const page = await readPage(token === undefined ? base : { ...base, 'continuation-token': token }, signal);
    if (page.nextToken !== undefined && page.nextToken === token) {
      throw new AppError('internal', `S3 repeats a page of the listing of ${JSON.stringify(query.prefix)}`);
    }
    token = page.nextToken;
    yield page;
  } while (token !== undefined);
}

function unasked(key: string, prefix: string): AppError {
  return new AppError('internal', `S3 listed ${JSON.stringify(key)}, which is not below ${JSON.stringify(prefix)}`);
}

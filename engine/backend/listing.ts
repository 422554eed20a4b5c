import { AppError, throwIfAborted } from '#engine/base/errors.ts';
import type { ListedObject } from './backend.ts';

/** One page of a listing. */
export interface ListingPage {
  /** Keys with the backend's prefix, in the store's order. */
  readonly objects: readonly ListedObject[];
  /** With their trailing delimiter. */
  readonly commonPrefixes: readonly string[];
  /** undefined on the last page. */
  readonly nextToken: string | undefined;
}

/** Which page. */
export interface PageQuery {
  /** With the backend's own prefix. */
  readonly prefix: string;
  /** Objects below a further `/` are summed up by their prefix. */
  readonly folders: boolean;
  /** Of the page before; undefined for the first. */
  readonly token: string | undefined;
  /** Only what comes after that key, with the backend's own prefix. Not every store's reader knows it. */
  readonly startAfter?: string;
}

/** Most entries that a page is asked for. */
export const pageSize = 1000;

/** Reads one page of a listing. */
export type PageReader = (query: PageQuery, signal: AbortSignal | undefined) => Promise<ListingPage>;

/** All objects below `root + prefix`, after `root + startAfter` if given, with keys relative to `root`, page by page. A store that repeats itself is an `internal` error, not an endless loop. */
export async function* listObjects(
  readPage: PageReader,
  root: string,
  prefix: string,
  signal: AbortSignal | undefined,
  startAfter?: string,
): AsyncGenerator<ListedObject> {
  const query = { prefix: root + prefix, folders: false, ...(startAfter !== undefined && { startAfter: root + startAfter }) };
  for await (const page of pages(readPage, query, signal)) {
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
  for await (const page of pages(readPage, { prefix: base, folders: true }, signal)) {
    for (const folder of page.commonPrefixes) {
      if (!folder.startsWith(base)) throw unasked(folder, base);
      const name = folder.slice(base.length, folder.endsWith('/') ? -1 : undefined);
      if (name !== '') names.push(name);
    }
  }
  return names;
}

async function* pages(readPage: PageReader, query: Omit<PageQuery, 'token'>, signal: AbortSignal | undefined): AsyncGenerator<ListingPage> {
  let token: string | undefined;
  do {
    throwIfAborted(signal);
    const page = await readPage({ ...query, token }, signal);
    if (page.nextToken !== undefined && page.nextToken === token) {
      throw new AppError('internal', `the store repeats a page of the listing of ${JSON.stringify(query.prefix)}`);
    }
    token = page.nextToken;
    yield page;
  } while (token !== undefined);
}

function unasked(key: string, prefix: string): AppError {
  return new AppError('internal', `the store listed ${JSON.stringify(key)}, which is not below ${JSON.stringify(prefix)}`);
}

import { errorAnswer, type Handler, type ServerAnswer } from './exchange.ts';

/** A path that is served. */
export interface Route {
  /** A whole path, or with `{…}` one non-empty part that may hold slashes: `/api/v2/search/tag/{tagName}/values`. */
  readonly path: string;
  readonly handler: Handler;
}

/** A route found; `name` is the `route` label of metrics (spec metrics §1). */
export interface FoundRoute {
  readonly name: string;
  readonly handler: Handler;
}

/** Finds the handler of a path (as sent, without query string). */
export type Router = (path: string) => FoundRoute;

const notFound: FoundRoute = { name: 'other', handler: () => errorAnswer(404, '404 page not found') };

/** The `route` label: the template in lower case, everything but letters and digits as `_`. */
export function routeLabel(path: string): string {
  return path
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');
}

/** The path without double slashes and dot segments, or undefined when it has none; a closing slash stays. */
export function cleanedPath(path: string): string | undefined {
  if (!path.includes('//') && !path.includes('/.')) return undefined;
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  const closing = kept.length > 0 && path.endsWith('/') ? '/' : '';
  const cleaned = `/${kept.join('/')}${closing}`;
  return cleaned === path ? undefined : cleaned;
}

function redirect(location: string): FoundRoute {
  const answer = (query: string): ServerAnswer => ({
    status: 301,
    headers: { Location: query === '' ? location : `${location}?${query}` },
    body: '',
    compressible: false,
  });
  return { name: 'other', handler: (request) => answer(request.query) };
}

/** Routes by exact path first, then by pattern; unknown paths are 404, unclean ones 301 (spec http-api §2). */
export function createRouter(routes: readonly Route[], pathPrefix: string): Router {
  const exact = new Map<string, FoundRoute>();
  const patterns: { readonly before: string; readonly after: string; readonly found: FoundRoute }[] = [];
  for (const { path, handler } of routes) {
    const found = { name: routeLabel(path), handler };
    const open = path.indexOf('{');
    if (open < 0) exact.set(pathPrefix + path, found);
    else patterns.push({ before: pathPrefix + path.slice(0, open), after: path.slice(path.indexOf('}') + 1), found });
  }
  return (path) => {
    const found = exact.get(path);
    if (found !== undefined) return found;
    const cleaned = cleanedPath(path);
    if (cleaned !== undefined) return redirect(cleaned);
    const match = patterns.find(
      ({ before, after }) => path.startsWith(before) && path.endsWith(after) && path.length > before.length + after.length,
    );
    return match?.found ?? notFound;
  };
}

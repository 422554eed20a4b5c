import type { RecordedCase } from './cases.ts';
import { loadCases, queryParameter } from './cases.ts';

/**
 * True for `{ … }` and such filters joined by `&&`, `||` and parentheses. Judged by the text alone, so that a fault of the parser
 * cannot take a case out of the selection.
 */
export function isPlainFilter(query: string): boolean {
  const withoutTexts = query.replace(/"(\\.|[^"\\])*"|`[^`]*`/g, 'text');
  const outline = withoutTexts.replace(/\{[^{}]*\}/g, 'F');
  return /^(F|&&|\|\||[()\s])+$/.test(outline);
}

/** Searches by plain filters, as Tempo 3.0.3 answered them. */
export function plainSearches(): readonly RecordedCase[] {
  return loadCases('search-traceql').filter((recorded) => isPlainFilter(queryParameter(recorded, 'q') ?? ''));
}

/** Searches by plain filters over vParquet2, which only Tempo 2.7.2 can read. Its errors are those of an older language and left out. */
export function plainSearchesOfVParquet2(): readonly RecordedCase[] {
  const tenants = ['vp2', 'rowgroups27'];
  return loadCases('search-traceql-2.7.2').filter((recorded) => {
    const isRead = recorded.status === 200 && tenants.includes(recorded.tenant ?? '');
    return isRead && isPlainFilter(queryParameter(recorded, 'q') ?? '');
  });
}

/**
 * Wrong searches, and odd ones that turn out to be right. Left out is what there is no engine for yet: tag names and values, metrics, and tag searches
 * and pipelines that run (a wrong pipeline is refused before).
 */
export function searchErrors(): readonly RecordedCase[] {
  return loadCases('search-errors').filter((recorded) => {
    if (recorded.tempo !== '3.0.3' || /^\/api\/(metrics|v2\/search\/tag|search\/tag)/.test(recorded.path)) return false;
    if (recorded.status >= 300 && recorded.status < 500) return true;
    return !queryParameter(recorded, 'tags') && isPlainFilter(queryParameter(recorded, 'q') || '{}');
  });
}

/** Echo, build information, readiness and unknown paths. */
export function statusRequests(): readonly RecordedCase[] {
  return loadCases('status').filter((recorded) => recorded.tempo === '3.0.3');
}

/** Requests to a function; tag searches and pipelines that run are left out, there is no engine for them yet. */
export function functionRequests(): readonly RecordedCase[] {
  return loadCases('serverless').filter((recorded) => {
    if (recorded.status !== 200) return true;
    return isPlainFilter(queryParameter(recorded, 'q') ?? '');
  });
}

/** Searches over tenants with all kinds of indexes, by the `storage.trace` settings that they need (as JSON). */
export function tenantIndexSearches(): ReadonlyMap<string, readonly RecordedCase[]> {
  const searches = loadCases('index').filter(({ path }) => path.startsWith('/api/search?'));
  return Map.groupBy(searches, ({ config }) => {
    const { role, ...settings } = config ?? {};
    return JSON.stringify(settings);
  });
}

import { loadCases, type RecordedCase } from './cases.ts';

/** Paths that there is no engine for yet: tag names, tag values, metrics. What is wrong with such a request is told all the same. */
const laterPaths = /^\/api\/(metrics|v2\/search\/tag|search\/tag)/;

/** TraceQL searches, as Tempo 3.0.3 answered them. */
export function searches(): readonly RecordedCase[] {
  return loadCases('search-traceql');
}

/** Searches over vParquet2, which only Tempo 2.7.2 can read. Its errors are those of an older language and left out. */
export function searchesOfVParquet2(): readonly RecordedCase[] {
  const tenants = ['vp2', 'rowgroups27'];
  return loadCases('search-traceql-2.7.2').filter(({ status, tenant }) => status === 200 && tenants.includes(tenant ?? ''));
}

/** Searches by `tags=`. */
export function tagSearches(): readonly RecordedCase[] {
  return loadCases('search-tags-legacy').filter(({ tempo }) => tempo === '3.0.3');
}

/** Wrong requests, and odd ones that turn out to be right. */
export function searchErrors(): readonly RecordedCase[] {
  return loadCases('search-errors').filter(({ tempo, path, status }) => tempo === '3.0.3' && !(status === 200 && laterPaths.test(path)));
}

/** Echo, build information, readiness and unknown paths. */
export function statusRequests(): readonly RecordedCase[] {
  return loadCases('status').filter(({ tempo }) => tempo === '3.0.3');
}

/** Requests to a function. */
export function functionRequests(): readonly RecordedCase[] {
  return loadCases('serverless');
}

/** Searches over tenants with all kinds of indexes, by the `storage.trace` settings that they need (as JSON). */
export function tenantIndexSearches(): ReadonlyMap<string, readonly RecordedCase[]> {
  const cases = loadCases('index').filter(({ path }) => path.startsWith('/api/search?'));
  return Map.groupBy(cases, ({ config }) => {
    const { role, ...settings } = config ?? {};
    return JSON.stringify(settings);
  });
}

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

/** Lookups of one file: what Tempo 3.0.3 answers, and where it cannot read the blocks, 2.7.2. What varied between runs of the real servers is left out. */
export function lookups(group: 'trace-by-id' | 'tags' | 'tag-values'): readonly RecordedCase[] {
  return loadCases(group).filter(
    ({ tempo, tenant, nondeterministic }) => nondeterministic === undefined && (tempo === '3.0.3' || tenant === 'vp2'),
  );
}

/** Metrics queries of one file, as Tempo 3.0.3 answers them; what varied between its runs is left out, unless only exemplars did. */
export function metricsQueries(group: 'metrics-range' | 'metrics-instant'): readonly RecordedCase[] {
  return loadCases(group).filter(
    ({ tempo, nondeterministic = '' }) => tempo === '3.0.3' && (nondeterministic === '' || /^[^(]*exemplars/.test(nondeterministic)),
  );
}

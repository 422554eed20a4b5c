import type { AnswerFormat, SearchAnswer } from '#engine/api/search-answer.ts';
import { rangeUrl, searchLog } from './query-log.ts';
import { type AnswerStream, createQueryStream, type QueryStreamOptions } from './query-stream.ts';
import { type SearchEnvironment, startSearch } from './search.ts';

/** What {@link createSearchStream} needs. */
export interface SearchStreamOptions extends QueryStreamOptions {
  readonly environment: SearchEnvironment;
}

/** Searches whose results come while their jobs run, with traces in that format (spec read-path §3.3). */
export function createSearchStream(options: SearchStreamOptions, format: AnswerFormat): AnswerStream<SearchAnswer> {
  return createQueryStream(options, { op: 'search', name: 'search' }, ({ path, query }, tenants) => {
    const started = startSearch(options.environment, { tenantLabel: tenants.label, tenants: tenants.ids, query, format });
    const { startSeconds, endSeconds, query: text = '' } = started.request;
    const log = searchLog({ ...started.request, query: text }, rangeUrl(path, query, startSeconds, endSeconds));
    return { ...started, log, cost: () => started.result().metrics };
  });
}

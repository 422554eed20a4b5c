import { encodeSearchAnswer } from '#engine/api/search-body.ts';
import { acceptedFormat } from '../server/accept.ts';
import type { Handler, ServerAnswer } from '../server/exchange.ts';
import { createQueryHandler, type QueryHandlerOptions } from './query-handler.ts';
import { rangeUrl, searchLog } from './query-log.ts';
import { type SearchEnvironment, startSearch } from './search.ts';

/** What {@link createSearchHandler} needs. */
export interface SearchHandlerOptions extends QueryHandlerOptions {
  readonly environment: SearchEnvironment;
}

/** Makes the handler of `GET /api/search` (spec http-api §4). */
export function createSearchHandler(options: SearchHandlerOptions): Handler {
  const { environment } = options;
  return createQueryHandler(options, { op: 'search', name: 'search' }, async (request, tenants, signal, tell) => {
    const format = acceptedFormat(request.headers.accept);
    const started = startSearch(environment, { tenantLabel: tenants.label, tenants: tenants.ids, query: request.query, format });
    const { startSeconds, endSeconds, query = '' } = started.request;
    tell(searchLog({ ...started.request, query }, rangeUrl(request.path, request.query, startSeconds, endSeconds)));
    const failure = await started.run(() => {}, signal);
    if (failure !== undefined) return { kind: 'jobFailed', ...failure };
    const found = started.result();
    const { contentType, body } = encodeSearchAnswer(found, { emptyTraces: true, rootPlaceholder: true });
    const answer: ServerAnswer = { status: 200, headers: { 'Content-Type': contentType }, body, compressible: true };
    return { kind: 'answered', answer, cost: found.metrics };
  });
}

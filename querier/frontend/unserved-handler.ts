import { wireStatuses } from '#engine/api/status.ts';
import { toAppError } from '#engine/base/errors.ts';
import type { Handler, ServerRequest } from '../server/exchange.ts';
import { textAnswer } from '../server/exchange.ts';
import { readTenants } from '../server/tenancy.ts';
import { type RequestEnvironment, readMetricsInstant, readMetricsRange } from './metrics-request.ts';
import { queryLimits } from './query-limits.ts';
import type { SearchEnvironment } from './search.ts';
import { readTagNames, readTagValues } from './tags-request.ts';

type Read = (environment: RequestEnvironment, request: ServerRequest) => unknown;

/** Endpoints whose requests can be read but not answered yet, below the API prefix. */
const reads: Readonly<Record<string, Read>> = {
  '/api/search/tags': (environment, { query }) => readTagNames(environment, 1, query),
  '/api/v2/search/tags': (environment, { query }) => readTagNames(environment, 2, query),
  '/api/search/tag/{tagName}/values': (environment, { path, query }) => readTagValues(environment, 1, path, query),
  '/api/v2/search/tag/{tagName}/values': (environment, { path, query }) => readTagValues(environment, 2, path, query),
  '/api/metrics/query_range': (environment, { query }) => readMetricsRange(environment, query),
  '/api/metrics/query': (environment, { query }) => readMetricsInstant(environment, query),
};

/** What {@link refuseBadRequests} needs. */
export interface UnservedOptions {
  readonly environment: Pick<SearchEnvironment, 'config' | 'limits' | 'clock'>;
  readonly multitenancyEnabled: boolean;
}

/** Puts the checks of an endpoint that is not served before `handler`: bad tenants and requests get Tempo's answers, good ones the handler's. */
export function refuseBadRequests({ environment, multitenancyEnabled }: UnservedOptions, path: string, handler: Handler): Handler {
  const read = reads[path];
  if (read === undefined) return handler;
  const tenancy = { multitenancyEnabled, multiTenantQueriesEnabled: environment.config.multiTenantQueriesEnabled };
  return (request) => {
    try {
      const { ids } = readTenants(request.headers['x-scope-orgid'] as string | undefined, tenancy);
      read({ ...environment, limits: queryLimits(environment.limits, environment.config, ids) }, request);
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code !== 'bad_request') throw error;
      return { ...textAnswer(wireStatuses.bad_request.http, error.message), compressible: true };
    }
    return handler(request);
  };
}

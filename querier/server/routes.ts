import type { Config } from '../config/config.ts';
import { errorAnswer, type Handler } from './exchange.ts';
import type { Route } from './router.ts';
import { type StatusOptions, statusRoutes } from './status-routes.ts';

/** Handlers of the parts that this process runs; absent where its target does not run them. */
export interface ApiHandlers {
  readonly search: Handler | undefined;
  readonly searchJob: Handler | undefined;
  /** The plan of a search: not one of Tempo's paths. */
  readonly explain: Handler | undefined;
  /** Puts the checks of a path that is not served, without prefix, before its handler. */
  readonly refuseBadRequests: (path: string, handler: Handler) => Handler;
}

/** Paths of Tempo's query API that this version does not serve (spec http-api §1). */
const missingPaths = [
  '/api/traces/{traceID}',
  '/api/v2/traces/{traceID}',
  '/api/search/tags',
  '/api/v2/search/tags',
  '/api/search/tag/{tagName}/values',
  '/api/v2/search/tag/{tagName}/values',
  '/api/metrics/query_range',
  '/api/metrics/query',
];

function missing(path: string): Handler {
  return () => errorAnswer(501, `${path} is not implemented in this version: it serves /api/search`);
}

/** All routes of a process. `http_api_prefix` stands before `/api`, behind `/querier`; `http_path_prefix` is the router's. */
export function createRoutes(config: Config, handlers: ApiHandlers, status: Omit<StatusOptions, 'config' | 'paths'>): readonly Route[] {
  const prefix = config.httpApiPrefix;
  const api: Route[] = [];
  const add = (base: string, search: Handler | undefined, guard: ApiHandlers['refuseBadRequests']) => {
    if (search === undefined) return;
    api.push({ path: `${base}/api/search`, handler: search });
    for (const path of missingPaths) api.push({ path: base + path, handler: guard(path, missing(base + path)) });
  };
  add(prefix, handlers.search, handlers.refuseBadRequests);
  if (handlers.explain !== undefined) api.push({ path: `${prefix}/api/explain`, handler: handlers.explain });
  add(`/querier${prefix}`, handlers.searchJob, (_, handler) => handler);
  const routes: readonly Route[] = [...api, ...statusRoutes({ ...status, config, paths: () => routes.map(({ path }) => path).sort() })];
  return routes;
}

import type { Config } from '../config/config.ts';
import { withCost } from '../cost/costed-handler.ts';
import { errorAnswer, type Handler } from './exchange.ts';
import type { Route } from './router.ts';
import { type StatusOptions, statusRoutes } from './status-routes.ts';

/** Handlers of the parts that this process runs; absent where its target does not run them. */
export interface ApiHandlers {
  readonly search: Handler | undefined;
  /** A search as server-sent events: not one of Tempo's paths. */
  readonly searchEvents: Handler | undefined;
  readonly searchJob: Handler | undefined;
  /** The plan of a search: not one of Tempo's paths. */
  readonly explain: Handler | undefined;
  /** Handlers of {@link apiPaths} that are served after all, by path: of the frontend, and of jobs. */
  readonly served: Readonly<Record<string, Handler>>;
  readonly servedJobs: Readonly<Record<string, Handler>>;
  /** Puts the checks of a path that is not served, without prefix, before its handler. */
  readonly refuseBadRequests: (path: string, handler: Handler) => Handler;
}

/** Paths of Tempo's query API beside search; those without a handler are not served (spec http-api §1). */
const apiPaths = [
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
  return () => errorAnswer(501, `${path} is not implemented in this version`);
}

/** All routes of a process. `http_api_prefix` stands before `/api`, behind `/querier`; `http_path_prefix` is the router's. */
export function createRoutes(config: Config, handlers: ApiHandlers, status: Omit<StatusOptions, 'config' | 'paths'>): readonly Route[] {
  const prefix = config.httpApiPrefix;
  const api: Route[] = [];
  const add = (base: string, search: Handler | undefined, served: ApiHandlers['served'], guard: ApiHandlers['refuseBadRequests']) => {
    if (search === undefined) return;
    api.push({ path: `${base}/api/search`, handler: withCost(search) });
    for (const path of apiPaths) api.push({ path: base + path, handler: withCost(served[path] ?? guard(path, missing(base + path))) });
  };
  add(prefix, handlers.search, handlers.served, handlers.refuseBadRequests);
  if (handlers.searchEvents !== undefined) api.push({ path: `${prefix}/api/search/stream`, handler: handlers.searchEvents });
  if (handlers.explain !== undefined) api.push({ path: `${prefix}/api/explain`, handler: handlers.explain });
  add(`/querier${prefix}`, handlers.searchJob, handlers.servedJobs, (_, handler) => handler);
  const routes: readonly Route[] = [...api, ...statusRoutes({ ...status, config, paths: () => routes.map(({ path }) => path).sort() })];
  return routes;
}

import {
  parseTagNamesParams,
  parseTagValuesParams,
  type TagNamesRequest,
  type TagsRules,
  type TagsVersion,
  type TagValuesRequest,
} from '#engine/api/tags-params.ts';
import { parseTag } from '#engine/jobs/wire-tags.ts';
import type { Reference } from '#engine/traceql/ast.ts';
import type { RequestEnvironment } from './metrics-request.ts';
import { checkQuerySize } from './query-size.ts';

function rules({ config, limits, clock }: RequestEnvironment): TagsRules {
  return {
    nowSeconds: Math.floor(clock.nowMs() / 1000),
    queryEndCutoffSeconds: config.queryEndCutoffMs / 1000,
    queryBackendAfterSeconds: config.search.queryBackendAfterMs / 1000,
    maxDurationSeconds: (limits.maxSearchDurationMs || config.search.maxDurationMs) / 1000,
  };
}

/** Reads and checks a request for tag names. Throws `bad_request` with Tempo's texts (spec http-api §5.1). */
export function readTagNames(environment: RequestEnvironment, version: TagsVersion, queryString: string): TagNamesRequest {
  const request = parseTagNamesParams(queryString, version, rules(environment));
  checkQuerySize(request.filter, environment.config.maxQueryExpressionBytes);
  return request;
}

/** Values of which tag, where the old endpoint looks for a name in every scope. */
export interface CheckedTagValuesRequest {
  readonly request: TagValuesRequest;
  /** What the name of a v2 request means. */
  readonly tag: Reference | undefined;
}

/**
 * Reads and checks a request for the values of a tag; `path` is the request's, percent escapes kept. Throws `bad_request` with Tempo's texts: a bad time range
 * before a bad name (spec http-api §5.2, §5.3).
 */
export function readTagValues(
  environment: RequestEnvironment,
  version: TagsVersion,
  path: string,
  queryString: string,
): CheckedTagValuesRequest {
  const request = parseTagValuesParams(path, queryString, version, rules(environment));
  checkQuerySize(request.tagName, environment.config.maxQueryExpressionBytes);
  checkQuerySize(request.filter, environment.config.maxQueryExpressionBytes);
  return { request, tag: version === 2 ? parseTag(request.tagName) : undefined };
}

import {
  type MetricsInstantRequest,
  type MetricsParamLimits,
  type MetricsRangeRequest,
  type MetricsTimeRules,
  parseMetricsInstantParams,
  parseMetricsRangeParams,
} from '#engine/api/metrics-params.ts';
import { AppError, toAppError } from '#engine/base/errors.ts';
import type { Query } from '#engine/traceql/ast.ts';
import { parseQuery } from '#engine/traceql/parse.ts';
import { isMetricsQuery, type MetricsQuery } from '#engine/traceql/plan-metrics.ts';
import { validateQuery } from '#engine/traceql/validate.ts';
import type { LimitsConfig } from '../config/limits.ts';
import { checkQuerySize } from './query-size.ts';
import type { SearchEnvironment } from './search.ts';

/** What the reading of requests needs of the process. */
export interface RequestEnvironment extends Pick<SearchEnvironment, 'config' | 'clock'> {
  /** Of the request's tenants. */
  readonly limits: LimitsConfig;
}

/** A metrics request whose parameters and query have been checked. */
export interface CheckedMetricsRequest<Request> {
  readonly request: Request;
  readonly query: MetricsQuery;
}

function paramLimits({ config, limits }: RequestEnvironment): MetricsParamLimits {
  const { maxDurationMs, maxIntervals, maxExemplars, maxResponseSeries } = config.metrics;
  return { maxDurationMs: limits.maxMetricsDurationMs || maxDurationMs, maxIntervals, maxExemplars, maxSeries: maxResponseSeries };
}

function timeRules({ config, clock }: RequestEnvironment): MetricsTimeRules {
  return { nowMs: clock.nowMs(), queryEndCutoffMs: config.queryEndCutoffMs };
}

function compiling<Result>(step: () => Result): Result {
  try {
    return step();
  } catch (thrown) {
    const error = toAppError(thrown);
    throw new AppError(error.code, `compiling query: ${error.message}`, { cause: thrown });
  }
}

/** What is said of a query that does not end in a metrics function. */
export const notMetrics = 'not a metrics query';

/** Throws where the query cannot run; `parsed` is its parse, or throws (spec traceql §3.7). */
function checked(parsed: () => Query): MetricsQuery {
  const query = parsed();
  compiling(() => validateQuery(query));
  if (!isMetricsQuery(query)) throw new AppError('bad_request', notMetrics);
  return query;
}

/**
 * Reads and checks a request of `/api/metrics/query_range`: parameters, then length, syntax and types of the query. Throws `bad_request` with Tempo's texts:
 * syntax errors as they are, others as `compiling query: …` (spec http-api §6.1, traceql §3.7).
 */
export function readMetricsRange(environment: RequestEnvironment, queryString: string): CheckedMetricsRequest<MetricsRangeRequest> {
  const request = parseMetricsRangeParams(queryString, paramLimits(environment), timeRules(environment));
  checkQuerySize(request.query, environment.config.maxQueryExpressionBytes);
  return { request, query: checked(() => parseQuery(request.query)) };
}

/** As {@link readMetricsRange} for `/api/metrics/query`, whose syntax errors are `compiling query: …` too (spec http-api §6.2). */
export function readMetricsInstant(environment: RequestEnvironment, queryString: string): CheckedMetricsRequest<MetricsInstantRequest> {
  const request = parseMetricsInstantParams(queryString, paramLimits(environment), timeRules(environment));
  checkQuerySize(request.query, environment.config.maxQueryExpressionBytes);
  return { request, query: checked(() => compiling(() => parseQuery(request.query))) };
}

import { parseForm } from '#engine/api/form.ts';
import type { WireAnswer, WireJob } from '#engine/api/job-wire.ts';
import { parseMetricsRange } from '#engine/api/metrics-block-params.ts';
import { isBlockJob } from '#engine/api/search-block-params.ts';
import { jobLimits, parseSearchForm } from '#engine/api/search-params.ts';
import { parseTagNamesParams, parseTagValuesParams, type TagsRules, type TagsVersion } from '#engine/api/tags-params.ts';
import type { TraceVersion } from '#engine/api/trace-answer.ts';
import { parseTraceId, parseTraceParams } from '#engine/api/trace-params.ts';
import type { Clock } from '#engine/base/clock.ts';
import { AppError } from '#engine/base/errors.ts';
import type { TenantId } from '#engine/base/units.ts';
import { metricsWireAnswer } from '#engine/jobs/wire-metrics.ts';
import { searchWireAnswer } from '#engine/jobs/wire-search.ts';
import { parseTag, tagNamesWireAnswer, tagValuesWireAnswer } from '#engine/jobs/wire-tags.ts';
import { traceWireAnswer } from '#engine/jobs/wire-trace.ts';
import { oldTag } from '#engine/traceql/old-tag.ts';
import { printReference } from '#engine/traceql/print.ts';
import type { LimitsOf } from '../config/limits.ts';
import { withDeadline } from '../deadline.ts';
import type { Handler, ServerRequest } from '../server/exchange.ts';
import { readTenants } from '../server/tenancy.ts';
import { jobAccept, serverAnswer } from '../worker/job-exchange.ts';
import type { RecentData } from './recent-data.ts';

/** What {@link serveRecentJobs} needs. */
export interface RecentHandlerOptions {
  /** Undefined: no live-stores are configured, and the handlers themselves answer that there is nothing. */
  readonly recent: RecentData | undefined;
  /** Told of each job that was answered so. */
  readonly onUnanswered: () => void;
  readonly limits: LimitsOf;
  readonly multitenancyEnabled: boolean;
  readonly queryTimeoutMs: number;
  readonly traceTimeoutMs: number;
  readonly clock: Clock;
}

/** A job about recent data, answered. */
type Work = (
  recent: RecentData,
  request: ServerRequest,
  tenant: TenantId,
  accept: WireJob['accept'],
  signal: AbortSignal,
) => Promise<WireAnswer>;

/** The range of a job is the frontend's affair: nothing is completed or refused. */
const noRules: TagsRules = { nowSeconds: 2 ** 32 - 1, queryEndCutoffSeconds: 0, queryBackendAfterSeconds: 0, maxDurationSeconds: 0 };

const search: Work = async (recent, { query }, tenant, accept, signal) => {
  const request = parseSearchForm(parseForm(query), jobLimits, 'tempo');
  return searchWireAnswer(await recent.search(tenant, request, accept === 'application/protobuf' ? 'protobuf' : 'json', signal));
};

const metrics: Work = async (recent, { query }, tenant, accept, signal) => {
  const range = parseMetricsRange(query);
  return metricsWireAnswer(range.query, await recent.metrics(tenant, range, signal), accept);
};

function tagNames({ limits }: RecentHandlerOptions, version: TagsVersion): Work {
  return async (recent, { query }, tenant, accept, signal) => {
    const request = parseTagNamesParams(query, version, noRules);
    const { limit: maxCount, maxStaleValues } = request;
    const most = { maxBytes: limits(tenant).maxBytesPerTagValuesQuery, maxCount, maxStaleValues };
    return tagNamesWireAnswer(await recent.tagNames(tenant, request, most, signal), request.scope, version, accept);
  };
}

function tagValues({ limits }: RecentHandlerOptions, version: TagsVersion): Work {
  return async (recent, { path, query }, tenant, accept, signal) => {
    const request = parseTagValuesParams(path, query, version, noRules);
    const tag = version === 2 ? parseTag(request.tagName) : oldTag(request.tagName);
    const { limit: maxCount, maxStaleValues } = request;
    const most = { maxBytes: limits(tenant).maxBytesPerTagValuesQuery, maxCount, maxStaleValues };
    const answer = await recent.tagValues(tenant, printReference(tag, 'query'), request, most, signal);
    return tagValuesWireAnswer(answer, version, accept);
  };
}

function trace({ limits }: RecentHandlerOptions, version: TraceVersion): Work {
  return async (recent, { path }, tenant, accept, signal) => {
    const maxBytes = limits(tenant).maxBytesPerTrace;
    return traceWireAnswer(await recent.trace(tenant, parseTraceId(path), version, maxBytes, signal), { version, accept, maxBytes });
  };
}

function works(options: RecentHandlerOptions): Readonly<Record<string, Work>> {
  return {
    '/api/search': search,
    '/api/metrics/query_range': metrics,
    '/api/search/tags': tagNames(options, 1),
    '/api/v2/search/tags': tagNames(options, 2),
    '/api/search/tag/{tagName}/values': tagValues(options, 1),
    '/api/v2/search/tag/{tagName}/values': tagValues(options, 2),
    '/api/traces/{traceID}': trace(options, 1),
    '/api/v2/traces/{traceID}': trace(options, 2),
  };
}

/** Jobs without a block are about recent data; of trace lookups those with mode `ingesters` (spec read-path §2.1, §3.2). */
function isRecent(path: string, query: string): boolean {
  return path.endsWith('/{traceID}') ? parseTraceParams(query).mode === 'ingesters' : !isBlockJob(parseForm(query));
}

/** Puts the jobs about recent data before the handlers of jobs over blocks, by path. */
export function serveRecentJobs(
  handlers: Readonly<Record<string, Handler>>,
  options: RecentHandlerOptions,
): Readonly<Record<string, Handler>> {
  const { recent, clock } = options;
  const tenancy = { multitenancyEnabled: options.multitenancyEnabled, multiTenantQueriesEnabled: false };
  const byPath = works(options);
  const wrap = (path: string, handler: Handler): Handler => {
    const work = byPath[path];
    if (work === undefined) return handler;
    const timeoutMs = path.endsWith('/{traceID}') ? options.traceTimeoutMs : options.queryTimeoutMs;
    return async (request) => {
      if (!isRecent(path, request.query)) return handler(request);
      if (recent === undefined) {
        options.onUnanswered();
        return handler(request);
      }
      const [tenant] = readTenants(request.headers['x-scope-orgid'] as string | undefined, tenancy).ids;
      if (tenant === undefined) throw new AppError('unauthenticated', 'no org id');
      const run = (signal: AbortSignal) => work(recent, request, tenant, jobAccept(request.headers), signal);
      return serverAnswer(await withDeadline(clock, timeoutMs, request.signal, run));
    };
  };
  return Object.fromEntries(Object.entries(handlers).map(([path, handler]) => [path, wrap(path, handler)]));
}

import { decodeMetricsBody } from '#engine/api/metrics-body-decode.ts';
import { createMetricsCombiner } from '#engine/api/metrics-combiner.ts';
import { type MetricsRange, metricsGrid } from '#engine/api/metrics-request.ts';
import type { MetricsAnswer } from '#engine/api/metrics-series.ts';
import type { AnswerFormat, SearchAnswer } from '#engine/api/search-answer.ts';
import { decodeSearchAnswer } from '#engine/api/search-body-decode.ts';
import { createSearchCombiner } from '#engine/api/search-combiner.ts';
import type { SearchRequest } from '#engine/api/search-request.ts';
import type { TagNamesAnswer, TagValuesAnswer } from '#engine/api/tags-answer.ts';
import { decodeTagNames, decodeTagValues } from '#engine/api/tags-body-decode.ts';
import { createNamesCollector, createValuesCollector, type TagLimits } from '#engine/api/tags-collector.ts';
import type { TagNamesRequest, TagValuesRequest } from '#engine/api/tags-params.ts';
import { createTraceCombiner, type TraceAnswer, type TraceVersion } from '#engine/api/trace-answer.ts';
import { decodeTraceAnswer } from '#engine/api/trace-answer-decode.ts';
import type { TenantId } from '#engine/base/units.ts';
import { combineRule } from '#engine/jobs/metrics-result.ts';
import { answerFromWire } from '#engine/jobs/metrics-wire.ts';
import { parseQuery } from '#engine/traceql/parse.ts';
import type { MetricsQuery } from '#engine/traceql/plan-metrics.ts';
import type { CallLiveStore } from './live-store-calls.ts';
import {
  encodeFindTrace,
  encodeRecentMetrics,
  encodeRecentTagNames,
  encodeRecentTagValues,
  encodeSearchRecent,
} from './recent-requests.ts';

/** What has not been written into blocks yet: asked of live-stores. Each rejects with the first store's error: an answer without one store would be short. */
export interface RecentData {
  readonly search: (tenant: TenantId, request: SearchRequest, format: AnswerFormat, signal: AbortSignal) => Promise<SearchAnswer>;
  readonly tagNames: (tenant: TenantId, request: TagNamesRequest, limits: TagLimits, signal: AbortSignal) => Promise<TagNamesAnswer>;
  /** The name is TraceQL. */
  readonly tagValues: (
    tenant: TenantId,
    name: string,
    request: TagValuesRequest,
    limits: TagLimits,
    signal: AbortSignal,
  ) => Promise<TagValuesAnswer>;
  readonly trace: (
    tenant: TenantId,
    traceId: Uint8Array,
    version: TraceVersion,
    maxBytes: number,
    signal: AbortSignal,
  ) => Promise<TraceAnswer>;
  readonly metrics: (tenant: TenantId, range: MetricsRange, signal: AbortSignal) => Promise<MetricsAnswer>;
}

/** Every store holds a part of the data, so that all are asked and their answers combined (spec read-path §8.1). */
export function createRecentData(stores: readonly CallLiveStore[]): RecentData {
  const askAll = async (path: string, tenant: TenantId, request: Uint8Array, signal: AbortSignal): Promise<readonly Uint8Array[]> => {
    const failed = new AbortController();
    const inner = AbortSignal.any([signal, failed.signal]);
    try {
      return await Promise.all(stores.map((call) => call(path, tenant, request, inner)));
    } catch (thrown) {
      failed.abort(thrown);
      throw thrown;
    }
  };
  const querier = (method: string) => `/tempopb.Querier/${method}`;
  return {
    search: async (tenant, request, format, signal) => {
      const combiner = createSearchCombiner({ limit: request.limit, mostRecent: true, format });
      for (const body of await askAll(querier('SearchRecent'), tenant, encodeSearchRecent(request), signal)) {
        combiner.add(decodeSearchAnswer(body, 'protobuf'));
      }
      return combiner.result();
    },
    tagNames: async (tenant, request, limits, signal) => {
      const collector = createNamesCollector(limits);
      for (const body of await askAll(querier('SearchTagsV2'), tenant, encodeRecentTagNames(request), signal)) {
        collector.addAnswer(decodeTagNames(body, 2, 'protobuf'));
      }
      return collector.result();
    },
    tagValues: async (tenant, name, request, limits, signal) => {
      const collector = createValuesCollector(limits);
      for (const body of await askAll(querier('SearchTagValuesV2'), tenant, encodeRecentTagValues(name, request), signal)) {
        collector.addAnswer(decodeTagValues(body, 2, 'protobuf'));
      }
      return collector.result();
    },
    trace: async (tenant, traceId, version, maxBytes, signal) => {
      const combiner = createTraceCombiner({ maxBytes, allowPartial: version === 2 });
      for (const body of await askAll(querier('FindTraceByID'), tenant, encodeFindTrace(traceId, version === 2), signal)) {
        combiner.add(decodeTraceAnswer(body, 2, 'protobuf'));
      }
      return combiner.result();
    },
    metrics: async (tenant, range, signal) => {
      const grid = metricsGrid(range);
      const rule = combineRule(parseQuery(range.query) as MetricsQuery);
      const combiner = createMetricsCombiner({ grid, rule, maxSeries: 0 });
      for (const body of await askAll('/tempopb.Metrics/QueryRange', tenant, encodeRecentMetrics(range), signal)) {
        combiner.add(answerFromWire(range, decodeMetricsBody(body, 'protobuf')));
      }
      return { grid, series: combiner.series(), inspectedBytes: combiner.inspectedBytes(), inspectedSpans: combiner.inspectedSpans() };
    },
  };
}

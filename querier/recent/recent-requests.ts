import { create, toBinary } from '@bufbuild/protobuf';
import {
  QueryRangeRequestSchema,
  SearchRequestSchema,
  SearchTagsRequestSchema,
  SearchTagValuesRequestSchema,
} from '#engine/api/gen/streaming_pb.js';
import type { MetricsRange } from '#engine/api/metrics-request.ts';
import { bytesField, stringField, varint } from '#engine/api/protobuf-wire.ts';
import type { SearchRequest } from '#engine/api/search-request.ts';
import type { TagNamesRequest, TagValuesRequest } from '#engine/api/tags-params.ts';

/** The requests of `tempopb.Querier` and `tempopb.Metrics`, which live-stores serve (spec http-api §8, read-path §8.1). */

/** `SearchRecent`. */
export function encodeSearchRecent(request: SearchRequest): Uint8Array {
  return toBinary(
    SearchRequestSchema,
    create(SearchRequestSchema, {
      Tags: Object.fromEntries(request.tags),
      MinDurationMs: request.minDurationMs ?? 0,
      MaxDurationMs: request.maxDurationMs ?? 0,
      Limit: request.limit,
      start: request.startSeconds,
      end: request.endSeconds,
      Query: request.query ?? '',
      SpansPerSpanSet: request.spansPerSpanset,
    }),
  );
}

/** `SearchTagsV2`. */
export function encodeRecentTagNames({ scope, filter, startSeconds, endSeconds, limit, maxStaleValues }: TagNamesRequest): Uint8Array {
  return toBinary(
    SearchTagsRequestSchema,
    create(SearchTagsRequestSchema, {
      scope: scope === 'none' ? '' : scope,
      query: filter,
      start: startSeconds,
      end: endSeconds,
      maxTagsPerScope: limit,
      staleValuesThreshold: maxStaleValues,
    }),
  );
}

/** `SearchTagValuesV2`; the name is TraceQL. */
export function encodeRecentTagValues(tagName: string, request: TagValuesRequest): Uint8Array {
  const { filter, startSeconds, endSeconds, limit, maxStaleValues } = request;
  return toBinary(
    SearchTagValuesRequestSchema,
    create(SearchTagValuesRequestSchema, {
      tagName,
      query: filter,
      start: startSeconds,
      end: endSeconds,
      maxTagValues: limit,
      staleValueThreshold: maxStaleValues,
    }),
  );
}

/** `FindTraceByID`: 1 traceID, 2 and 3 blocks, 5 mode, 6 whether a part of a large trace is welcome. */
export function encodeFindTrace(traceId: Uint8Array, allowPartial: boolean): Uint8Array {
  const partial = allowPartial ? Uint8Array.of(6 << 3, 1) : new Uint8Array(0);
  return Buffer.concat([bytesField(1, traceId), stringField(5, 'ingesters'), partial]);
}

/** `tempopb.Metrics/QueryRange`: field 7 is the mode, 18 says that it is an instant query. */
export function encodeRecentMetrics(range: MetricsRange): Uint8Array {
  const { query, startNanos, endNanos, stepNanos, exemplars, maxSeries, instant } = range;
  const request = create(QueryRangeRequestSchema, { query, start: startNanos, end: endNanos, step: stepNanos, exemplars, maxSeries });
  const isInstant = instant ? Uint8Array.from([...varint(18 << 3), 1]) : new Uint8Array(0);
  return Buffer.concat([toBinary(QueryRangeRequestSchema, request), stringField(7, 'recent'), isInstant]);
}

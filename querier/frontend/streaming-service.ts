import { oneSidedRange } from '#engine/api/date-range.ts';
import { printForm } from '#engine/api/form.ts';
import {
  type QueryInstantRequest,
  type QueryRangeRequest,
  type SearchRequest,
  type SearchTagsRequest,
  type SearchTagValuesRequest,
  StreamingQuerier,
} from '#engine/api/gen/streaming_pb.js';
import { printLogfmt } from '#engine/api/logfmt.ts';
import type { MetricsBody } from '#engine/api/metrics-body.ts';
import { streamedMetrics } from '#engine/api/metrics-protobuf.ts';
import type { SearchAnswer } from '#engine/api/search-answer.ts';
import { streamedSearchAnswer } from '#engine/api/search-body.ts';
import { type StreamedAnswer, splitAnswer } from '#engine/api/stream-packets.ts';
import type { TagNamesAnswer, TagValuesAnswer } from '#engine/api/tags-answer.ts';
import { streamedTagNames, streamedTagValues } from '#engine/api/tags-body.ts';
import type { TagsVersion } from '#engine/api/tags-params.ts';
import { costHeader, printCost } from '../cost/ledger.ts';
import type { AddGrpcMethod, GrpcCall } from '../server/grpc.ts';
import type { MetricsKind } from './metrics-query.ts';
import type { AnswerStream } from './query-stream.ts';

/** What {@link defineStreamingQuerier} needs. */
export interface StreamingServiceOptions {
  /** Traces in protobuf. */
  readonly search: AnswerStream<SearchAnswer>;
  readonly tagNames: Readonly<Record<TagsVersion, AnswerStream<TagNamesAnswer>>>;
  readonly tagValues: Readonly<Record<TagsVersion, AnswerStream<TagValuesAnswer>>>;
  readonly metrics: Readonly<Record<MetricsKind, AnswerStream<MetricsBody>>>;
  /** Largest message; 0 is no limit. */
  readonly maxPacketBytes: number;
}

/** A request's path and query string on the HTTP API. */
interface Target {
  readonly path: string;
  readonly query: string;
}

/** Fields that are empty or 0 are left out: proto3 does not tell them from absent ones. */
function formOf(fields: Readonly<Record<string, string | number>>): string {
  return printForm(
    Object.entries(fields).flatMap(([name, value]) => (value === '' || value === 0 ? [] : [[name, String(value)] as const])),
  );
}

const milliseconds = (value: number) => (value === 0 ? '' : `${value}ms`);
const nanoseconds = (value: bigint) => (value === 0n ? '' : `${value}ns`);
/** Nanoseconds since the epoch; with fewer digits the HTTP API takes a time for seconds. */
const timeNanos = (value: bigint) => (value === 0n ? '' : String(value).padStart(19, '0'));

/** Over HTTP a search that has only a start is told that it ends before, but not over gRPC (spec http-api §9.1). */
function searchTarget(message: SearchRequest): Target {
  if ((message.start === 0) !== (message.end === 0)) throw oneSidedRange();
  const query = formOf({
    q: message.Query,
    tags: printLogfmt(new Map(Object.entries(message.Tags))),
    minDuration: milliseconds(message.MinDurationMs),
    maxDuration: milliseconds(message.MaxDurationMs),
    limit: message.Limit,
    spss: message.SpansPerSpanSet,
    start: message.start,
    end: message.end,
  });
  return { path: '/api/search', query };
}

function tagNamesTarget(
  { scope, query: q, start, end, maxTagsPerScope, staleValuesThreshold }: SearchTagsRequest,
  version: TagsVersion,
): Target {
  const query = formOf({ scope, q, start, end, limit: maxTagsPerScope, maxStaleValues: staleValuesThreshold });
  return { path: version === 1 ? '/api/search/tags' : '/api/v2/search/tags', query };
}

function tagValuesTarget(message: SearchTagValuesRequest, version: TagsVersion): Target {
  const { tagName, query: q, start, end, maxTagValues, staleValueThreshold } = message;
  const path = `/api${version === 1 ? '' : '/v2'}/search/tag/${encodeURIComponent(tagName.toWellFormed())}/values`;
  return { path, query: formOf({ q, start, end, limit: maxTagValues, maxStaleValues: staleValueThreshold }) };
}

function rangeTarget({ query: q, start, end, step, exemplars, maxSeries }: QueryRangeRequest): Target {
  const query = formOf({ q, start: timeNanos(start), end: timeNanos(end), step: nanoseconds(step), exemplars, maxSeries });
  return { path: '/api/metrics/query_range', query };
}

function instantTarget({ query: q, start, end }: QueryInstantRequest): Target {
  return { path: '/api/metrics/query', query: formOf({ q, start: timeNanos(start), end: timeNanos(end) }) };
}

/**
 * Adds the methods of `tempopb.StreamingQuerier` (spec http-api §9.1). A message is turned into the query string of its HTTP endpoint, so that defaults,
 * checks and error texts are the same.
 */
export function defineStreamingQuerier(options: StreamingServiceOptions): (add: AddGrpcMethod) => void {
  const packets = async function* <Answer>(
    stream: AnswerStream<Answer>,
    { path, query }: Target,
    { tenant, signal, setTrailer }: GrpcCall<unknown>,
    encode: (answer: Answer) => StreamedAnswer,
  ): AsyncGenerator<StreamedAnswer, void, void> {
    for await (const { answer, calls } of stream({ path, query, tenant, signal })) {
      if (calls !== undefined) setTrailer(costHeader, printCost(calls));
      yield* splitAnswer(encode(answer), options.maxPacketBytes);
    }
  };
  const { search, tagNames, tagValues, metrics } = options;
  const names = (version: TagsVersion) => (call: GrpcCall<SearchTagsRequest>) =>
    packets(tagNames[version], tagNamesTarget(call.message, version), call, (answer) => streamedTagNames(answer, version));
  const values = (version: TagsVersion) => (call: GrpcCall<SearchTagValuesRequest>) =>
    packets(tagValues[version], tagValuesTarget(call.message, version), call, (answer) => streamedTagValues(answer, version));
  const { method } = StreamingQuerier;
  return (add) => {
    add({ method: method.search, serve: (call) => packets(search, searchTarget(call.message), call, streamedSearchAnswer) });
    add({ method: method.searchTags, serve: names(1) });
    add({ method: method.searchTagsV2, serve: names(2) });
    add({ method: method.searchTagValues, serve: values(1) });
    add({ method: method.searchTagValuesV2, serve: values(2) });
    add({ method: method.metricsQueryRange, serve: (call) => packets(metrics.range, rangeTarget(call.message), call, streamedMetrics) });
    add({
      method: method.metricsQueryInstant,
      serve: (call) => packets(metrics.instant, instantTarget(call.message), call, streamedMetrics),
    });
  };
}

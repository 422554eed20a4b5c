import { oneSidedRange } from '#engine/api/date-range.ts';
import { printForm } from '#engine/api/form.ts';
import { type SearchRequest as SearchMessage, StreamingQuerier } from '#engine/api/gen/streaming_pb.js';
import { printLogfmt } from '#engine/api/logfmt.ts';
import type { SearchAnswer } from '#engine/api/search-answer.ts';
import { streamedSearchAnswer } from '#engine/api/search-body.ts';
import { type StreamedAnswer, splitAnswer } from '#engine/api/stream-packets.ts';
import type { AddGrpcMethod, GrpcCall } from '../server/grpc.ts';
import type { AnswerStream } from './query-stream.ts';

/** What {@link defineStreamingQuerier} needs. */
export interface StreamingServiceOptions {
  /** Traces in protobuf. */
  readonly search: AnswerStream<SearchAnswer>;
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

/** Over HTTP a search that has only a start is told that it ends before, but not over gRPC (spec http-api §9.1). */
function searchTarget(message: SearchMessage): Target {
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

/**
 * Adds the methods of `tempopb.StreamingQuerier` (spec http-api §9.1). A message is turned into the query string of its HTTP endpoint, so that defaults, checks and error texts
 * are the same.
 */
export function defineStreamingQuerier({ search, maxPacketBytes }: StreamingServiceOptions): (add: AddGrpcMethod) => void {
  const packets = async function* <Answer>(
    stream: AnswerStream<Answer>,
    { path, query }: Target,
    { tenant, signal }: GrpcCall<unknown>,
    encode: (answer: Answer) => StreamedAnswer,
  ): AsyncGenerator<StreamedAnswer, void, void> {
    for await (const { answer } of stream({ path, query, tenant, signal })) yield* splitAnswer(encode(answer), maxPacketBytes);
  };
  return (add) => {
    add({
      method: StreamingQuerier.method.search,
      serve: (call) => packets(search, searchTarget(call.message), call, streamedSearchAnswer),
    });
  };
}

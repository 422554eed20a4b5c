import { AppError } from '#engine/base/errors.ts';
import { createTraceMerger, separateSharedIds } from './combine-otlp.ts';
import type { Trace } from './otlp.ts';
import { resourceSpansJson } from './otlp-json.ts';
import { encodeTraceProtobuf } from './otlp-protobuf.ts';
import { traceSummaryJson } from './otlp-summary.ts';
import { numberField, stringField } from './protobuf-wire.ts';
import { putMessage, putRaw, reverseWriter, written } from './reverse-writer.ts';

/** What a lookup found. */
export interface TraceAnswer {
  /** Undefined: no such trace. */
  readonly trace: Trace | undefined;
  /** Bytes of the trace as protobuf, or more; 0 where nobody asked. */
  readonly sizeBytes: number;
  readonly inspectedBytes: number;
  /** More of the trace was left out, because it is larger than `max_bytes_per_trace`. */
  readonly partial: boolean;
}

/** A lookup that found nothing. */
export const noTrace: TraceAnswer = { trace: undefined, sizeBytes: 0, inspectedBytes: 0, partial: false };

/** How a trace is written. `llm` is a summary for language models in v2, in v1 nothing but another content type (spec http-api §2). */
export type TraceFormat = 'json' | 'protobuf' | 'llm';

/** The API's versions: v1 is the bare trace, v2 has an envelope. */
export type TraceVersion = 1 | 2;

/** Limits of a {@link TraceCombiner}. */
export interface TraceCombinerOptions {
  /** `max_bytes_per_trace`; 0 is unlimited. */
  readonly maxBytes: number;
  /** v2 answers with a part of a trace that is too large, v1 with an error. */
  readonly allowPartial: boolean;
}

/** Combines what jobs or blocks found of one trace (spec read-path §2.3). */
export interface TraceCombiner {
  /** Throws `unprocessable` where the trace becomes too large and no part of it may be answered. */
  readonly add: (part: TraceAnswer) => void;
  readonly result: () => TraceAnswer;
}

/** Starts with nothing found. */
export function createTraceCombiner({ maxBytes, allowPartial }: TraceCombinerOptions): TraceCombiner {
  const merger = createTraceMerger();
  let found = false;
  let inspectedBytes = 0;
  let partial = false;
  let sizeBytes = 0;
  return {
    add: (part) => {
      inspectedBytes += part.inspectedBytes;
      if (part.trace === undefined || partial) return;
      found = true;
      partial = part.partial;
      merger.add(part.trace);
      if (maxBytes <= 0) return;
      // Merging drops spans, so the sum is never too small: only above the limit the size must be known exactly.
      sizeBytes += part.sizeBytes;
      if (sizeBytes > maxBytes) sizeBytes = encodedSize(merger.trace());
      if (sizeBytes <= maxBytes) return;
      if (!allowPartial) throw new AppError('unprocessable', `trace exceeds max size (max bytes: ${maxBytes})`);
      partial = true;
    },
    result: () => ({ trace: found ? merger.trace() : undefined, sizeBytes, inspectedBytes, partial }),
  };
}

/** Bytes of a trace as protobuf. */
export function encodedSize(trace: Trace): number {
  return encodeTraceProtobuf(trace).length;
}

/** How a {@link TraceAnswer} is written. */
export interface TraceBodyOptions {
  readonly version: TraceVersion;
  readonly format: TraceFormat;
  /** `max_bytes_per_trace`, for the text of a partial answer. */
  readonly maxBytes: number;
  /** A job's answer, which a frontend combines with others: shared span ids stay as they are until then (spec read-path §2.3). */
  readonly ofJob?: boolean;
}

/** The body and content type of an answer; undefined where v1 answers 404 (spec http-api §3). */
export function encodeTraceAnswer(
  answer: TraceAnswer,
  { version, format, maxBytes, ofJob = false }: TraceBodyOptions,
): { readonly contentType: string; readonly body: Uint8Array | string } | undefined {
  const trace = answer.trace && (ofJob ? answer.trace : separateSharedIds(answer.trace));
  const empty = trace === undefined || trace.resourceSpans.length === 0;
  if (version === 1) {
    if (empty) return undefined;
    if (format === 'protobuf') return { contentType: 'application/protobuf', body: encodeTraceProtobuf(trace) };
    const contentType = format === 'llm' ? 'application/vnd.grafana.llm' : 'application/json';
    return { contentType, body: `{"batches":${resourceSpansJson(trace.resourceSpans)}}` };
  }
  const message = answer.partial ? `Trace exceeds maximum size of ${maxBytes} bytes, a partial trace is returned` : '';
  if (format === 'protobuf') return { contentType: 'application/protobuf', body: responseProtobuf(answer, trace, message) };
  const rest = message === '' ? '' : `,"status":"PARTIAL","message":${JSON.stringify(message)}`;
  if (format === 'llm') {
    const summary = empty ? '{}' : traceSummaryJson(trace);
    const metrics = JSON.stringify(answer.inspectedBytes === 0 ? {} : { inspectedBytes: answer.inspectedBytes });
    return { contentType: 'application/vnd.grafana.llm+json', body: `{"trace":${summary},"metrics":${metrics}${rest}}` };
  }
  const metrics = answer.inspectedBytes === 0 ? '{}' : `{"inspectedBytes":"${answer.inspectedBytes}"}`;
  const found = empty ? '{}' : `{"resourceSpans":${resourceSpansJson(trace.resourceSpans)}}`;
  return { contentType: 'application/json', body: `{"trace":${found},"metrics":${metrics}${rest}}` };
}

/** `tempopb.TraceByIDResponse`; trace and metrics are there also when they are empty (spec grafana §2.2). */
function responseProtobuf({ inspectedBytes, partial }: TraceAnswer, trace: Trace | undefined, message: string): Uint8Array {
  const content = trace === undefined ? new Uint8Array(0) : encodeTraceProtobuf(trace);
  const writer = reverseWriter(content.length + message.length + 64);
  putRaw(writer, stringField(4, message));
  putRaw(writer, numberField(3, partial ? 1 : 0));
  putMessage(writer, 2, () => putRaw(writer, numberField(1, inspectedBytes)));
  putMessage(writer, 1, () => putRaw(writer, content));
  return written(writer);
}

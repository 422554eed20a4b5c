import { AppError } from '#engine/base/errors.ts';
import { spanCount, type Trace } from './otlp.ts';
import { traceFromJson } from './otlp-json-decode.ts';
import { decodeTraceProtobuf } from './otlp-protobuf-decode.ts';
import { wireFields } from './protobuf-wire.ts';
import { noTrace, type TraceAnswer, type TraceVersion } from './trace-answer.ts';

/** An empty trace is how v2 says that there is none. */
function answerOf(trace: Trace, rest: Omit<TraceAnswer, 'trace'>): TraceAnswer {
  return trace.resourceSpans.length === 0 && spanCount(trace) === 0
    ? { ...noTrace, inspectedBytes: rest.inspectedBytes }
    : { ...rest, trace };
}

function decodeProtobuf(body: Uint8Array, version: TraceVersion): TraceAnswer {
  if (version === 1) return answerOf(decodeTraceProtobuf(body), { sizeBytes: body.length, inspectedBytes: 0, partial: false });
  let content: Uint8Array = new Uint8Array(0);
  let inspectedBytes = 0;
  let partial = false;
  for (const field of wireFields(body)) {
    if (field.number === 1 && field.type === 'bytes') content = field.bytes;
    else if (field.number === 2 && field.type === 'bytes') {
      for (const member of wireFields(field.bytes))
        if (member.number === 1 && member.type === 'varint') inspectedBytes = Number(member.value);
    } else if (field.number === 3 && field.type === 'varint') partial = field.value === 1n;
  }
  return answerOf(decodeTraceProtobuf(content), { sizeBytes: content.length, inspectedBytes, partial });
}

type Json = Readonly<Record<string, unknown>>;

function decodeJson(body: Uint8Array): TraceAnswer {
  const json = (JSON.parse(Buffer.from(body).toString()) ?? {}) as Json;
  const { resourceSpans } = (json.trace ?? {}) as Json;
  const inspectedBytes = Number(((json.metrics ?? {}) as Json).inspectedBytes ?? 0);
  const trace = traceFromJson(json.batches ?? resourceSpans ?? json.resourceSpans);
  // JSON is larger than the same trace in protobuf.
  return answerOf(trace, { sizeBytes: body.length, inspectedBytes, partial: json.status === 'PARTIAL' });
}

/**
 * Reads the body of a lookup's answer: of our own or a real Tempo's querier. v1 does not say how many bytes were looked at. Throws `internal` where it is damaged
 * (the caller adds who sent it).
 */
export function decodeTraceAnswer(body: Uint8Array, version: TraceVersion, format: 'json' | 'protobuf'): TraceAnswer {
  if (format === 'protobuf') return decodeProtobuf(body, version);
  try {
    return decodeJson(body);
  } catch (thrown) {
    throw new AppError('internal', `malformed trace: ${thrown instanceof Error ? thrown.message : String(thrown)}`, { cause: thrown });
  }
}

import { AppError } from '#engine/base/errors.ts';
import type { AnswerFormat, EncodedTraces } from './search-answer.ts';
import type { TraceJson } from './trace-json.ts';
import { decodeTraceProtobuf, encodeTraceProtobuf } from './trace-protobuf.ts';

/** Collects traces one by one into {@link EncodedTraces}. */
export interface TraceCollector {
  /** Copies one trace. */
  readonly add: (trace: Uint8Array, traceId: Uint8Array, startNanos: bigint) => void;
  readonly finish: () => EncodedTraces;
}

/** A collector for traces of one format; `sizeBytes` is the size of all traces together, or a guess that is not too small. */
export function collectTraces(format: AnswerFormat, sizeBytes: number): TraceCollector {
  const bytes = new Uint8Array(sizeBytes);
  const offsets = [0];
  const traceIds: Uint8Array[] = [];
  const starts: bigint[] = [];
  let at = 0;
  return {
    add: (trace, traceId, startNanos) => {
      bytes.set(trace, at);
      at += trace.length;
      offsets.push(at);
      traceIds.push(traceId);
      starts.push(startNanos);
    },
    finish: () => ({
      format,
      count: starts.length,
      bytes: bytes.subarray(0, at),
      offsets: Uint32Array.from(offsets),
      traceIds: Buffer.concat(traceIds),
      startNanos: BigUint64Array.from(starts),
    }),
  };
}

/** No traces. */
export function noTraces(format: AnswerFormat): EncodedTraces {
  return collectTraces(format, 0).finish();
}

/** Bytes of trace `index`, as a view. */
export function traceBytes(traces: EncodedTraces, index: number): Uint8Array {
  return traces.bytes.subarray(traces.offsets[index]!, traces.offsets[index + 1]!);
}

/** The 16 bytes of a trace id printed as hex, with or without leading zeros. Throws `internal` where it is none. */
export function parseTraceId(text: string): Uint8Array {
  if (text.length > 32 || !/^[0-9a-fA-F]*$/.test(text))
    throw new AppError('internal', `not a trace id in an answer: ${JSON.stringify(text)}`);
  return Buffer.from(text.padStart(32, '0'), 'hex');
}

/** A trace as an object. */
export function decodeTrace(bytes: Uint8Array, format: AnswerFormat): TraceJson {
  if (format === 'protobuf') return guardTraces(() => decodeTraceProtobuf(bytes));
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()) as TraceJson;
  } catch (thrown) {
    throw new AppError('internal', 'a trace in an answer is malformed JSON', { cause: thrown });
  }
}

/** Runs work on decoded traces; members of the wrong type, which decoding does not look for, become an AppError `internal`. */
export function guardTraces<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof AppError) throw thrown;
    throw new AppError('internal', 'a trace in an answer has members of the wrong type', { cause: thrown });
  }
}

/** The bytes of an object, as {@link EncodedTraces} holds them. Throws `internal` where a member has the wrong type. */
export function encodeTrace(trace: TraceJson, format: AnswerFormat): Uint8Array {
  return guardTraces(() => (format === 'json' ? Buffer.from(JSON.stringify(trace)) : encodeTraceProtobuf(trace)));
}

/** The same traces in a format; themselves when they already are. Decodes every trace, so use it only at borders to others. */
export function transcode(traces: EncodedTraces, format: AnswerFormat): EncodedTraces {
  if (traces.format === format) return traces;
  const pieces = Array.from({ length: traces.count }, (_, index) =>
    encodeTrace(decodeTrace(traceBytes(traces, index), traces.format), format),
  );
  const collector = collectTraces(
    format,
    pieces.reduce((total, piece) => total + piece.length, 0),
  );
  for (const [index, piece] of pieces.entries()) {
    collector.add(piece, traces.traceIds.subarray(16 * index, 16 * index + 16), traces.startNanos[index]!);
  }
  return collector.finish();
}

const matchedMember = Buffer.from('"matched":');
const spansetsMember = Buffer.from('"spanSets":');

/** Matched spans of all spansets of JSON traces, for reports; undefined for other formats, and where counting would cost more than it tells. */
export function countMatchedSpans(traces: EncodedTraces, maxBytes: number): number | undefined {
  if (traces.format !== 'json' || traces.bytes.length > maxBytes) return undefined;
  const bytes = Buffer.from(traces.bytes.buffer, traces.bytes.byteOffset, traces.bytes.length);
  let total = 0;
  for (let i = 0; i < traces.count; i++) {
    // `spanSet`, which comes first, repeats the first of `spanSets`. A quote inside a text is escaped, so only a member's name is found.
    let at = bytes.indexOf(spansetsMember, traces.offsets[i]);
    if (at < 0 || at >= traces.offsets[i + 1]) continue;
    for (at = bytes.indexOf(matchedMember, at); at >= 0 && at < traces.offsets[i + 1]; at = bytes.indexOf(matchedMember, at)) {
      at += matchedMember.length;
      total += Number.parseInt(bytes.toString('latin1', at, at + 10), 10) || 0;
    }
  }
  return total;
}

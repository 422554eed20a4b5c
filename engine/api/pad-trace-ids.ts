import { collectTraces, traceBytes } from './encoded-traces.ts';
import type { AnswerFormat, EncodedTraces } from './search-answer.ts';

const idDigits = 32;
const zero = 0x30;
const quote = 0x22;
const jsonStart = Buffer.from('{"traceID":"');
/** Tag of field 1 with a length: the id comes first in both formats. */
const protobufTag = 0x0a;

/** Where the digits of a trace's id begin and end. */
function idRange(trace: Uint8Array, format: AnswerFormat): { readonly from: number; readonly to: number } | undefined {
  if (format === 'protobuf') return trace[0] === protobufTag && trace[1]! <= idDigits ? { from: 2, to: 2 + trace[1]! } : undefined;
  const from = jsonStart.length;
  if (Buffer.compare(trace.subarray(0, from), jsonStart) !== 0) return undefined;
  return { from, to: trace.indexOf(quote, from) };
}

function padded(trace: Uint8Array, format: AnswerFormat): Uint8Array {
  const range = idRange(trace, format);
  const missing = range === undefined ? 0 : idDigits - (range.to - range.from);
  if (range === undefined || missing <= 0) return trace;
  const longer = new Uint8Array(trace.length + missing);
  longer.set(trace.subarray(0, range.from));
  if (format === 'protobuf') longer[1] = idDigits;
  longer.fill(zero, range.from, range.from + missing);
  longer.set(trace.subarray(range.from), range.from + missing);
  return longer;
}

/** The same traces with 32 digits in every id: `read.left_pad_trace_ids`; otherwise leading zeros are left out (spec config §8). */
export function padTraceIds(traces: EncodedTraces): EncodedTraces {
  const collector = collectTraces(traces.format, traces.bytes.length + traces.count * idDigits);
  for (let i = 0; i < traces.count; i++) {
    collector.add(padded(traceBytes(traces, i), traces.format), traces.traceIds.subarray(i * 16, i * 16 + 16), traces.startNanos[i]!);
  }
  return collector.finish();
}

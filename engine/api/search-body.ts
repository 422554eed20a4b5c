import { decodeTrace, encodeTrace, traceBytes } from './encoded-traces.ts';
import { type JsonScanner, peek, readJson, scanObject, skipJson } from './json-scan.ts';
import { bytesField, numberField, readBytes, readSmallVarint, skipField, varint, type WireReader } from './protobuf-wire.ts';
import type { AnswerFormat, EncodedTraces, SearchAnswer, SearchMetrics } from './search-answer.ts';
import type { StreamedAnswer } from './stream-packets.ts';

/** Who reads the body: differences between the answers of a frontend, a querier and a function (spec http-api §2.3, serverless §3.2). */
export interface SearchBodyOptions {
  /** Write `"traces":[]` when there are none, as frontends do, and functions for TraceQL but not for tag searches. Protobuf has no such difference. */
  readonly emptyTraces: boolean;
  /** Show a missing root service as {@link rootNotReceived}; frontends only. */
  readonly rootPlaceholder: boolean;
  /** Write `"serviceStats":{}` into JSON traces, which have none: what functions answer for blocks that store no statistics. */
  readonly emptyServiceStats?: boolean;
}

/** A body ready to be sent. */
export interface SearchBody {
  readonly contentType: 'application/json' | 'application/protobuf';
  readonly body: Uint8Array;
}

/** What a frontend shows for a trace whose root span it has not seen (spec traceql §7.3). */
export const rootNotReceived = '<root span not yet received>';

const jsonPlaceholder = Buffer.from('"rootServiceName":"\\u003croot span not yet received\\u003e",');
const protobufPlaceholder = bytesField(2, Buffer.from(rootNotReceived));
const jsonRootMember = Buffer.from(',"rootServiceName":"');

/** Our own encoder's traces start with the trace id and the root service; true where such a start shows a root service that is not empty. */
function startsWithRoot(trace: Uint8Array): boolean {
  const prefix = '{"traceID":"'.length;
  const end = trace.indexOf(0x22, prefix);
  const root = end + 1 + jsonRootMember.length;
  return end >= 0 && trace[root] !== 0x22 && jsonRootMember.equals(trace.subarray(end + 1, root));
}

/** Whether a JSON trace has a root service that is not empty. */
function hasJsonRoot(trace: Uint8Array): boolean {
  if (startsWithRoot(trace)) return true;
  let found = false;
  const scanner: JsonScanner = { bytes: trace, at: 0 };
  scanObject(scanner, ['rootServiceName'], (index) => {
    if (index === 0) found = readJson(scanner) !== '';
    else skipJson(scanner);
  });
  return found;
}

/** Whether a protobuf trace has a root service that is not empty. Stops at the first field behind it in the usual order. */
function hasProtobufRoot(trace: Uint8Array): boolean {
  const reader: WireReader = { bytes: trace, at: 0 };
  while (reader.at < trace.length) {
    const tag = readSmallVarint(reader);
    if (tag === 0x12) return readBytes(reader).length > 0;
    skipField(reader, tag);
  }
  return false;
}

/** The trace with the placeholder where it lacks a root service. A JSON trace with an empty one has the member twice otherwise, so that is rewritten. */
function withRoot(trace: Uint8Array, format: AnswerFormat): readonly Uint8Array[] {
  if (format === 'protobuf') return hasProtobufRoot(trace) ? [trace] : [trace, protobufPlaceholder];
  if (hasJsonRoot(trace)) return [trace];
  const members = peek({ bytes: trace, at: 1 }) === 0x7d ? jsonPlaceholder.subarray(0, -1) : jsonPlaceholder;
  if (!Buffer.from(trace.buffer, trace.byteOffset, trace.byteLength).includes('"rootServiceName"')) {
    return [trace.subarray(0, 1), members, trace.subarray(1)];
  }
  return [encodeTrace({ ...decodeTrace(trace, 'json'), rootServiceName: rootNotReceived }, 'json')];
}

/** Copies pieces one behind the other. */
function join(pieces: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(pieces.reduce((total, piece) => total + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}

const jsonComma = Buffer.from(',');

/** The end of a JSON trace whose statistics are empty: the same as a trace without that member. */
export const emptyServiceStats = Buffer.from(',"serviceStats":{}}');

/** Members of `metrics` in their order, with their field numbers; `wide` ones are 64-bit and so strings in JSON. */
const metricsFields: readonly { readonly name: keyof SearchMetrics; readonly number: number; readonly wide: boolean }[] = [
  { name: 'inspectedTraces', number: 1, wide: false },
  { name: 'inspectedBytes', number: 2, wide: true },
  { name: 'totalBlocks', number: 3, wide: false },
  { name: 'completedJobs', number: 4, wide: false },
  { name: 'totalJobs', number: 5, wide: false },
  { name: 'totalBlockBytes', number: 6, wide: true },
  { name: 'inspectedSpans', number: 7, wide: true },
];

function printMetrics(metrics: SearchMetrics): string {
  const members = metricsFields
    .filter(({ name }) => metrics[name] !== 0)
    .map(({ name, wide }) => `"${name}":${wide ? `"${metrics[name]}"` : metrics[name]}`);
  return `{${members.join(',')}}`;
}

function jsonBody({ traces, metrics }: SearchAnswer, options: SearchBodyOptions): Uint8Array {
  const end = `"metrics":${printMetrics(metrics)}}`;
  if (traces.count === 0) return Buffer.from(options.emptyTraces ? `{"traces":[],${end}` : `{${end}`);
  const pieces: Uint8Array[] = [Buffer.from('{"traces":[')];
  for (let index = 0; index < traces.count; index++) {
    if (index > 0) pieces.push(jsonComma);
    pushTrace(pieces, traces, index, options);
  }
  pieces.push(Buffer.from(`],${end}`));
  return join(pieces);
}

function pushTrace(pieces: Uint8Array[], traces: EncodedTraces, index: number, options: SearchBodyOptions): void {
  const trace = traceBytes(traces, index);
  if (options.rootPlaceholder) pieces.push(...withRoot(trace, traces.format));
  else if (options.emptyServiceStats) pieces.push(trace.subarray(0, -1), emptyServiceStats);
  else pieces.push(trace);
}

/** The content of a SearchMetrics message. */
export function protobufMetrics(metrics: Partial<SearchMetrics>): Uint8Array {
  return join(metricsFields.map(({ name, number }) => numberField(number, metrics[name] ?? 0)));
}

function protobufBody({ traces, metrics }: SearchAnswer, options: SearchBodyOptions): Uint8Array {
  const pieces: Uint8Array[] = [];
  for (let index = 0; index < traces.count; index++) {
    const tag = pieces.push(jsonComma) - 1;
    pushTrace(pieces, traces, index, options);
    const length = pieces.slice(tag + 1).reduce((total, piece) => total + piece.length, 0);
    pieces[tag] = Uint8Array.from([0x0a, ...varint(length)]);
  }
  pieces.push(bytesField(2, protobufMetrics(metrics)));
  return join(pieces);
}

/** A protobuf answer as a frontend streams it (spec http-api §9.1). */
export function streamedSearchAnswer({ traces, metrics }: SearchAnswer): StreamedAnswer {
  const items = Array.from({ length: traces.count }, (_, index) => {
    const pieces: Uint8Array[] = [];
    pushTrace(pieces, traces, index, { emptyTraces: true, rootPlaceholder: true });
    return pieces.length === 1 ? pieces[0] : join(pieces);
  });
  return { items, metrics: protobufMetrics(metrics) };
}

/** Writes an answer as the body of `/api/search`, of a querier's job or of a function, in the format its traces have. */
export function encodeSearchAnswer(answer: SearchAnswer, options: SearchBodyOptions): SearchBody {
  return answer.traces.format === 'json'
    ? { contentType: 'application/json', body: jsonBody(answer, options) }
    : { contentType: 'application/protobuf', body: protobufBody(answer, options) };
}

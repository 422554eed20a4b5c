import { AppError } from '#engine/base/errors.ts';
import { collectTraces, noTraces, parseTraceId } from './encoded-traces.ts';
import { expectEnd, type JsonScanner, peek, readJson, scanArray, scanObject, skipJson, textBetween } from './json-scan.ts';
import { readBytes, readSmallVarint, readVarint, skipField, type WireReader, wireFields } from './protobuf-wire.ts';
import type { AnswerFormat, EncodedTraces, SearchAnswer, SearchMetrics } from './search-answer.ts';
import { emptyServiceStats } from './search-body.ts';

/** Metrics of an answer that says nothing about them. */
export const noMetrics: SearchMetrics = {
  inspectedTraces: 0,
  inspectedBytes: 0,
  inspectedSpans: 0,
  totalBlocks: 0,
  completedJobs: 0,
  totalJobs: 0,
  totalBlockBytes: 0,
};

/** How an answer is read. */
export interface DecodeOptions {
  /** Refuse members of a JSON body that SearchResponse does not have, as a real querier does (spec serverless §5). Otherwise they are passed over. */
  readonly strict?: boolean;
}

const responseMembers = ['traces', 'metrics'];
const traceMembers = ['traceID', 'startTimeUnixNano'];

interface TraceHead {
  id: string;
  start: bigint;
}

/** An unsigned 64-bit number as proto3 JSON has it, a string of digits or a number; read as text, so that nothing is rounded. */
function readWide(scanner: JsonScanner): bigint {
  const text = readText(scanner);
  if (!/^[0-9]{1,20}$/.test(text)) throw new AppError('internal', `malformed search answer: ${text} is no unsigned number`);
  return BigInt.asUintN(64, BigInt(text));
}

/** The text of a string without escapes, or of a number. */
function readText(scanner: JsonScanner): string {
  const quotes = peek(scanner) === 0x22 ? 1 : 0;
  const from = scanner.at;
  skipJson(scanner);
  return textBetween(scanner.bytes, from + quotes, scanner.at - quotes);
}

function scanTrace(scanner: JsonScanner, head: TraceHead): void {
  head.id = '';
  head.start = 0n;
  scanObject(scanner, traceMembers, (index) => {
    if (index === 0) head.id = readText(scanner);
    else if (index === 1) head.start = readWide(scanner);
    else skipJson(scanner);
  });
}

function scanTraces(scanner: JsonScanner): EncodedTraces {
  const collector = collectTraces('json', scanner.bytes.length);
  const head: TraceHead = { id: '', start: 0n };
  scanArray(scanner, () => {
    peek(scanner);
    const from = scanner.at;
    scanTrace(scanner, head);
    collector.add(withoutEmptyStats(scanner.bytes.subarray(from, scanner.at)), parseTraceId(head.id), head.start);
  });
  return collector.finish();
}

const metricsMembers = Object.keys(noMetrics) as readonly (keyof SearchMetrics)[];

function scanMetrics(scanner: JsonScanner): SearchMetrics {
  const metrics = { ...noMetrics };
  scanObject(scanner, metricsMembers, (index) => {
    if (index >= 0) metrics[metricsMembers[index]!] = Number(readWide(scanner));
    else skipJson(scanner);
  });
  return metrics;
}

/** True when a null was passed, which proto3 JSON reads as an absent member. */
function skipNull(scanner: JsonScanner): boolean {
  return peek(scanner) === 0x6e && readJson(scanner) === null;
}

function decodeJson(body: Uint8Array, options: DecodeOptions): SearchAnswer {
  const scanner: JsonScanner = { bytes: body, at: 0 };
  let traces: EncodedTraces | undefined;
  let metrics = noMetrics;
  scanObject(scanner, responseMembers, (index, nameFrom, nameTo) => {
    if (index === -1) {
      if (options.strict)
        throw new AppError('internal', `unknown field "${textBetween(body, nameFrom, nameTo)}" in tempopb.SearchResponse`);
      skipJson(scanner);
    } else if (!skipNull(scanner)) {
      if (index === 0) traces = scanTraces(scanner);
      else metrics = scanMetrics(scanner);
    }
  });
  expectEnd(scanner);
  return { traces: traces ?? noTraces('json'), metrics };
}

function protobufHead(trace: Uint8Array, head: TraceHead): void {
  head.id = '';
  head.start = 0n;
  const reader: WireReader = { bytes: trace, at: 0 };
  while (reader.at < trace.length) {
    const tag = readSmallVarint(reader);
    if (tag === 0x0a) head.id = Buffer.from(readBytes(reader)).toString('latin1');
    else if (tag === 0x20) head.start = readVarint(reader);
    else skipField(reader, tag);
  }
}

const metricsByField: Readonly<Record<number, keyof SearchMetrics>> = {
  1: 'inspectedTraces',
  2: 'inspectedBytes',
  3: 'totalBlocks',
  4: 'completedJobs',
  5: 'totalJobs',
  6: 'totalBlockBytes',
  7: 'inspectedSpans',
};

/** The content of a SearchMetrics message. */
export function metricsFromProtobuf(bytes: Uint8Array): SearchMetrics {
  const metrics = { ...noMetrics };
  for (const field of wireFields(bytes)) {
    const name = metricsByField[field.number];
    if (name !== undefined && field.type === 'varint') metrics[name] = Number(field.value);
  }
  return metrics;
}

function decodeProtobuf(body: Uint8Array): SearchAnswer {
  const collector = collectTraces('protobuf', body.length);
  const head: TraceHead = { id: '', start: 0n };
  const reader: WireReader = { bytes: body, at: 0 };
  let metrics = noMetrics;
  while (reader.at < body.length) {
    const tag = readSmallVarint(reader);
    if (tag === 0x0a) {
      const trace = readBytes(reader);
      protobufHead(trace, head);
      collector.add(trace, parseTraceId(head.id), head.start);
    } else if (tag === 0x12) metrics = metricsFromProtobuf(readBytes(reader));
    else skipField(reader, tag);
  }
  return { traces: collector.finish(), metrics };
}

/**
 * Reads the body of a search answer: a job's of our own or a real Tempo's querier, or a function's. Traces stay encoded; JSON members may come in any order.
 * Throws `internal` where the body is damaged (the caller adds who sent it); an empty protobuf body is an empty answer.
 */
export function decodeSearchAnswer(body: Uint8Array, format: AnswerFormat, options: DecodeOptions = {}): SearchAnswer {
  return format === 'json' ? decodeJson(body, options) : decodeProtobuf(body);
}

/** Functions write empty statistics for blocks that store none; everybody else leaves them out. */
function withoutEmptyStats(trace: Uint8Array): Uint8Array {
  const end = trace.length - emptyServiceStats.length;
  if (end <= 0 || !emptyServiceStats.equals(trace.subarray(end))) return trace;
  return Buffer.concat([trace.subarray(0, end), closingBrace]);
}

const closingBrace = Buffer.from('}');

import { AppError } from '#engine/base/errors.ts';
import type { LabelValue, MetricsLabel } from './metrics-series.ts';
import { readBytes, readSmallVarint, readVarint, skipField, type WireReader, wireFields } from './protobuf-wire.ts';
import type { SearchMetrics } from './search-answer.ts';
import { metricsFromProtobuf, noMetrics } from './search-body-decode.ts';

/** A value of a series at the right edge of its interval, or one span that stands for others. */
export interface WirePoint {
  /** Milliseconds since the epoch. */
  readonly timeMs: number;
  readonly value: number;
}

/** A series as it travels (spec http-api §6.1, §8). */
export interface WireSeries {
  readonly labels: readonly MetricsLabel[];
  readonly samples: readonly WirePoint[];
  readonly exemplars: readonly (WirePoint & { readonly labels: readonly MetricsLabel[] })[];
}

/** A QueryRangeResponse, read. */
export interface WireMetrics {
  readonly series: readonly WireSeries[];
  readonly metrics: SearchMetrics;
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
const nil: LabelValue = { type: 'nil' };

/** A text `nil` is what queriers send for a value that is missing or that answers cannot carry. */
function textValue(text: string, isText: boolean): LabelValue {
  return text === 'nil' && !isText ? nil : { type: 'string', value: text };
}

/** Field of an AnyValue by which `encodeMetricsJob` says that a text `nil` is just that; others pass over it. */
export const isTextField = 15;

function doubleOf(bytes: Uint8Array): number {
  if (bytes.length !== 8) throw new AppError('internal', 'malformed metrics answer: a double needs 8 bytes');
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0, true);
}

function labelValue(bytes: Uint8Array): LabelValue {
  let value = nil;
  let text: string | undefined;
  let isText = false;
  for (const field of wireFields(bytes)) {
    if (field.number === 1 && field.type === 'bytes') text = utf8.decode(field.bytes);
    else if (field.number === 2 && field.type === 'varint') value = { type: 'boolean', value: field.value !== 0n };
    else if (field.number === 3 && field.type === 'varint') value = { type: 'int', value: BigInt.asIntN(64, field.value) };
    else if (field.number === 4 && field.type === 'fixed') value = { type: 'double', value: doubleOf(field.bytes) };
    else if (field.number === isTextField) isText = true;
  }
  return text === undefined ? value : textValue(text, isText);
}

function label(bytes: Uint8Array): MetricsLabel {
  let key = '';
  let value = nil;
  for (const field of wireFields(bytes)) {
    if (field.type !== 'bytes') continue;
    if (field.number === 1) key = utf8.decode(field.bytes);
    else if (field.number === 2) value = labelValue(field.bytes);
  }
  return { key, value };
}

function point(bytes: Uint8Array): WirePoint {
  let timeMs = 0;
  let value = 0;
  const reader: WireReader = { bytes, at: 0 };
  while (reader.at < bytes.length) {
    const tag = readSmallVarint(reader);
    if (tag === 0x09) {
      value = doubleOf(bytes.subarray(reader.at, reader.at + 8));
      reader.at += 8;
    } else if (tag === 0x10) timeMs = Number(BigInt.asIntN(64, readVarint(reader)));
    else skipField(reader, tag);
  }
  return { timeMs, value };
}

function exemplar(bytes: Uint8Array): WireSeries['exemplars'][number] {
  const labels: MetricsLabel[] = [];
  let timeMs = 0;
  let value = 0;
  for (const field of wireFields(bytes)) {
    if (field.number === 1 && field.type === 'bytes') labels.push(label(field.bytes));
    else if (field.number === 2 && field.type === 'fixed') value = doubleOf(field.bytes);
    else if (field.number === 3 && field.type === 'varint') timeMs = Number(BigInt.asIntN(64, field.value));
  }
  return { labels, timeMs, value };
}

function series(bytes: Uint8Array): WireSeries {
  const labels: MetricsLabel[] = [];
  const samples: WirePoint[] = [];
  const exemplars: WireSeries['exemplars'][number][] = [];
  const reader: WireReader = { bytes, at: 0 };
  while (reader.at < bytes.length) {
    const tag = readSmallVarint(reader);
    if (tag === 0x0a) labels.push(label(readBytes(reader)));
    else if (tag === 0x12) samples.push(point(readBytes(reader)));
    else if (tag === 0x22) exemplars.push(exemplar(readBytes(reader)));
    else skipField(reader, tag);
  }
  return { labels, samples, exemplars };
}

function decodeProtobuf(body: Uint8Array): WireMetrics {
  const found: WireSeries[] = [];
  let metrics = noMetrics;
  const reader: WireReader = { bytes: body, at: 0 };
  while (reader.at < body.length) {
    const tag = readSmallVarint(reader);
    if (tag === 0x0a) found.push(series(readBytes(reader)));
    else if (tag === 0x12) metrics = metricsFromProtobuf(readBytes(reader));
    else skipField(reader, tag);
  }
  return { series: found, metrics };
}

type Json = Readonly<Record<string, unknown>>;

function items(value: unknown): readonly Json[] {
  return Array.isArray(value) ? (value as Json[]) : [];
}

/** 64-bit numbers are texts, doubles may be `"NaN"` and the like. */
function numberOf(value: unknown): number {
  return value === undefined || value === null ? 0 : Number(value);
}

function labelsFromJson(value: unknown): readonly MetricsLabel[] {
  return items(value).map(({ key, value: typed }) => ({ key: typeof key === 'string' ? key : '', value: valueFromJson(typed) }));
}

function valueFromJson(json: unknown): LabelValue {
  const { stringValue, intValue, doubleValue, boolValue } = (json ?? {}) as Json;
  if (typeof stringValue === 'string') return textValue(stringValue, false);
  if (intValue !== undefined) return { type: 'int', value: BigInt(intValue as string) };
  if (doubleValue !== undefined) return { type: 'double', value: numberOf(doubleValue) };
  return typeof boolValue === 'boolean' ? { type: 'boolean', value: boolValue } : nil;
}

const pointFromJson = ({ timestampMs, value }: Json): WirePoint => ({ timeMs: numberOf(timestampMs), value: numberOf(value) });

function decodeJson(body: Uint8Array): WireMetrics {
  const { series: list, metrics = {} } = (JSON.parse(Buffer.from(body).toString()) ?? {}) as Json;
  const told = metrics as Json;
  return {
    series: items(list).map(({ labels, samples, exemplars }) => ({
      labels: labelsFromJson(labels),
      samples: items(samples).map(pointFromJson),
      exemplars: items(exemplars).map((one) => ({ ...pointFromJson(one), labels: labelsFromJson(one.labels) })),
    })),
    metrics: Object.fromEntries(Object.keys(noMetrics).map((name) => [name, numberOf(told[name])])) as unknown as SearchMetrics,
  };
}

/** Reads the body of a metrics job's answer: of our own or a real Tempo's querier. Throws `internal` where it is damaged (the caller adds who sent it). */
export function decodeMetricsBody(body: Uint8Array, format: 'json' | 'protobuf'): WireMetrics {
  if (format === 'protobuf') return decodeProtobuf(body);
  try {
    return decodeJson(body);
  } catch (thrown) {
    throw new AppError('internal', `malformed metrics answer: ${thrown instanceof Error ? thrown.message : String(thrown)}`, {
      cause: thrown,
    });
  }
}

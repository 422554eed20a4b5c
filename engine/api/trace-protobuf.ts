import { bytesField, numberField, stringField, varint, type WireField, wireFields } from './protobuf-wire.ts';
import type { AnyValueJson, KeyValueJson, ServiceStatsJson, SpanJson, SpansetJson, TraceJson } from './trace-json.ts';

/** TraceSearchMetadata and what it holds, between protobuf and {@link TraceJson}. Field numbers: spec http-api §8, proto/tempo.proto. */

type Mutable<Message> = { -readonly [Member in keyof Message]: Message[Member] };

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

function text(field: WireField): string {
  return field.type === 'bytes' ? utf8.decode(field.bytes) : '';
}

function number(field: WireField): bigint {
  if (field.type === 'varint') return field.value;
  return field.type === 'fixed' && field.bytes.length === 8 ? Buffer.from(field.bytes).readBigUInt64LE() : 0n;
}

function message(field: WireField): Uint8Array {
  return field.type === 'bytes' ? field.bytes : new Uint8Array(0);
}

function decodeDouble(field: WireField): number | string {
  if (field.type !== 'fixed' || field.bytes.length !== 8) return 0;
  const value = Buffer.from(field.bytes).readDoubleLE();
  return Number.isFinite(value) ? value : String(value);
}

function decodeList<Item>(bytes: Uint8Array, decode: (bytes: Uint8Array) => Item): { values?: Item[] } {
  const values = [...wireFields(bytes)].filter((field) => field.number === 1).map((field) => decode(message(field)));
  return values.length === 0 ? {} : { values };
}

function decodeAnyValue(bytes: Uint8Array): AnyValueJson {
  let value: AnyValueJson = {};
  for (const field of wireFields(bytes)) {
    if (field.number === 1) value = { stringValue: text(field) };
    else if (field.number === 2) value = { boolValue: number(field) !== 0n };
    else if (field.number === 3) value = { intValue: `${BigInt.asIntN(64, number(field))}` };
    else if (field.number === 4) value = { doubleValue: decodeDouble(field) };
    else if (field.number === 5) value = { arrayValue: decodeList(message(field), decodeAnyValue) };
    else if (field.number === 6) value = { kvlistValue: decodeList(message(field), decodeKeyValue) };
    else if (field.number === 7) value = { bytesValue: Buffer.from(message(field)).toString('base64') };
  }
  return value;
}

function decodeKeyValue(bytes: Uint8Array): KeyValueJson {
  const attribute: Mutable<KeyValueJson> = {};
  for (const field of wireFields(bytes)) {
    if (field.number === 1) attribute.key = text(field);
    else if (field.number === 2) attribute.value = decodeAnyValue(message(field));
  }
  return attribute;
}

function decodeSpan(bytes: Uint8Array): SpanJson {
  const span: Mutable<SpanJson> = {};
  const attributes: KeyValueJson[] = [];
  for (const field of wireFields(bytes)) {
    if (field.number === 1) span.spanID = text(field);
    else if (field.number === 2) span.name = text(field);
    else if (field.number === 3) span.startTimeUnixNano = `${number(field)}`;
    else if (field.number === 4) span.durationNanos = `${number(field)}`;
    else if (field.number === 5) attributes.push(decodeKeyValue(message(field)));
  }
  return attributes.length === 0 ? span : { ...span, attributes };
}

function decodeSpanset(bytes: Uint8Array): SpansetJson {
  const spans: SpanJson[] = [];
  const attributes: KeyValueJson[] = [];
  let matched = 0;
  for (const field of wireFields(bytes)) {
    if (field.number === 1) spans.push(decodeSpan(message(field)));
    else if (field.number === 2) matched = Number(number(field));
    else if (field.number === 3) attributes.push(decodeKeyValue(message(field)));
  }
  return { ...(spans.length > 0 && { spans }), ...(matched > 0 && { matched }), ...(attributes.length > 0 && { attributes }) };
}

function decodeStats(bytes: Uint8Array): readonly [service: string, ServiceStatsJson] {
  let service = '';
  const stats: Mutable<ServiceStatsJson> = {};
  for (const field of wireFields(bytes)) {
    if (field.number === 1) service = text(field);
    if (field.number !== 2) continue;
    for (const counter of wireFields(message(field))) {
      if (counter.number === 1) stats.spanCount = Number(number(counter));
      else if (counter.number === 2) stats.errorCount = Number(number(counter));
    }
  }
  return [service, stats];
}

/** Reads a TraceSearchMetadata message. Unknown fields are dropped. Throws `internal` where it is damaged. */
export function decodeTraceProtobuf(bytes: Uint8Array): TraceJson {
  const trace: Mutable<TraceJson> = {};
  const spanSets: SpansetJson[] = [];
  const stats: (readonly [string, ServiceStatsJson])[] = [];
  for (const field of wireFields(bytes)) {
    if (field.number === 1) trace.traceID = text(field);
    else if (field.number === 2) trace.rootServiceName = text(field);
    else if (field.number === 3) trace.rootTraceName = text(field);
    else if (field.number === 4) trace.startTimeUnixNano = `${number(field)}`;
    else if (field.number === 5) trace.durationMs = Number(number(field));
    else if (field.number === 6) trace.spanSet = decodeSpanset(message(field));
    else if (field.number === 7) spanSets.push(decodeSpanset(message(field)));
    else if (field.number === 8) stats.push(decodeStats(message(field)));
  }
  return { ...trace, ...(spanSets.length > 0 && { spanSets }), ...(stats.length > 0 && { serviceStats: Object.fromEntries(stats) }) };
}

function encodeList<Item>(items: readonly Item[] | undefined, field: number, encode: (item: Item) => Uint8Array): Uint8Array[] {
  return (items ?? []).map((item) => bytesField(field, encode(item)));
}

function encodeAnyValue(value: AnyValueJson): Uint8Array {
  if (value.stringValue !== undefined) return bytesField(1, Buffer.from(value.stringValue));
  if (value.boolValue !== undefined) return Uint8Array.of(0x10, value.boolValue ? 1 : 0);
  if (value.intValue !== undefined) return Uint8Array.from([0x18, ...varint(BigInt.asUintN(64, BigInt(value.intValue)))]);
  if (value.doubleValue !== undefined) {
    const bytes = Buffer.alloc(9, 0x21);
    bytes.writeDoubleLE(Number(value.doubleValue), 1);
    return bytes;
  }
  if (value.arrayValue !== undefined) return bytesField(5, Buffer.concat(encodeList(value.arrayValue.values, 1, encodeAnyValue)));
  if (value.kvlistValue !== undefined) return bytesField(6, Buffer.concat(encodeList(value.kvlistValue.values, 1, encodeKeyValue)));
  if (value.bytesValue !== undefined) return bytesField(7, Buffer.from(value.bytesValue, 'base64'));
  return new Uint8Array(0);
}

function encodeKeyValue(attribute: KeyValueJson): Uint8Array {
  const value = attribute.value === undefined ? [] : [bytesField(2, encodeAnyValue(attribute.value))];
  return Buffer.concat([stringField(1, attribute.key ?? ''), ...value]);
}

function encodeSpan(span: SpanJson): Uint8Array {
  return Buffer.concat([
    stringField(1, span.spanID ?? ''),
    stringField(2, span.name ?? ''),
    numberField(3, BigInt(span.startTimeUnixNano ?? 0)),
    numberField(4, BigInt(span.durationNanos ?? 0)),
    ...encodeList(span.attributes, 5, encodeKeyValue),
  ]);
}

function encodeSpanset(spanset: SpansetJson): Uint8Array {
  return Buffer.concat([
    ...encodeList(spanset.spans, 1, encodeSpan),
    numberField(2, spanset.matched ?? 0),
    ...encodeList(spanset.attributes, 3, encodeKeyValue),
  ]);
}

function encodeStats([service, stats]: readonly [string, ServiceStatsJson]): Uint8Array {
  const counters = Buffer.concat([numberField(1, stats.spanCount ?? 0), numberField(2, stats.errorCount ?? 0)]);
  return Buffer.concat([bytesField(1, Buffer.from(service)), bytesField(2, counters)]);
}

/** Writes a TraceSearchMetadata message, without tag and length. */
export function encodeTraceProtobuf(trace: TraceJson): Uint8Array {
  return Buffer.concat([
    stringField(1, trace.traceID ?? ''),
    stringField(2, trace.rootServiceName ?? ''),
    stringField(3, trace.rootTraceName ?? ''),
    numberField(4, BigInt(trace.startTimeUnixNano ?? 0)),
    numberField(5, trace.durationMs ?? 0),
    ...(trace.spanSet === undefined ? [] : [bytesField(6, encodeSpanset(trace.spanSet))]),
    ...encodeList(trace.spanSets, 7, encodeSpanset),
    ...encodeList(Object.entries(trace.serviceStats ?? {}), 8, encodeStats),
  ]);
}

import {
  type AnyValue,
  type KeyValue,
  maxValueDepth,
  noValue,
  type ResourceSpans,
  type Span,
  type SpanEvent,
  type SpanLink,
} from './otlp.ts';

/** Names of kinds of spans by their numbers. */
export const kindNames = ['', 'SPAN_KIND_INTERNAL', 'SPAN_KIND_SERVER', 'SPAN_KIND_CLIENT', 'SPAN_KIND_PRODUCER', 'SPAN_KIND_CONSUMER'];
/** Names of status codes by their numbers. */
export const statusCodeNames = ['', 'STATUS_CODE_OK', 'STATUS_CODE_ERROR'];

/** The JSON array of `resourceSpans` (`batches` in v1) as proto3 JSON: defaults left out, 64-bit numbers as text, bytes in base64 (spec http-api §2.3, §3.1). */
export function resourceSpansJson(list: readonly ResourceSpans[]): string {
  return array(list, (one) => {
    const { attributes, droppedAttributesCount } = one.resource;
    const resource = object([attributesMember(attributes), numberMember('droppedAttributesCount', droppedAttributesCount)]);
    const scopes = one.scopeSpans.length === 0 ? '' : `,"scopeSpans":${array(one.scopeSpans, scopeSpansJson)}`;
    return `{"resource":${resource}${scopes}}`;
  });
}

function scopeSpansJson({ scope, spans }: ResourceSpans['scopeSpans'][number]): string {
  const members = [
    textMember('name', scope.name),
    textMember('version', scope.version),
    attributesMember(scope.attributes),
    numberMember('droppedAttributesCount', scope.droppedAttributesCount),
  ];
  return `{"scope":${object(members)}${spans.length === 0 ? '' : `,"spans":${array(spans, spanJson)}`}}`;
}

function spanJson(span: Span): string {
  return object([
    bytesMember('traceId', span.traceId),
    bytesMember('spanId', span.spanId),
    textMember('traceState', span.traceState),
    bytesMember('parentSpanId', span.parentSpanId),
    textMember('name', span.name),
    enumMember('kind', span.kind, kindNames),
    longMember('startTimeUnixNano', span.startNanos),
    longMember('endTimeUnixNano', span.endNanos),
    attributesMember(span.attributes),
    numberMember('droppedAttributesCount', span.droppedAttributesCount),
    span.events.length === 0 ? '' : `"events":${array(span.events, eventJson)}`,
    numberMember('droppedEventsCount', span.droppedEventsCount),
    span.links.length === 0 ? '' : `"links":${array(span.links, linkJson)}`,
    numberMember('droppedLinksCount', span.droppedLinksCount),
    `"status":${object([textMember('message', span.status.message), enumMember('code', span.status.code, statusCodeNames)])}`,
  ]);
}

function eventJson(event: SpanEvent): string {
  return object([
    longMember('timeUnixNano', event.timeNanos),
    textMember('name', event.name),
    attributesMember(event.attributes),
    numberMember('droppedAttributesCount', event.droppedAttributesCount),
  ]);
}

function linkJson(link: SpanLink): string {
  return object([
    bytesMember('traceId', link.traceId),
    bytesMember('spanId', link.spanId),
    textMember('traceState', link.traceState),
    attributesMember(link.attributes),
    numberMember('droppedAttributesCount', link.droppedAttributesCount),
  ]);
}

/** Joins members; empty ones are left out. */
function object(members: readonly string[]): string {
  let text = '';
  for (const member of members) if (member !== '') text += text === '' ? member : `,${member}`;
  return `{${text}}`;
}

function array<Item>(items: readonly Item[], form: (item: Item) => string): string {
  let text = '';
  for (const item of items) text += text === '' ? form(item) : `,${form(item)}`;
  return `[${text}]`;
}

function textMember(name: string, value: string): string {
  return value === '' ? '' : `"${name}":${JSON.stringify(value)}`;
}

function bytesMember(name: string, value: Uint8Array): string {
  return value.length === 0 ? '' : `"${name}":"${base64(value)}"`;
}

function numberMember(name: string, value: number): string {
  return value === 0 ? '' : `"${name}":${value}`;
}

function longMember(name: string, value: bigint): string {
  return value === 0n ? '' : `"${name}":"${value}"`;
}

/** A number without a name is printed as such. */
function enumMember(name: string, value: number, names: readonly string[]): string {
  if (value === 0) return '';
  const known = names[value];
  return `"${name}":${known === undefined ? value : `"${known}"`}`;
}

function attributesMember(attributes: readonly KeyValue[]): string {
  return attributes.length === 0 ? '' : `"attributes":${array(attributes, keyValueJson)}`;
}

function keyValueJson({ key, value }: KeyValue): string {
  return `{${key === '' ? '' : `"key":${JSON.stringify(key)},`}"value":${anyValueJson(value)}}`;
}

/** An AnyValue as proto3 JSON. */
export function anyValueJson(value: AnyValue): string {
  switch (value.type) {
    case 'none':
      return '{}';
    case 'string':
      return `{"stringValue":${JSON.stringify(value.value)}}`;
    case 'int':
      return `{"intValue":"${value.value}"}`;
    case 'double':
      return `{"doubleValue":${doubleJson(value.value)}}`;
    case 'boolean':
      return `{"boolValue":${value.value}}`;
    case 'array':
      return `{"arrayValue":${value.values.length === 0 ? '{}' : `{"values":${array(value.values, anyValueJson)}}`}}`;
    case 'map':
      return `{"kvlistValue":${value.values.length === 0 ? '{}' : `{"values":${array(value.values, keyValueJson)}}`}}`;
    case 'bytes':
      return `{"bytesValue":"${base64(value.value)}"}`;
  }
}

function doubleJson(value: number): string {
  if (Number.isNaN(value)) return '"NaN"';
  if (!Number.isFinite(value)) return value > 0 ? '"Infinity"' : '"-Infinity"';
  return Object.is(value, -0) ? '-0' : String(value);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** Reads the proto3 JSON of an AnyValue, as blocks keep values that have no column. Throws SyntaxError where it is none. */
export function parseAnyValue(text: string): AnyValue {
  return anyValueFromJson(JSON.parse(text));
}

/** As {@link parseAnyValue} for JSON that has been parsed. */
export function anyValueFromJson(json: unknown): AnyValue {
  return anyValue(json, 0);
}

function anyValue(json: unknown, depth: number): AnyValue {
  if (typeof json !== 'object' || json === null || depth > maxValueDepth) throw new SyntaxError('not the JSON of an attribute value');
  const [member] = Object.entries(json);
  if (member === undefined) return noValue;
  const [name, value] = member;
  switch (name) {
    case 'stringValue':
      return { type: 'string', value: String(value) };
    case 'intValue':
      return { type: 'int', value: BigInt.asIntN(64, BigInt(value as string)) };
    case 'doubleValue':
      return { type: 'double', value: Number(value) };
    case 'boolValue':
      return { type: 'boolean', value: value === true };
    case 'bytesValue':
      return { type: 'bytes', value: Buffer.from(String(value), 'base64') };
    case 'arrayValue':
      return { type: 'array', values: valuesOf(value).map((one) => anyValue(one, depth + 1)) };
    case 'kvlistValue':
      return { type: 'map', values: valuesOf(value).map((one) => keyValue(one, depth + 1)) };
    default:
      return noValue;
  }
}

function valuesOf(json: unknown): readonly unknown[] {
  const { values } = (json ?? {}) as { readonly values?: unknown };
  return Array.isArray(values) ? values : [];
}

function keyValue(json: unknown, depth: number): KeyValue {
  const { key, value } = (json ?? {}) as { readonly key?: unknown; readonly value?: unknown };
  return { key: typeof key === 'string' ? key : '', value: value === undefined || value === null ? noValue : anyValue(value, depth) };
}

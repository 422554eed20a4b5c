import { AppError } from '#engine/base/errors.ts';
import {
  type AnyValue,
  type InstrumentationScope,
  type KeyValue,
  maxValueDepth,
  noValue,
  type Resource,
  type ResourceSpans,
  type ScopeSpans,
  type Span,
  type SpanEvent,
  type SpanLink,
  type Status,
  type Trace,
} from './otlp.ts';
import { type WireField, wireFields } from './protobuf-wire.ts';

/** Reads a protobuf `tempopb.Trace` or OTLP TracesData; unknown fields are left out. Throws `internal` where it is damaged. */
export function decodeTraceProtobuf(bytes: Uint8Array): Trace {
  return { resourceSpans: messages(bytes, 1).map(resourceSpans) };
}

/** Reads the links of a span as vParquet2 and 3 keep them: a message with `repeated Span.Link links = 1` (spec blocks §4.9). */
export function decodeLinks(bytes: Uint8Array): readonly SpanLink[] {
  return messages(bytes, 1).map(link);
}

/** Reads one AnyValue. Throws `internal` where it is damaged or nested too deep. */
export function decodeAnyValue(bytes: Uint8Array): AnyValue {
  return anyValue(bytes, 0);
}

const empty = new Uint8Array(0);

function messages(bytes: Uint8Array, number: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (const field of wireFields(bytes)) if (field.number === number) found.push(bytesOf(field));
  return found;
}

function wrongType(field: WireField): AppError {
  return new AppError('internal', `not a protobuf trace: field ${field.number} has wire type ${field.type}`);
}

function bytesOf(field: WireField): Uint8Array {
  if (field.type !== 'bytes') throw wrongType(field);
  return field.bytes;
}

function textOf(field: WireField): string {
  const bytes = bytesOf(field);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

function varintOf(field: WireField): bigint {
  if (field.type !== 'varint') throw wrongType(field);
  return field.value;
}

/** Counts are unsigned, enums are not: both have 32 bits. */
function countOf(field: WireField): number {
  return Number(BigInt.asUintN(32, varintOf(field)));
}

function enumOf(field: WireField): number {
  return Number(BigInt.asIntN(32, varintOf(field)));
}

function fixedOf(field: WireField): DataView {
  if (field.type !== 'fixed' || field.bytes.length !== 8) throw wrongType(field);
  return new DataView(field.bytes.buffer, field.bytes.byteOffset, 8);
}

function resourceSpans(bytes: Uint8Array): ResourceSpans {
  let resource: Resource = { attributes: [], droppedAttributesCount: 0 };
  const scopeSpans: ScopeSpans[] = [];
  for (const field of wireFields(bytes)) {
    if (field.number === 1) resource = resourceOf(bytesOf(field));
    else if (field.number === 2) scopeSpans.push(scopeSpansOf(bytesOf(field)));
  }
  return { resource, scopeSpans };
}

function resourceOf(bytes: Uint8Array): Resource {
  const resource = { attributes: [] as KeyValue[], droppedAttributesCount: 0 };
  for (const field of wireFields(bytes)) {
    if (field.number === 1) resource.attributes.push(keyValue(bytesOf(field), 0));
    else if (field.number === 2) resource.droppedAttributesCount = countOf(field);
  }
  return resource;
}

function scopeSpansOf(bytes: Uint8Array): ScopeSpans {
  let scope: InstrumentationScope = { name: '', version: '', attributes: [], droppedAttributesCount: 0 };
  const spans: Span[] = [];
  for (const field of wireFields(bytes)) {
    if (field.number === 1) scope = scopeOf(bytesOf(field));
    else if (field.number === 2) spans.push(spanOf(bytesOf(field)));
  }
  return { scope, spans };
}

function scopeOf(bytes: Uint8Array): InstrumentationScope {
  const scope = { name: '', version: '', attributes: [] as KeyValue[], droppedAttributesCount: 0 };
  for (const field of wireFields(bytes)) {
    if (field.number === 1) scope.name = textOf(field);
    else if (field.number === 2) scope.version = textOf(field);
    else if (field.number === 3) scope.attributes.push(keyValue(bytesOf(field), 0));
    else if (field.number === 4) scope.droppedAttributesCount = countOf(field);
  }
  return scope;
}

function spanOf(bytes: Uint8Array): Span {
  const span: MutableSpan = {
    traceId: empty,
    spanId: empty,
    parentSpanId: empty,
    traceState: '',
    name: '',
    kind: 0,
    startNanos: 0n,
    endNanos: 0n,
    attributes: [],
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    status: { code: 0, message: '' },
  };
  for (const field of wireFields(bytes)) readSpanField(span, field);
  return span;
}

type MutableSpan = { -readonly [Member in keyof Span]: Span[Member] extends readonly (infer Item)[] ? Item[] : Span[Member] };

function readSpanField(span: MutableSpan, field: WireField): void {
  switch (field.number) {
    case 1:
      span.traceId = copied(bytesOf(field));
      break;
    case 2:
      span.spanId = copied(bytesOf(field));
      break;
    case 3:
      span.traceState = textOf(field);
      break;
    case 4:
      span.parentSpanId = copied(bytesOf(field));
      break;
    case 5:
      span.name = textOf(field);
      break;
    case 6:
      span.kind = enumOf(field);
      break;
    case 7:
      span.startNanos = fixedOf(field).getBigUint64(0, true);
      break;
    case 8:
      span.endNanos = fixedOf(field).getBigUint64(0, true);
      break;
    case 9:
      span.attributes.push(keyValue(bytesOf(field), 0));
      break;
    case 10:
      span.droppedAttributesCount = countOf(field);
      break;
    case 11:
      span.events.push(eventOf(bytesOf(field)));
      break;
    case 12:
      span.droppedEventsCount = countOf(field);
      break;
    case 13:
      span.links.push(link(bytesOf(field)));
      break;
    case 14:
      span.droppedLinksCount = countOf(field);
      break;
    case 15:
      span.status = statusOf(bytesOf(field));
      break;
  }
}

/** Ids outlive the message. */
function copied(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(bytes);
}

function statusOf(bytes: Uint8Array): Status {
  const status = { code: 0, message: '' };
  for (const field of wireFields(bytes)) {
    if (field.number === 2) status.message = textOf(field);
    else if (field.number === 3) status.code = enumOf(field);
  }
  return status;
}

function eventOf(bytes: Uint8Array): SpanEvent {
  const event = { timeNanos: 0n, name: '', attributes: [] as KeyValue[], droppedAttributesCount: 0 };
  for (const field of wireFields(bytes)) {
    if (field.number === 1) event.timeNanos = fixedOf(field).getBigUint64(0, true);
    else if (field.number === 2) event.name = textOf(field);
    else if (field.number === 3) event.attributes.push(keyValue(bytesOf(field), 0));
    else if (field.number === 4) event.droppedAttributesCount = countOf(field);
  }
  return event;
}

function link(bytes: Uint8Array): SpanLink {
  const result = { traceId: empty, spanId: empty, traceState: '', attributes: [] as KeyValue[], droppedAttributesCount: 0 };
  for (const field of wireFields(bytes)) {
    if (field.number === 1) result.traceId = copied(bytesOf(field));
    else if (field.number === 2) result.spanId = copied(bytesOf(field));
    else if (field.number === 3) result.traceState = textOf(field);
    else if (field.number === 4) result.attributes.push(keyValue(bytesOf(field), 0));
    else if (field.number === 5) result.droppedAttributesCount = countOf(field);
  }
  return result;
}

function keyValue(bytes: Uint8Array, depth: number): KeyValue {
  let key = '';
  let value = noValue;
  for (const field of wireFields(bytes)) {
    if (field.number === 1) key = textOf(field);
    else if (field.number === 2) value = anyValue(bytesOf(field), depth);
  }
  return { key, value };
}

function anyValue(bytes: Uint8Array, depth: number): AnyValue {
  if (depth > maxValueDepth) throw new AppError('internal', `not a protobuf trace: a value is nested deeper than ${maxValueDepth}`);
  let value = noValue;
  for (const field of wireFields(bytes)) value = oneOf(field, depth) ?? value;
  return value;
}

function oneOf(field: WireField, depth: number): AnyValue | undefined {
  switch (field.number) {
    case 1:
      return { type: 'string', value: textOf(field) };
    case 2:
      return { type: 'boolean', value: varintOf(field) !== 0n };
    case 3:
      return { type: 'int', value: BigInt.asIntN(64, varintOf(field)) };
    case 4:
      return { type: 'double', value: fixedOf(field).getFloat64(0, true) };
    case 5:
      return { type: 'array', values: messages(bytesOf(field), 1).map((one) => anyValue(one, depth + 1)) };
    case 6:
      return { type: 'map', values: messages(bytesOf(field), 1).map((one) => keyValue(one, depth + 1)) };
    case 7:
      return { type: 'bytes', value: copied(bytesOf(field)) };
    default:
      return undefined;
  }
}

import type { AnyValue, InstrumentationScope, KeyValue, ResourceSpans, ScopeSpans, Span, SpanEvent, SpanLink, Trace } from './otlp.ts';
import {
  putBytesField,
  putDoubleField,
  putFixed64Field,
  putLongVarint,
  putMessage,
  putTag,
  putTextField,
  putVarint,
  type ReverseWriter,
  reverseWriter,
  written,
} from './reverse-writer.ts';

/**
 * A trace as protobuf `tempopb.Trace`, which is OTLP's TracesData (spec http-api §8). `resource`, `scope` and `status` are there also when they are empty:
 * Grafana reads them unasked (spec grafana §2.2).
 */
export function encodeTraceProtobuf(trace: Trace): Uint8Array {
  const writer = reverseWriter();
  eachBackwards(trace.resourceSpans, (one) => putMessage(writer, 1, () => putResourceSpans(writer, one)));
  return written(writer);
}

// Members are written last first: read each function from its end.

function eachBackwards<Item>(items: readonly Item[], put: (item: Item) => void): void {
  for (let i = items.length - 1; i >= 0; i--) put(items[i]!);
}

function putResourceSpans(writer: ReverseWriter, { resource, scopeSpans }: ResourceSpans): void {
  eachBackwards(scopeSpans, (one) => putMessage(writer, 2, () => putScopeSpans(writer, one)));
  putMessage(writer, 1, () => {
    putCount(writer, 2, resource.droppedAttributesCount);
    putAttributes(writer, 1, resource.attributes);
  });
}

function putScopeSpans(writer: ReverseWriter, { scope, spans }: ScopeSpans): void {
  eachBackwards(spans, (span) => putMessage(writer, 2, () => putSpan(writer, span)));
  putMessage(writer, 1, () => putScope(writer, scope));
}

function putScope(writer: ReverseWriter, scope: InstrumentationScope): void {
  putCount(writer, 4, scope.droppedAttributesCount);
  putAttributes(writer, 3, scope.attributes);
  putText(writer, 2, scope.version);
  putText(writer, 1, scope.name);
}

function putSpan(writer: ReverseWriter, span: Span): void {
  putMessage(writer, 15, () => {
    putCount(writer, 3, span.status.code);
    putText(writer, 2, span.status.message);
  });
  putCount(writer, 14, span.droppedLinksCount);
  eachBackwards(span.links, (link) => putMessage(writer, 13, () => putLink(writer, link)));
  putCount(writer, 12, span.droppedEventsCount);
  eachBackwards(span.events, (event) => putMessage(writer, 11, () => putEvent(writer, event)));
  putCount(writer, 10, span.droppedAttributesCount);
  putAttributes(writer, 9, span.attributes);
  putTime(writer, 8, span.endNanos);
  putTime(writer, 7, span.startNanos);
  putCount(writer, 6, span.kind);
  putText(writer, 5, span.name);
  putBytes(writer, 4, span.parentSpanId);
  putText(writer, 3, span.traceState);
  putBytes(writer, 2, span.spanId);
  putBytes(writer, 1, span.traceId);
}

function putEvent(writer: ReverseWriter, event: SpanEvent): void {
  putCount(writer, 4, event.droppedAttributesCount);
  putAttributes(writer, 3, event.attributes);
  putText(writer, 2, event.name);
  putTime(writer, 1, event.timeNanos);
}

function putLink(writer: ReverseWriter, link: SpanLink): void {
  putCount(writer, 5, link.droppedAttributesCount);
  putAttributes(writer, 4, link.attributes);
  putText(writer, 3, link.traceState);
  putBytes(writer, 2, link.spanId);
  putBytes(writer, 1, link.traceId);
}

function putAttributes(writer: ReverseWriter, field: number, attributes: readonly KeyValue[]): void {
  for (let i = attributes.length - 1; i >= 0; i--) putMessage(writer, field, () => putKeyValue(writer, attributes[i]!));
}

function putKeyValue(writer: ReverseWriter, { key, value }: KeyValue): void {
  putMessage(writer, 2, () => putAnyValue(writer, value));
  putText(writer, 1, key);
}

/** Members of a oneof are written whatever they hold. */
function putAnyValue(writer: ReverseWriter, value: AnyValue): void {
  switch (value.type) {
    case 'none':
      break;
    case 'string':
      putTextField(writer, 1, value.value);
      break;
    case 'boolean':
      putVarint(writer, value.value ? 1 : 0);
      putTag(writer, 2, 0);
      break;
    case 'int':
      putLongVarint(writer, value.value);
      putTag(writer, 3, 0);
      break;
    case 'double':
      putDoubleField(writer, 4, value.value);
      break;
    case 'array':
      putMessage(writer, 5, () => eachBackwards(value.values, (one) => putMessage(writer, 1, () => putAnyValue(writer, one))));
      break;
    case 'map':
      putMessage(writer, 6, () => eachBackwards(value.values, (one) => putMessage(writer, 1, () => putKeyValue(writer, one))));
      break;
    case 'bytes':
      putBytesField(writer, 7, value.value);
      break;
  }
}

function putText(writer: ReverseWriter, field: number, text: string): void {
  if (text !== '') putTextField(writer, field, text);
}

function putBytes(writer: ReverseWriter, field: number, bytes: Uint8Array): void {
  if (bytes.length > 0) putBytesField(writer, field, bytes);
}

function putTime(writer: ReverseWriter, field: number, nanos: bigint): void {
  if (nanos !== 0n) putFixed64Field(writer, field, nanos);
}

/** Counts and enums. An enum may be negative in a hand-made block. */
function putCount(writer: ReverseWriter, field: number, value: number): void {
  if (value === 0) return;
  putLongVarint(writer, BigInt(value));
  putTag(writer, field, 0);
}

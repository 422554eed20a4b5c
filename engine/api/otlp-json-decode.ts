import {
  type InstrumentationScope,
  type KeyValue,
  noValue,
  type ResourceSpans,
  type ScopeSpans,
  type Span,
  type SpanEvent,
  type SpanLink,
  type Trace,
} from './otlp.ts';
import { anyValueFromJson, kindNames, statusCodeNames } from './otlp-json.ts';

/** A trace from the proto3 JSON of its `resourceSpans` (`batches` in v1): the opposite of `resourceSpansJson`. Unknown members are left out. */
export function traceFromJson(resourceSpans: unknown): Trace {
  return { resourceSpans: objects(resourceSpans).map(resourceSpansOf) };
}

type Json = Readonly<Record<string, unknown>>;

function object(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}

function objects(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.map(object) : [];
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const count = (value: unknown): number => Number(value ?? 0);
const nanos = (value: unknown): bigint => BigInt((value ?? 0) as string | number);
const bytes = (value: unknown): Uint8Array => Uint8Array.from(Buffer.from(text(value), 'base64'));

function enumNumber(value: unknown, names: readonly string[]): number {
  if (typeof value === 'number') return value;
  return Math.max(0, names.indexOf(text(value)));
}

function attributes(value: unknown): readonly KeyValue[] {
  return objects(value).map((one) => ({
    key: text(one.key),
    value: one.value === undefined || one.value === null ? noValue : anyValueFromJson(one.value),
  }));
}

function resourceSpansOf(json: Json): ResourceSpans {
  const resource = object(json.resource);
  return {
    resource: { attributes: attributes(resource.attributes), droppedAttributesCount: count(resource.droppedAttributesCount) },
    scopeSpans: objects(json.scopeSpans).map(
      ({ scope, spans }): ScopeSpans => ({ scope: scopeOf(object(scope)), spans: objects(spans).map(spanOf) }),
    ),
  };
}

function scopeOf(json: Json): InstrumentationScope {
  return {
    name: text(json.name),
    version: text(json.version),
    attributes: attributes(json.attributes),
    droppedAttributesCount: count(json.droppedAttributesCount),
  };
}

function spanOf(json: Json): Span {
  const status = object(json.status);
  return {
    traceId: bytes(json.traceId),
    spanId: bytes(json.spanId),
    parentSpanId: bytes(json.parentSpanId),
    traceState: text(json.traceState),
    name: text(json.name),
    kind: enumNumber(json.kind, kindNames),
    startNanos: nanos(json.startTimeUnixNano),
    endNanos: nanos(json.endTimeUnixNano),
    attributes: attributes(json.attributes),
    droppedAttributesCount: count(json.droppedAttributesCount),
    events: objects(json.events).map(eventOf),
    droppedEventsCount: count(json.droppedEventsCount),
    links: objects(json.links).map(linkOf),
    droppedLinksCount: count(json.droppedLinksCount),
    status: { code: enumNumber(status.code, statusCodeNames), message: text(status.message) },
  };
}

function eventOf(json: Json): SpanEvent {
  return {
    timeNanos: nanos(json.timeUnixNano),
    name: text(json.name),
    attributes: attributes(json.attributes),
    droppedAttributesCount: count(json.droppedAttributesCount),
  };
}

function linkOf(json: Json): SpanLink {
  return {
    traceId: bytes(json.traceId),
    spanId: bytes(json.spanId),
    traceState: text(json.traceState),
    attributes: attributes(json.attributes),
    droppedAttributesCount: count(json.droppedAttributesCount),
  };
}

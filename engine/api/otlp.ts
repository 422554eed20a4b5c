/**
 * A trace as OTLP has it (opentelemetry-proto trace/v1, common/v1), without what blocks do not keep: schema URLs and flags (spec http-api §3.1).
 * Ids are raw bytes, times nanoseconds since the epoch as unsigned 64-bit numbers.
 */
export interface Trace {
  readonly resourceSpans: readonly ResourceSpans[];
}

/** The spans of one resource. */
export interface ResourceSpans {
  readonly resource: Resource;
  readonly scopeSpans: readonly ScopeSpans[];
}

/** What made the spans. */
export interface Resource {
  readonly attributes: readonly KeyValue[];
  readonly droppedAttributesCount: number;
}

/** The spans of one instrumentation scope. */
export interface ScopeSpans {
  readonly scope: InstrumentationScope;
  readonly spans: readonly Span[];
}

/** A library that makes spans. */
export interface InstrumentationScope {
  readonly name: string;
  readonly version: string;
  readonly attributes: readonly KeyValue[];
  readonly droppedAttributesCount: number;
}

/** One span. */
export interface Span {
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
  /** Empty for a root. */
  readonly parentSpanId: Uint8Array;
  readonly traceState: string;
  readonly name: string;
  /** 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  readonly startNanos: bigint;
  readonly endNanos: bigint;
  readonly attributes: readonly KeyValue[];
  readonly droppedAttributesCount: number;
  readonly events: readonly SpanEvent[];
  readonly droppedEventsCount: number;
  readonly links: readonly SpanLink[];
  readonly droppedLinksCount: number;
  readonly status: Status;
}

/** `code`: 0 unset, 1 ok, 2 error. */
export interface Status {
  readonly code: number;
  readonly message: string;
}

/** Something that happened during a span. */
export interface SpanEvent {
  readonly timeNanos: bigint;
  readonly name: string;
  readonly attributes: readonly KeyValue[];
  readonly droppedAttributesCount: number;
}

/** A reference to another span. */
export interface SpanLink {
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
  readonly traceState: string;
  readonly attributes: readonly KeyValue[];
  readonly droppedAttributesCount: number;
}

/** An attribute. */
export interface KeyValue {
  readonly key: string;
  readonly value: AnyValue;
}

/** An attribute's value; `none` is one that is not set. `int` is a signed 64-bit number. */
export type AnyValue =
  | { readonly type: 'none' }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'int'; readonly value: bigint }
  | { readonly type: 'double'; readonly value: number }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'array'; readonly values: readonly AnyValue[] }
  | { readonly type: 'map'; readonly values: readonly KeyValue[] }
  | { readonly type: 'bytes'; readonly value: Uint8Array };

/** A value that is not set. */
export const noValue: AnyValue = { type: 'none' };
/** How deep values may be nested in what is read: deeper ones are an error instead of a stack overflow. */
export const maxValueDepth = 100;

/** Spans of a trace. */
export function spanCount(trace: Trace): number {
  let count = 0;
  for (const { scopeSpans } of trace.resourceSpans) for (const { spans } of scopeSpans) count += spans.length;
  return count;
}

/** Traces as OTLP has them, as plain objects: what the writer of blocks takes. */

/** A value of an attribute. `empty` is an AnyValue without a value. */
export type OtlpValue =
  | { readonly kind: 'string'; readonly value: string }
  /** Signed 64-bit. */
  | { readonly kind: 'int'; readonly value: bigint }
  | { readonly kind: 'double'; readonly value: number }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'bytes'; readonly value: Uint8Array }
  | { readonly kind: 'array'; readonly values: readonly OtlpValue[] }
  | { readonly kind: 'kvlist'; readonly values: readonly OtlpAttribute[] }
  | { readonly kind: 'empty' };

/** A key with its value. */
export interface OtlpAttribute {
  readonly key: string;
  readonly value: OtlpValue;
}

/** Something that happened during a span. */
export interface OtlpEvent {
  /** Nanoseconds since the epoch. */
  readonly timeNanos: bigint;
  readonly name: string;
  readonly attributes: readonly OtlpAttribute[];
}

/** A reference to another span. */
export interface OtlpLink {
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
  readonly traceState: string;
  readonly attributes: readonly OtlpAttribute[];
}

/** A span. Ids as they were received, times in nanoseconds since the epoch, `kind` 0 to 5 and `statusCode` 0 to 2 as OTLP numbers them. */
export interface OtlpSpan {
  readonly spanId: Uint8Array;
  /** Empty for a root. */
  readonly parentSpanId: Uint8Array;
  readonly name: string;
  readonly kind: number;
  readonly startNanos: bigint;
  readonly endNanos: bigint;
  readonly statusCode: number;
  readonly statusMessage: string;
  readonly traceState: string;
  readonly attributes: readonly OtlpAttribute[];
  readonly events: readonly OtlpEvent[];
  readonly links: readonly OtlpLink[];
}

/** Spans of one instrumentation scope. */
export interface OtlpScope {
  readonly name: string;
  readonly version: string;
  readonly attributes: readonly OtlpAttribute[];
  readonly spans: readonly OtlpSpan[];
}

/** Spans of one resource. */
export interface OtlpResource {
  readonly attributes: readonly OtlpAttribute[];
  readonly scopes: readonly OtlpScope[];
}

/** A trace, or the part of one that belongs into one block. */
export interface OtlpTrace {
  /** At most 16 bytes; shorter ones are padded with zeros in front. */
  readonly traceId: Uint8Array;
  readonly resources: readonly OtlpResource[];
}

/**
 * A trace of a search answer as an object: exactly its proto3 JSON (spec http-api §2.3, §4), whichever format it came in. 64-bit numbers are decimal
 * strings. Only traces that several jobs found, and answers in the other format, are ever turned into objects.
 */
export interface TraceJson {
  readonly traceID?: string;
  readonly rootServiceName?: string;
  readonly rootTraceName?: string;
  readonly startTimeUnixNano?: string | number;
  readonly durationMs?: number;
  /** Repeats `spanSets[0]`. */
  readonly spanSet?: SpansetJson;
  readonly spanSets?: readonly SpansetJson[];
  readonly serviceStats?: Readonly<Record<string, ServiceStatsJson>>;
}

/** Spans and errors of one service in a trace. */
export interface ServiceStatsJson {
  readonly spanCount?: number;
  readonly errorCount?: number;
}

/** A spanset of a trace. */
export interface SpansetJson {
  readonly spans?: readonly SpanJson[];
  readonly matched?: number;
  readonly attributes?: readonly KeyValueJson[];
}

/** A span of a spanset. */
export interface SpanJson {
  readonly spanID?: string;
  readonly name?: string;
  readonly startTimeUnixNano?: string | number;
  readonly durationNanos?: string | number;
  readonly attributes?: readonly KeyValueJson[];
}

/** An OTLP attribute. */
export interface KeyValueJson {
  readonly key?: string;
  readonly value?: AnyValueJson;
}

/** An OTLP value; at most one member. */
export interface AnyValueJson {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: string | number;
  readonly doubleValue?: number | string;
  readonly arrayValue?: { readonly values?: readonly AnyValueJson[] };
  readonly kvlistValue?: { readonly values?: readonly KeyValueJson[] };
  /** Base64. */
  readonly bytesValue?: string;
}

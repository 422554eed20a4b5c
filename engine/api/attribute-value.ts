/**
 * A value of a span, resource or spanset attribute as answers carry it: OTLP's AnyValue without maps and bytes, which blocks do not keep as such
 * (spec traceql §7.3). Durations, statuses, kinds and nil are strings by then. `int` is a signed 64-bit number.
 */
export type AttributeValue = ScalarValue | { readonly type: 'array'; readonly values: readonly ScalarValue[] };

/** An {@link AttributeValue} that is no array. */
export type ScalarValue =
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'int'; readonly value: bigint }
  | { readonly type: 'double'; readonly value: number }
  | { readonly type: 'boolean'; readonly value: boolean };

import fc from 'fast-check';
import type { AnyValue, KeyValue, SpanEvent, SpanLink, Trace } from '#engine/api/otlp.ts';

/** Traces with every field that OTLP has and blocks keep. */

const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.constantFrom('', '"\\\n\u0000', '日本語🚀'),
);
const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
const count = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffffffff }));
const nanos = fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));

/** Any attribute value, nested ones too. */
export const anyValues: fc.Arbitrary<AnyValue> = fc.letrec<{ value: AnyValue; pair: KeyValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constant<AnyValue>({ type: 'none' }),
    text.map((value): AnyValue => ({ type: 'string', value })),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value): AnyValue => ({ type: 'int', value })),
    fc.double().map((value): AnyValue => ({ type: 'double', value })),
    fc.boolean().map((value): AnyValue => ({ type: 'boolean', value })),
    bytes(9).map((value): AnyValue => ({ type: 'bytes', value })),
    fc.array(tie('value'), { maxLength: 3 }).map((values): AnyValue => ({ type: 'array', values })),
    fc.array(tie('pair'), { maxLength: 3 }).map((values): AnyValue => ({ type: 'map', values })),
  ),
  pair: fc.record({ key: text, value: tie('value') }),
})).value;

const attributes = fc.array(fc.record({ key: text, value: anyValues }), { maxLength: 4 });

const events: fc.Arbitrary<SpanEvent> = fc.record({ timeNanos: nanos, name: text, attributes, droppedAttributesCount: count });
const links: fc.Arbitrary<SpanLink> = fc.record({
  traceId: bytes(16),
  spanId: bytes(8),
  traceState: text,
  attributes,
  droppedAttributesCount: count,
});

const spans = fc.record({
  traceId: bytes(16),
  spanId: bytes(8),
  parentSpanId: bytes(8),
  traceState: text,
  name: text,
  kind: fc.integer({ min: 0, max: 7 }),
  startNanos: nanos,
  endNanos: nanos,
  attributes,
  droppedAttributesCount: count,
  events: fc.array(events, { maxLength: 2 }),
  droppedEventsCount: count,
  links: fc.array(links, { maxLength: 2 }),
  droppedLinksCount: count,
  status: fc.record({ code: fc.integer({ min: 0, max: 3 }), message: text }),
});

/** Whole traces. */
export const traces: fc.Arbitrary<Trace> = fc.record({
  resourceSpans: fc.array(
    fc.record({
      resource: fc.record({ attributes, droppedAttributesCount: count }),
      scopeSpans: fc.array(
        fc.record({
          scope: fc.record({ name: text, version: text, attributes, droppedAttributesCount: count }),
          spans: fc.array(spans, { maxLength: 3 }),
        }),
        { maxLength: 2 },
      ),
    }),
    { maxLength: 2 },
  ),
});

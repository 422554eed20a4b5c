// Traces survive protobuf and JSON; what is damaged is an error.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { createTraceMerger, separateSharedIds } from '#engine/api/combine-otlp.ts';
import { spanCount } from '#engine/api/otlp.ts';
import { anyValueJson, parseAnyValue, resourceSpansJson } from '#engine/api/otlp-json.ts';
import { encodeTraceProtobuf } from '#engine/api/otlp-protobuf.ts';
import { decodeTraceProtobuf } from '#engine/api/otlp-protobuf-decode.ts';
import { AppError } from '#engine/base/errors.ts';
import { anyValues, traces } from './otlp-model.ts';

test('a trace comes back from protobuf as it was', () => {
  fc.assert(
    fc.property(traces, (trace) => assert.deepEqual(decodeTraceProtobuf(encodeTraceProtobuf(trace)), structuredClone(trace))),
    { numRuns: 300 },
  );
});

test('a value comes back from JSON as it was', () => {
  const normal = (json: string) => anyValueJson(parseAnyValue(json));
  fc.assert(
    fc.property(anyValues, (value) => {
      const json = anyValueJson(value);
      JSON.parse(json);
      assert.equal(normal(json), json);
    }),
    { numRuns: 500 },
  );
});

test('JSON has the fields of proto3: 64-bit numbers as text, ids in base64, empty objects where a client reads unasked', () => {
  fc.assert(
    fc.property(traces, (trace) => {
      const list = JSON.parse(resourceSpansJson(trace.resourceSpans)) as readonly {
        readonly resource: object;
        readonly scopeSpans?: readonly { readonly scope: object; readonly spans?: readonly Record<string, unknown>[] }[];
      }[];
      assert.equal(list.length, trace.resourceSpans.length);
      for (const [i, { resource, scopeSpans = [] }] of list.entries()) {
        assert.equal(typeof resource, 'object');
        for (const [j, { scope, spans = [] }] of scopeSpans.entries()) {
          assert.equal(typeof scope, 'object');
          for (const [k, span] of spans.entries()) {
            const expected = trace.resourceSpans[i]!.scopeSpans[j]!.spans[k]!;
            assert.equal(typeof span.status, 'object');
            assert.equal(BigInt((span.startTimeUnixNano as string) ?? 0), expected.startNanos);
            assert.deepEqual(Buffer.from((span.spanId as string) ?? '', 'base64'), Buffer.from(expected.spanId));
            assert.equal(span.name ?? '', expected.name.toWellFormed());
          }
        }
      }
    }),
  );
});

test('damaged protobuf is an error or another trace, never anything else', () => {
  fc.assert(
    fc.property(traces, fc.nat(), fc.integer({ min: 0, max: 255 }), (trace, place, byte) => {
      const bytes = Uint8Array.from(encodeTraceProtobuf(trace));
      if (bytes.length === 0) return;
      bytes[place % bytes.length] = byte;
      try {
        decodeTraceProtobuf(bytes);
      } catch (thrown) {
        assert.ok(thrown instanceof AppError && thrown.code === 'internal', String(thrown));
      }
    }),
    { numRuns: 500 },
  );
});

test('what a real Tempo wrote is written again byte by byte', () => {
  const zipped = readFileSync(new URL('../../fixtures/cases/trace-by-id.json.gz', import.meta.url));
  const cases = JSON.parse(gunzipSync(zipped).toString()) as readonly { id: string; path: string; body: { base64?: string } | string }[];
  let checked = 0;
  for (const { id, path, body } of cases) {
    if (typeof body === 'string' || body.base64 === undefined || !path.startsWith('/api/traces/')) continue;
    const bytes = Buffer.from(body.base64, 'base64');
    const trace = decodeTraceProtobuf(bytes);
    assert.ok(spanCount(trace) > 0);
    assert.deepEqual(Buffer.from(encodeTraceProtobuf(trace)), bytes, id);
    checked++;
  }
  assert.ok(checked >= 5, `${checked} answers`);
});

test('parts of a trace in any number and with any overlap make the whole', () => {
  fc.assert(
    fc.property(
      traces,
      fc.array(fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }), { minLength: 1, maxLength: 4 }),
      (trace, parts) => {
        const merger = createTraceMerger();
        merger.add({ resourceSpans: [] });
        for (const part of [...parts, parts[0]!.map(() => true)]) {
          let index = 0;
          merger.add({
            resourceSpans: trace.resourceSpans.map(({ resource, scopeSpans }) => ({
              resource,
              scopeSpans: scopeSpans.map(({ scope, spans }) => ({ scope, spans: spans.filter(() => part[index++ % 40]) })),
            })),
          });
        }
        const keys = (list: typeof trace) =>
          list.resourceSpans.flatMap(({ scopeSpans }) =>
            scopeSpans.flatMap(({ spans }) => spans.map(({ spanId, kind }) => `${Buffer.from(spanId).toString('hex')} ${kind}`)),
          );
        assert.deepEqual(keys(merger.trace()).sort(), [...new Set(keys(trace))].sort());
      },
    ),
  );
});

test('a server span that shares its id with a client span gets the lowest free one', () => {
  const span = {
    traceId: Buffer.alloc(16, 1),
    traceState: '',
    name: '',
    startNanos: 1n,
    endNanos: 2n,
    attributes: [],
    events: [],
    links: [],
  };
  const counts = { droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0, status: { code: 0, message: '' } };
  const id = (number: number) => Buffer.from([0, 0, 0, 0, 0, 0, 0, number]);
  const make = (spanId: Buffer, parentSpanId: Buffer, kind: number) => ({ ...span, ...counts, spanId, parentSpanId, kind });
  const none = Buffer.alloc(0);
  const resource = { attributes: [], droppedAttributesCount: 0 };
  const scope = { name: '', version: '', attributes: [], droppedAttributesCount: 0 };
  const spans = [make(id(7), none, 3), make(id(7), none, 2), make(id(8), id(7), 1), make(id(1), id(8), 1)];
  const result = separateSharedIds({ resourceSpans: [{ resource, scopeSpans: [{ scope, spans }] }] });
  const ids = result.resourceSpans[0]!.scopeSpans[0]!.spans.map(({ spanId, parentSpanId }) => [...spanId, ...parentSpanId].filter(Boolean));
  assert.deepEqual(ids, [[7], [2, 7], [8, 2], [1, 8]]);
});

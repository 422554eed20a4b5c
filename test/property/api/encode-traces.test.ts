import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { traceBytes, transcode } from '#engine/api/encoded-traces.ts';
import type { AnswerFormat, EncodedTraces } from '#engine/api/search-answer.ts';
import { encodeSearchAnswer } from '#engine/api/search-body.ts';
import { decodeSearchAnswer, noMetrics } from '#engine/api/search-body-decode.ts';
import { encodeTraces } from '#engine/kernels/encode.ts';
import { loadKernels } from '#engine/kernels/load.ts';
import { putTraces, type TraceModel, traceModel } from './trace-model.ts';
import { twinJson, twinProtobuf } from './twin.ts';

const kernels = loadKernels({ maxBytes: 1 << 28 });

function encode(traces: readonly TraceModel[], format: AnswerFormat, leftPadTraceIds = false): EncodedTraces {
  const mark = kernels.mark();
  try {
    return encodeTraces(kernels, putTraces(kernels, traces, format), format, { leftPadTraceIds });
  } finally {
    kernels.release(mark);
  }
}

test('the JSON encoder writes what its twin writes', () => {
  fc.assert(
    fc.property(fc.array(traceModel, { maxLength: 5 }), fc.boolean(), (traces, leftPad) => {
      const encoded = encode(traces, 'json', leftPad);
      const texts = traces.map((_, index) => Buffer.from(traceBytes(encoded, index)).toString());
      assert.deepEqual(
        texts,
        traces.map((trace) => twinJson(trace, leftPad)),
      );
      for (const text of texts) JSON.parse(text);
      assert.deepEqual(
        [...encoded.startNanos],
        traces.map((trace) => trace.startNanos),
      );
      assert.deepEqual(Buffer.from(encoded.traceIds), Buffer.concat(traces.map((trace) => trace.id)));
    }),
    { numRuns: 400 },
  );
});

test('the protobuf encoder writes what its twin writes', () => {
  fc.assert(
    fc.property(fc.array(traceModel, { maxLength: 5 }), fc.boolean(), (traces, leftPad) => {
      const encoded = encode(traces, 'protobuf', leftPad);
      for (const [index, trace] of traces.entries()) {
        assert.deepEqual(Buffer.from(traceBytes(encoded, index)), Buffer.from(twinProtobuf(trace, leftPad)));
      }
    }),
    { numRuns: 400 },
  );
});

test('answers larger than a chunk, and traces larger than a chunk, are encoded whole', () => {
  const [small, other] = fc.sample(traceModel, { numRuns: 2, seed: 7 }) as [TraceModel, TraceModel];
  const value = { type: 'string', value: 'x'.repeat(1000) } as const;
  const span = { id: new Uint8Array(8), startNanos: 1n, durationNanos: 1n, name: 'n', attributes: [{ key: 'k', value }] };
  const large: TraceModel = { ...small, spansets: [{ matched: 600, spans: Array.from({ length: 600 }, () => span), attributes: [] }] };
  const traces = [...Array.from({ length: 2000 }, (_, index) => (index % 2 === 0 ? small : other)), large, small];
  for (const format of ['json', 'protobuf'] as const) {
    const twin = (trace: TraceModel) => (format === 'json' ? Buffer.from(twinJson(trace, false)) : Buffer.from(twinProtobuf(trace, false)));
    const encoded = encode(traces, format);
    assert.equal(encoded.offsets.length, traces.length + 1);
    assert.equal(encoded.offsets[traces.length], encoded.bytes.length);
    for (const index of [0, 1, 1999, 2000, 2001]) assert.deepEqual(Buffer.from(traceBytes(encoded, index)), twin(traces[index]!));
  }
});

test('a body that was written is read back, in both formats', () => {
  fc.assert(
    fc.property(fc.array(traceModel, { maxLength: 4 }), fc.constantFrom('json' as const, 'protobuf' as const), (traces, format) => {
      const encoded = encode(traces, format);
      const metrics = { ...noMetrics, inspectedBytes: 2 ** 40, inspectedTraces: 7 };
      const { body } = encodeSearchAnswer({ traces: encoded, metrics }, { emptyTraces: false, rootPlaceholder: false });
      const answer = decodeSearchAnswer(body, format, { strict: true });
      assert.deepEqual(answer.metrics, metrics);
      assert.deepEqual([...answer.traces.offsets], [...encoded.offsets]);
      assert.deepEqual(Buffer.from(answer.traces.bytes), Buffer.from(encoded.bytes));
      assert.deepEqual(Buffer.from(answer.traces.traceIds), Buffer.from(encoded.traceIds));
      assert.deepEqual(answer.traces.startNanos, encoded.startNanos);
    }),
    { numRuns: 200 },
  );
});

test('transcoding gives the other encoder’s traces', () => {
  fc.assert(
    fc.property(fc.array(traceModel, { maxLength: 3 }), (traces) => {
      const parsed = ({ count }: EncodedTraces, from: EncodedTraces) =>
        Array.from({ length: count }, (_, index) => JSON.parse(Buffer.from(traceBytes(from, index)).toString()));
      const [json, protobuf] = [encode(traces, 'json'), encode(traces, 'protobuf')];
      const toJson = transcode(protobuf, 'json');
      // -0 has no spelling of its own in JSON.stringify.
      const zero = (value: unknown) => JSON.parse(JSON.stringify(value).replaceAll(':-0}', ':0}'));
      assert.deepEqual(zero(parsed(toJson, toJson)), zero(parsed(json, json)));
      const back = transcode(toJson, 'protobuf');
      assert.deepEqual(zero(parsed(back, transcode(back, 'json'))), zero(parsed(json, json)));
    }),
    { numRuns: 200 },
  );
});

test('another protobuf implementation reads the messages as the same JSON', () => {
  const traces = fc.sample(traceModel, { numRuns: 200, seed: 42 });
  const options = { emptyTraces: false, rootPlaceholder: false };
  const { body } = encodeSearchAnswer({ traces: encode(traces, 'protobuf'), metrics: { ...noMetrics, inspectedBytes: 9 } }, options);
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const schema = `${root}engine/api/proto/search.proto`;
  const converted = execFileSync(
    `${root}node_modules/.bin/buf`,
    ['convert', schema, '--type', 'tempopb.SearchResponse', '--from', '-#format=binpb', '--to', '-#format=json'],
    { input: body, maxBuffer: 1 << 28 },
  );
  const normal = (text: string) => JSON.parse(text.replaceAll(':-0}', ':0}'));
  const own = encodeSearchAnswer({ traces: encode(traces, 'json'), metrics: { ...noMetrics, inspectedBytes: 9 } }, options);
  assert.deepEqual(normal(converted.toString()), normal(Buffer.from(own.body).toString()));
});

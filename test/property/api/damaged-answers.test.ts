import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AnswerFormat } from '#engine/api/search-answer.ts';
import { encodeSearchAnswer } from '#engine/api/search-body.ts';
import { decodeSearchAnswer, noMetrics } from '#engine/api/search-body-decode.ts';
import { createSearchCombiner } from '#engine/api/search-combiner.ts';
import { AppError } from '#engine/base/errors.ts';
import { traceModel } from './trace-model.ts';
import { twinJson, twinProtobuf } from './twin.ts';

const options = { emptyTraces: true, rootPlaceholder: true };

/** Everything a frontend does with an answer. */
function useAnswer(body: Uint8Array, format: AnswerFormat): void {
  for (const wanted of ['json', 'protobuf'] as const) {
    const combiner = createSearchCombiner({ limit: 3, mostRecent: true, format: wanted });
    const answer = decodeSearchAnswer(body, format);
    combiner.add(answer);
    combiner.add(answer);
    encodeSearchAnswer(combiner.result(), options);
  }
}

const damage = fc.array(fc.tuple(fc.nat(), fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('{}[]",:\\0n')))), { maxLength: 4 });

function damaged(body: Uint8Array, changes: readonly (readonly [number, number])[], length: number): Uint8Array {
  const copy = Uint8Array.from(body);
  for (const [at, byte] of changes) copy[at % copy.length] = byte;
  return copy.subarray(0, length % 3 === 0 ? length % (copy.length + 1) : copy.length);
}

for (const format of ['json', 'protobuf'] as const) {
  test(`a damaged ${format} answer is an error or an answer, never a crash`, () => {
    fc.assert(
      fc.property(fc.array(traceModel, { minLength: 1, maxLength: 2 }), damage, fc.nat(), (traces, changes, length) => {
        const body =
          format === 'json'
            ? Buffer.from(`{"traces":[${traces.map((trace) => twinJson(trace, false)).join(',')}],"metrics":{"inspectedBytes":"7"}}`)
            : Buffer.concat(traces.flatMap((trace) => protobufTrace(twinProtobuf(trace, false))));
        try {
          useAnswer(damaged(body, changes, length), format);
        } catch (thrown) {
          assert.ok(thrown instanceof AppError && thrown.code === 'internal', String((thrown as Error).stack));
        }
      }),
      { numRuns: 1500 },
    );
  });
}

function protobufTrace(trace: Uint8Array): Uint8Array[] {
  const lengths: number[] = [];
  let rest = trace.length;
  for (; rest >= 0x80; rest >>= 7) lengths.push((rest & 0x7f) | 0x80);
  return [Uint8Array.from([0x0a, ...lengths, rest]), trace];
}

test('undamaged answers go through', () => {
  const traces = fc.sample(traceModel, 20);
  const body = Buffer.from(`{"traces":[${traces.map((trace) => twinJson(trace, false)).join(',')}]}`);
  useAnswer(body, 'json');
  assert.deepEqual(decodeSearchAnswer(body, 'json').metrics, noMetrics);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collectTraces, decodeTrace, encodeTrace, parseTraceId, traceBytes } from '#engine/api/encoded-traces.ts';
import { padTraceIds } from '#engine/api/pad-trace-ids.ts';

const whole = 'a0000000000000000000000000000001';
const trace = (traceID: string) => ({ traceID, rootServiceName: 'shop', startTimeUnixNano: '5', durationMs: 7 });

for (const format of ['json', 'protobuf'] as const) {
  test(`ids get their leading zeros, the rest stays: ${format}`, () => {
    const ids = ['abc', whole, '1'];
    const collector = collectTraces(format, 4096);
    for (const id of ids) collector.add(encodeTrace(trace(id), format), parseTraceId(id), 5n);
    const given = collector.finish();
    const result = padTraceIds(given);
    assert.deepEqual([result.count, [...result.startNanos]], [3, [5n, 5n, 5n]]);
    assert.deepEqual(result.traceIds, given.traceIds);
    for (const [index, id] of ids.entries()) {
      const before = decodeTrace(traceBytes(given, index), format);
      assert.deepEqual(decodeTrace(traceBytes(result, index), format), { ...before, traceID: id.padStart(32, '0') });
    }
  });
}

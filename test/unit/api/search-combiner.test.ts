import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collectTraces, decodeTrace, encodeTrace, parseTraceId, traceBytes } from '#engine/api/encoded-traces.ts';
import { mergeTraces } from '#engine/api/merge-traces.ts';
import type { AnswerFormat, SearchAnswer } from '#engine/api/search-answer.ts';
import { noMetrics } from '#engine/api/search-body-decode.ts';
import { createSearchCombiner, takeLimit } from '#engine/api/search-combiner.ts';
import type { TraceJson } from '#engine/api/trace-json.ts';

function answer(traces: readonly TraceJson[], format: AnswerFormat = 'json'): SearchAnswer {
  const pieces = traces.map((trace) => encodeTrace(trace, format));
  const collector = collectTraces(format, Buffer.concat(pieces).length);
  for (const [index, piece] of pieces.entries()) {
    collector.add(piece, parseTraceId(traces[index]!.traceID!), BigInt(traces[index]!.startTimeUnixNano ?? 0));
  }
  return {
    traces: collector.finish(),
    metrics: { ...noMetrics, inspectedBytes: 10, inspectedTraces: 2, inspectedSpans: 3, totalJobs: 99 },
  };
}

function shown({ traces }: SearchAnswer): TraceJson[] {
  return Array.from({ length: traces.count }, (_, index) => decodeTrace(traceBytes(traces, index), traces.format));
}

const ids = (result: SearchAnswer) => shown(result).map((trace) => trace.traceID);
const trace = (traceID: string, start: number): TraceJson => ({ traceID, startTimeUnixNano: `${start}` });

test('the same trace of several jobs is merged field by field', () => {
  const by = (value: string, matched: number, spanID: string) => ({
    spans: [{ spanID }],
    matched,
    attributes: [{ key: 'by(name)', value: { stringValue: value } }],
  });
  const merged = mergeTraces([
    {
      traceID: 'a',
      rootServiceName: '<root span not yet received>',
      startTimeUnixNano: '50',
      durationMs: 5,
      spanSets: [by('x', 2, '1'), by('y', 1, '2')],
      serviceStats: { shop: { spanCount: 4, errorCount: 1 }, one: { spanCount: 1 } },
    },
    {
      traceID: 'a',
      rootServiceName: 'shop',
      rootTraceName: 'GET',
      startTimeUnixNano: '40',
      durationMs: 9,
      spanSets: [by('y', 3, '3'), by('x', 2, '4'), by('z', 1, '5')],
      serviceStats: { shop: { spanCount: 3, errorCount: 2 }, two: {} },
    },
    { traceID: 'a', rootServiceName: 'late', rootTraceName: 'POST' },
  ]);
  const spanSets = [by('x', 2, '1'), by('y', 3, '3'), by('z', 1, '5')];
  assert.deepEqual(merged, {
    traceID: 'a',
    rootServiceName: 'shop',
    rootTraceName: 'GET',
    startTimeUnixNano: '40',
    durationMs: 9,
    spanSet: spanSets[0],
    spanSets,
    serviceStats: { shop: { spanCount: 4, errorCount: 2 }, one: { spanCount: 1 }, two: {} },
  });
});

test('spansets without groups are the same spanset', () => {
  const spanset = (matched: number) => ({ matched, attributes: [{ key: 'count()', value: { intValue: `${matched}` } }] });
  const merged = mergeTraces([
    { traceID: 'a', spanSets: [spanset(1)] },
    { traceID: 'a', spanSets: [spanset(7)] },
  ]);
  assert.deepEqual(merged.spanSets, [spanset(7)]);
});

test('the first distinct traces are kept up to the limit', () => {
  const combiner = createSearchCombiner({ limit: 2, mostRecent: false, format: 'json' });
  combiner.add(answer([trace('1', 10)]));
  assert.deepEqual([combiner.count(), combiner.done()], [1, false]);
  combiner.add(answer([trace('1', 5), trace('2', 20), trace('3', 30)]));
  assert.deepEqual([combiner.count(), combiner.done()], [2, true]);
  const result = combiner.result();
  assert.deepEqual(shown(result), [trace('2', 20), trace('1', 5)]);
  assert.deepEqual([...result.traces.startNanos], [20n, 5n]);
  assert.deepEqual(result.metrics, { ...noMetrics, inspectedBytes: 20, inspectedTraces: 4, inspectedSpans: 6, completedJobs: 2 });
});

test('a search for the most recent traces displaces the oldest', () => {
  const combiner = createSearchCombiner({ limit: 2, mostRecent: true, format: 'json' });
  combiner.add(answer([trace('1', 10), trace('2', 20), trace('3', 5)]));
  assert.deepEqual(ids(combiner.result()), ['2', '1']);
  combiner.add(answer([trace('4', 10)]));
  assert.deepEqual(ids(combiner.result()), ['2', '4']);
  combiner.add(answer([trace('2', 3)]));
  combiner.add(answer([trace('5', 8)]));
  assert.deepEqual(ids(combiner.result()), ['4', '5']);
  assert.deepEqual([combiner.done(), combiner.done(8n), combiner.done(7n)], [false, false, true]);
});

test('many traces in any order leave the newest ones', () => {
  const combiner = createSearchCombiner({ limit: 50, mostRecent: true, format: 'protobuf' });
  const starts = Array.from({ length: 1000 }, (_, index) => ((index * 7919) % 1000) + 1);
  for (let from = 0; from < 1000; from += 100) {
    const part = starts.slice(from, from + 100).map((start) => trace(start.toString(16), start));
    combiner.add(answer(part, from % 200 === 0 ? 'json' : 'protobuf'));
  }
  assert.deepEqual(
    [...combiner.result().traces.startNanos],
    Array.from({ length: 50 }, (_, index) => BigInt(1000 - index)),
  );
});

test('merging is the same in both formats', () => {
  const parts: readonly TraceJson[] = [
    {
      traceID: 'a',
      startTimeUnixNano: '7',
      spanSets: [{ spans: [{ spanID: '01' }], matched: 1 }],
      serviceStats: { '1': { spanCount: 1 } },
    },
    { traceID: 'a', startTimeUnixNano: '6', durationMs: 3, spanSets: [{ spans: [{ spanID: '02' }], matched: 2 }] },
  ];
  const [json, protobuf] = (['json', 'protobuf'] as const).map((format) => {
    const combiner = createSearchCombiner({ limit: 5, mostRecent: false, format });
    for (const part of parts) combiner.add(answer([part], format));
    return shown(combiner.result());
  });
  assert.deepEqual(protobuf, json);
  assert.equal(json![0]!.spanSets![0]!.matched, 2);
});

test('a diff holds what is new or changed', () => {
  const combiner = createSearchCombiner({ limit: 3, mostRecent: false, format: 'json' });
  combiner.add(answer([trace('1', 10), trace('2', 20)]));
  assert.deepEqual(ids(combiner.changes()), ['2', '1']);
  assert.deepEqual(ids(combiner.changes()), []);
  combiner.add(answer([trace('1', 9), trace('3', 1)]));
  assert.deepEqual(shown(combiner.changes()), [trace('1', 9), trace('3', 1)]);
  assert.equal(combiner.result().traces.count, 3);

  const recent = createSearchCombiner({ limit: 3, mostRecent: true, format: 'json' });
  recent.add(answer([trace('1', 10), trace('2', 20)]));
  assert.deepEqual([ids(recent.changes()), ids(recent.changes(15n)), ids(recent.changes(5n))], [[], ['2'], ['1']]);
});

test('the newest traces of one answer', () => {
  const traces = takeLimit(answer([trace('1', 10), trace('2', 20), trace('3', 15)]).traces, 2);
  assert.deepEqual([...traces.startNanos], [20n, 15n]);
});

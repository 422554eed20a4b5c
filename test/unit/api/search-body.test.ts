import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { collectTraces, decodeTrace, encodeTrace, parseTraceId, traceBytes, transcode } from '#engine/api/encoded-traces.ts';
import type { AnswerFormat, EncodedTraces } from '#engine/api/search-answer.ts';
import { encodeSearchAnswer } from '#engine/api/search-body.ts';
import { decodeSearchAnswer, noMetrics } from '#engine/api/search-body-decode.ts';
import type { TraceJson } from '#engine/api/trace-json.ts';

const utf8 = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const recorded = JSON.parse(readFileSync(new URL('../../fixtures/api/search-answer.json', import.meta.url), 'utf8')) as {
  readonly base64: string;
  readonly json: { readonly traces: readonly TraceJson[] };
};
const frontend = { emptyTraces: true, rootPlaceholder: true };
const job = { emptyTraces: false, rootPlaceholder: false };

function encoded(traces: readonly TraceJson[], format: AnswerFormat): EncodedTraces {
  const pieces = traces.map((trace) => encodeTrace(trace, format));
  const collector = collectTraces(
    format,
    pieces.reduce((total, piece) => total + piece.length, 0),
  );
  for (const [index, piece] of pieces.entries()) {
    collector.add(piece, parseTraceId(traces[index]!.traceID ?? ''), BigInt(traces[index]!.startTimeUnixNano ?? 0));
  }
  return collector.finish();
}

test('a recorded protobuf answer of Tempo says what its JSON answer says', () => {
  const body = Buffer.from(recorded.base64, 'base64');
  const answer = decodeSearchAnswer(body, 'protobuf');
  const { traces } = answer;
  const decoded = Array.from({ length: traces.count }, (_, index) => decodeTrace(traceBytes(traces, index), 'protobuf'));
  assert.ok(decoded.length > 1);
  assert.deepEqual(decoded, recorded.json.traces);
  for (const [index, trace] of decoded.entries()) {
    assert.equal(traces.startNanos[index], BigInt(trace.startTimeUnixNano!));
    assert.equal(Buffer.from(traces.traceIds.subarray(16 * index, 16 * index + 16)).toString('hex'), trace.traceID);
  }
  // gogo's encoder writes maps in any order, so only the length of the bytes written again is the same for certain.
  assert.equal(encodeSearchAnswer(answer, job).body.length, body.length);
});

test('a JSON answer is read whatever the order of its members and blanks', () => {
  const body = ` {"metrics" : {"inspectedBytes":"18446744073709551615","inspectedTraces":4, "unknown":[1]} ,\n "traces":[
    {"durationMs":5,"spanSets":[{"spans":[{"name":"}]\\"{[\\\\"}],"x":{}}],"startTimeUnixNano":"1768049723333733910","traceID":"0abc"},
    {"traceID":"1", "startTimeUnixNano": 1768049723333733911} ] } `;
  const { traces, metrics } = decodeSearchAnswer(utf8(body), 'json');
  assert.equal(traces.count, 2);
  assert.deepEqual([...traces.startNanos], [1768049723333733910n, 1768049723333733911n]);
  assert.equal(Buffer.from(traces.traceIds.subarray(0, 16)).toString('hex'), `${'0'.repeat(28)}0abc`);
  assert.equal((JSON.parse(text(traceBytes(traces, 0))) as TraceJson).spanSets![0]!.spans![0]!.name, '}]"{[\\');
  assert.equal(text(traceBytes(traces, 1)), '{"traceID":"1", "startTimeUnixNano": 1768049723333733911}');
  assert.deepEqual([metrics.inspectedTraces, metrics.inspectedBytes], [4, 2 ** 64]);
});

test('answers may be empty', () => {
  for (const body of ['{}', '{"traces":[]}', '{"traces":null,"metrics":null}', '{"metrics":{}}']) {
    const answer = decodeSearchAnswer(utf8(body), 'json', { strict: true });
    assert.deepEqual([answer.traces.count, answer.metrics], [0, noMetrics], body);
  }
  assert.equal(decodeSearchAnswer(new Uint8Array(0), 'protobuf').traces.count, 0);
  const none = { traces: encoded([], 'json'), metrics: noMetrics };
  assert.deepEqual(encodeSearchAnswer(none, frontend), {
    contentType: 'application/json',
    body: Buffer.from('{"traces":[],"metrics":{}}'),
  });
  assert.equal(text(encodeSearchAnswer(none, job).body), '{"metrics":{}}');
});

test('members that SearchResponse does not have are refused where that is asked for', () => {
  const body = utf8('{"traces":[],"x":{"y":1}}');
  assert.equal(decodeSearchAnswer(body, 'json').traces.count, 0);
  assert.throws(() => decodeSearchAnswer(body, 'json', { strict: true }), {
    code: 'internal',
    message: 'unknown field "x" in tempopb.SearchResponse',
  });
});

test('damaged answers are errors', () => {
  const bodies = [
    '',
    '[]',
    '{',
    '{"traces"',
    '{"traces":[{}',
    '{"traces":[{"traceID":"1"}',
    '{"traces":[{"traceID":"1"}]',
    '{"traces":[{"traceID":"1"}]}}',
    '{"traces":[{"traceID":"xyz"}]}',
    '{"traces":[{"traceID":"1"} {"traceID":"2"}]}',
    '{"traces":[{"traceID":"1","spanSets":[}]}]}',
    '{"traces":[{"traceID":"1","rootTraceName":"a}]}',
    '{"traces":[{"traceID":"1","startTimeUnixNano":"x"}]}',
    '{"traces":{"traceID":"1"}}',
    '{"metrics":{"inspectedBytes":-1}}',
    '{"traces":[],}',
    `{"x":${'['.repeat(100)}${']'.repeat(100)}}`,
    '{"traces":[{"traceID":"1","a":"\\',
  ];
  for (const body of bodies) {
    assert.throws(() => decodeSearchAnswer(utf8(body), 'json'), { name: 'AppError', code: 'internal' }, body);
  }
  const message = Buffer.from(recorded.base64, 'base64');
  for (let length = 1; length < message.length; length++) {
    const cut = message.subarray(0, length);
    try {
      // A cut between two fields of the answer leaves a whole message.
      assert.ok(decodeSearchAnswer(cut, 'protobuf').traces.count <= recorded.json.traces.length);
    } catch (thrown) {
      assert.equal((thrown as { code?: string }).code, 'internal');
    }
  }
  for (const bytes of [[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], [0x0b], [0x0a, 5, 0x0a], [0x80]]) {
    assert.throws(() => decodeSearchAnswer(Uint8Array.from(bytes), 'protobuf'), { code: 'internal' });
  }
});

test('frontends show a root service that is missing or empty as not yet received', () => {
  const traces: readonly TraceJson[] = [
    { traceID: '1', rootServiceName: 'shop' },
    { traceID: '2', rootTraceName: 'GET "rootServiceName":"x"' },
    { traceID: '3', rootServiceName: '' },
    { durationMs: 4, traceID: '4', rootServiceName: 'late' },
  ];
  const shown = ['shop', '<root span not yet received>', '<root span not yet received>', 'late'];
  for (const format of ['json', 'protobuf'] as const) {
    const { body } = encodeSearchAnswer({ traces: encoded(traces, format), metrics: noMetrics }, frontend);
    const answer = decodeSearchAnswer(body, format);
    const names = Array.from({ length: 4 }, (_, index) => decodeTrace(traceBytes(answer.traces, index), format).rootServiceName);
    assert.deepEqual(names, shown, format);
    if (format === 'json') assert.match(text(body), /\\u003croot span not yet received\\u003e/);
  }
});

test('every kind of value survives a change of format', () => {
  const trace: TraceJson = {
    traceID: 'a',
    startTimeUnixNano: '18446744073709551615',
    spanSets: [
      {
        matched: 4294967295,
        attributes: [
          { key: 'i', value: { intValue: '-9223372036854775808' } },
          { key: 'd', value: { doubleValue: 'NaN' } },
          { key: 'b', value: { boolValue: false } },
          { value: { stringValue: '' } },
          { key: 'a', value: { arrayValue: { values: [{ doubleValue: -0.5 }, { stringValue: 'x' }] } } },
          { key: 'e', value: { arrayValue: {} } },
          { key: 'm', value: { kvlistValue: { values: [{ key: 'k', value: { intValue: '1' } }] } } },
          { key: 'y', value: { bytesValue: '/wA=' } },
        ],
      },
    ],
    serviceStats: { '': { spanCount: 1 }, shop: {} },
  };
  const there = transcode(encoded([trace], 'json'), 'protobuf');
  const back = transcode(there, 'json');
  assert.deepEqual(JSON.parse(text(back.bytes)), trace);
  assert.equal(transcode(back, 'json'), back);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RecordedCase } from './cases.ts';
import { loadCases } from './cases.ts';
import { compareAnswer } from './compare.ts';
import { searches } from './selection.ts';

const withSpans = searches().find(({ body }) => JSON.stringify(body).includes('stringValue'))!;

function compareText(recorded: RecordedCase, text: string): readonly string[] {
  return compareAnswer(recorded, { status: recorded.status, contentType: recorded.contentType, body: Buffer.from(text) });
}

test('a recorded answer equals itself', () => {
  for (const recorded of [...loadCases('search-traceql').slice(0, 50), ...loadCases('search-errors'), ...loadCases('status')]) {
    const text = typeof recorded.body === 'string' ? recorded.body : JSON.stringify(recorded.body);
    assert.deepEqual(compareText(recorded, text), [], recorded.id);
  }
});

test('what differs is seen', () => {
  const text = JSON.stringify(withSpans.body);
  const spoiled: readonly [RegExp, string][] = [
    [/"spanID":"./, '"spanID":"x'],
    [/"matched":/, '"matched":1'],
    [/"stringValue":"/, '"stringValue":"x'],
    [/"durationNanos":"/, '"durationNanos":"1'],
    [/"rootServiceName":"/, '"rootServiceName":"x'],
    [/"serviceStats":\{"[^"]*":\{"spanCount":/, '$&1'],
    [/"traces":\[\{/, '"traces":[{"traceID":"1"},{'],
  ];
  for (const [pattern, replacement] of spoiled) {
    assert.match(text, pattern);
    assert.notDeepEqual(compareText(withSpans, text.replace(pattern, replacement)), [], String(pattern));
  }
  assert.equal(compareAnswer(withSpans, { status: 500, contentType: 'text/plain', body: Buffer.from('x') }).length, 1);
  assert.equal(compareAnswer(withSpans, { status: 200, contentType: 'text/plain', body: Buffer.from(text) }).length, 1);
});

test('the order of traces, spans and attributes does not matter, newest first does', () => {
  const body = withSpans.body as { traces: { spanSets: { spans: unknown[] }[]; spanSet?: unknown }[] };
  const reversedSpans = structuredClone(body);
  for (const trace of reversedSpans.traces) for (const set of trace.spanSets) set.spans.reverse();
  assert.deepEqual(compareText(withSpans, JSON.stringify(reversedSpans)), []);
  const oldestFirst = { ...body, traces: [...body.traces].reverse() };
  assert.deepEqual(compareText(withSpans, JSON.stringify(oldestFirst)), ['newestFirst: expected true, got false']);
});

test('with structural operators any of the matching spans may be shown, but as many', () => {
  const structural = searches().find(({ id }) => id === 'search-traceql-1403')!;
  const text = JSON.stringify(structural.body);
  assert.deepEqual(compareText(structural, text.replaceAll('"spanID":"65180586b0b89873"', '"spanID":"0000000000000001"')), []);
  assert.notDeepEqual(compareText(structural, text.replace(/"matched":/, '"matched":1')), []);
  assert.notEqual(text.replaceAll('"spanID":"65180586b0b89873"', ''), text);
});

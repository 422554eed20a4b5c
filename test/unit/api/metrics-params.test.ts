import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { defaultStep, type MetricsParamLimits, parseMetricsInstantParams, parseMetricsRangeParams } from '#engine/api/metrics-params.ts';

interface RecordedRequest {
  readonly id: string;
  readonly path: string;
  readonly status: number;
  readonly error?: string;
  /** Timestamps of the longest series, in milliseconds. */
  readonly samples?: { readonly first: number; readonly last: number; readonly count: number };
}

const recordings = JSON.parse(
  readFileSync(new URL('../../fixtures/api/metrics-and-tags-requests.json', import.meta.url), 'utf8'),
) as readonly RecordedRequest[];
const limits: MetricsParamLimits = { maxDurationMs: 86_400_000, maxIntervals: 10_000, maxExemplars: 100, maxSeries: 0 };
const rules = { nowMs: 1_790_000_000_000, queryEndCutoffMs: 0 };
const second = 1_000_000_000n;

function parseRecorded(path: string) {
  const [endpoint, query = ''] = path.split('?');
  return endpoint?.endsWith('query_range')
    ? parseMetricsRangeParams(query, limits, rules)
    : parseMetricsInstantParams(query, limits, rules);
}

test('Tempo 3.0.3 accepts and refuses the same metrics parameters, with the same texts', () => {
  const metrics = recordings.filter(({ path }) => path.startsWith('/api/metrics/'));
  const aboutQuery = /^parse error|^compiling query: |^not a metrics query$/;
  let refused = 0;
  for (const { id, path, error } of metrics) {
    if (error === undefined || aboutQuery.test(error)) {
      parseRecorded(path);
    } else {
      assert.throws(() => parseRecorded(path), { code: 'bad_request', message: error }, id);
      refused++;
    }
  }
  assert.ok(refused >= 7 && metrics.length - refused >= 20, `${refused} of ${metrics.length}`);
});

test('ranges are aligned to the samples that Tempo 3.0.3 answered', () => {
  const answered = recordings.filter(({ samples }) => samples !== undefined);
  assert.ok(answered.length >= 10);
  for (const { id, path, samples } of answered) {
    const { startNanos, endNanos, stepNanos } = parseMetricsRangeParams(path.slice(path.indexOf('?') + 1), limits, rules);
    const found = {
      first: Number(startNanos / 1_000_000n),
      last: Number(endNanos / 1_000_000n),
      count: Number((endNanos - startNanos) / stepNanos) + 1,
    };
    assert.deepEqual(found, samples, id);
  }
});

test('steps: about 240 of them, seconds or Go durations, neither too small nor negative', () => {
  const steps: [rangeSeconds: number, stepMs: number][] = [
    [1, 50],
    [36, 150],
    [59, 200],
    [60, 1000],
    [120, 1000],
    [3600, 15_000],
    [3 * 3600, 45_000],
    [6 * 3600, 60_000],
    [24 * 3600, 300_000],
    [30 * 86_400, 3 * 3_600_000],
  ];
  for (const [range, expected] of steps) assert.equal(defaultStep(BigInt(range) * second), BigInt(expected) * 1_000_000n, `${range}s`);

  const step = (text: string, query = 'start=1000000&end=1003600') =>
    parseMetricsRangeParams(`${query}&step=${encodeURIComponent(text)}`, limits, rules).stepNanos;
  assert.deepEqual(
    ['15', '0.5', '1e2', '.5', '2.', '1m30s', '+1s'].map((text) => Number(step(text)) / 1e9),
    [15, 0.5, 100, 0.5, 2, 90, 1],
  );
  assert.equal(step('360ms'), 360_000_000n);
  const errors: [text: string, message: string][] = [
    ['abc', 'rpc error: code = Code(400) desc = cannot parse "abc" to a valid duration'],
    ['1d', 'rpc error: code = Code(400) desc = cannot parse "1d" to a valid duration'],
    ['1e30', 'rpc error: code = Code(400) desc = cannot parse "1e30" to a valid duration'],
    ['NaN', 'rpc error: code = Code(400) desc = cannot parse "NaN" to a valid duration'],
    ['0', 'step of 0s is too small, minimum step for given range is 360ms'],
    ['359ms', 'step of 359ms is too small, minimum step for given range is 360ms'],
    ['-1', 'start required'],
  ];
  for (const [text, message] of errors) assert.throws(() => step(text), { code: 'bad_request', message }, text);
  const unlimited = { ...limits, maxIntervals: 0 };
  assert.equal(parseMetricsRangeParams('start=1000000&end=1003600&step=1ms', unlimited, rules).stepNanos, 1_000_000n);
  assert.throws(() => parseMetricsRangeParams('start=1000000&end=1003600&step=0', unlimited, rules), {
    message: 'step must be greater than 0',
  });
});

test('times: seconds, nanoseconds, RFC 3339, and since before the end', () => {
  const nowMs = 1_768_050_000_500;
  const range = (query: string) => {
    const { startNanos, endNanos } = parseMetricsInstantParams(query, limits, { nowMs, queryEndCutoffMs: 0 });
    return [startNanos, endNanos].map((nanos) => Number(nanos / 1_000_000n));
  };
  const hourMs = 3_600_000;
  assert.deepEqual(range(''), [nowMs - hourMs, nowMs]);
  assert.deepEqual(range('since=15m'), [nowMs - hourMs / 4, nowMs]);
  assert.deepEqual(range('since=15m&start=1768046400'), [1_768_046_400_000, nowMs]);
  assert.deepEqual(range('end=1768046400'), [1_768_046_400_000 - hourMs, 1_768_046_400_000]);
  assert.deepEqual(range('start=1768046400000000000&end=1768046401.25'), [1_768_046_400_000, 1_768_046_401_250]);
  assert.deepEqual(range('start=2026-01-10T12:00:00Z&end=2026-01-10T13:00:00.5%2B00:00'), [1_768_046_400_000, 1_768_050_000_500]);
  assert.deepEqual(range('end=1768053600'), [nowMs - hourMs, nowMs], 'since counts from now where the end lies later');
  const errors: [query: string, message: string][] = [
    ['start=1768046400&end=1768046400', 'end must be greater than start'],
    ['start=1768050001', 'end must be greater than start'],
    ['start=1767963599&end=1768050000', 'metrics query time range exceeds the maximum allowed duration of 24h0m0s'],
    ['start=0&end=5', 'start required'],
    ['end=x', 'rpc error: code = Code(400) desc = could not parse \'end\' parameter: strconv.ParseInt: parsing "x": invalid syntax'],
    ['maxSeries=x', 'invalid maxSeries: strconv.ParseUint: parsing "x": invalid syntax'],
  ];
  for (const [query, message] of errors) assert.throws(() => range(query), { code: 'bad_request', message }, query);
});

test('nothing later than the cutoff is looked at', () => {
  const cutoff = { nowMs: 1_768_050_000_000, queryEndCutoffMs: 30_000 };
  const range = (query: string) => {
    const { startNanos, endNanos } = parseMetricsRangeParams(query, limits, cutoff);
    return [Number(startNanos / second), Number(endNanos / second)];
  };
  assert.deepEqual(range('start=1768049703&end=1768050000&step=60'), [1_768_049_700, 1_768_049_940]);
  assert.deepEqual(range('start=1768049703&end=1768049950&step=60'), [1_768_049_700, 1_768_049_940]);
  assert.deepEqual(range('start=1768049703&end=1768049930&step=60'), [1_768_049_700, 1_768_049_940]);
  assert.deepEqual(range('start=1768049990&end=1768050000&step=2'), [1_768_049_990, 1_768_049_990]);
  const instant = parseMetricsInstantParams('', limits, cutoff);
  assert.deepEqual([instant.startNanos / second, instant.endNanos / second], [1_768_046_400n, 1_768_049_970n]);
  assert.throws(() => parseMetricsInstantParams('start=1768049980', limits, cutoff), { message: 'end must be greater than start' });
});

test('query, exemplars and series: q wins over query, the server caps', () => {
  const read = (query: string, maxSeries: number) => {
    const request = parseMetricsRangeParams(query, { ...limits, maxSeries }, rules);
    return [request.query, request.exemplars, request.maxSeries];
  };
  assert.deepEqual(read('query=a&q=b&exemplars=5&maxSeries=7', 0), ['b', 5, 7]);
  assert.deepEqual(read('query=a&q=&exemplars=0', 3), ['a', 100, 3]);
  assert.deepEqual(read('exemplars=1000&maxSeries=9', 3), ['', 100, 3]);
});

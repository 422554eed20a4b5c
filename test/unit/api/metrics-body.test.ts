import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createByteOutput } from '#engine/api/byte-output.ts';
import { quoteJson } from '#engine/api/fragments.ts';
import { encodeMetricsBody } from '#engine/api/metrics-body.ts';
import type { MetricsSeries } from '#engine/api/metrics-series.ts';
import { createSampleWriter } from '#engine/api/sample-json.ts';
import { wireSeries } from '#engine/jobs/metrics-wire.ts';

const grid = { startNanos: 999_999_500n, stepNanos: 1_000_000_000n, count: 3 };
const none = Number.NaN;

function series(values: readonly number[], members: Partial<MetricsSeries> = {}): MetricsSeries {
  return { labels: [{ key: 'span.a"b', value: { type: 'int', value: 5n } }], values: Float64Array.from(values), exemplars: [], ...members };
}

function written(list: readonly MetricsSeries[], instant: boolean, partialMessage?: string): string {
  const metrics = { inspectedBytes: 2 ** 40, totalJobs: 3, completedJobs: 0 };
  return Buffer.from(encodeMetricsBody({ grid, instant, series: list, metrics, ...(partialMessage ? { partialMessage } : {}) })).toString();
}

test('a range: zeros have no value, missing samples are left out, and series without samples', () => {
  const exemplar = { labels: [{ key: 'trace:id', value: { type: 'string', value: '1<' } as const }], value: 0.5, timeMs: 7 };
  assert.equal(
    written([series([0, none, Number.POSITIVE_INFINITY], { exemplars: [exemplar] }), series([none, none, none])], false, 'more "series"'),
    '{"series":[{"labels":[{"key":"span.a\\"b","value":{"intValue":"5"}}],"samples":[{"timestampMs":"1999"},{"timestampMs":"3999","value":"Infinity"}],' +
      '"exemplars":[{"labels":[{"key":"trace:id","value":{"stringValue":"1\\u003c"}}],"value":0.5,"timestampMs":"7"}]}],' +
      '"metrics":{"inspectedBytes":"1099511627776","totalJobs":3},"status":"PARTIAL","message":"more \\"series\\""}',
  );
  assert.equal(written([], false), '{"series":[],"metrics":{"inspectedBytes":"1099511627776","totalJobs":3}}');
});

test('an instant has one value for each series, and no series at all where there is none', () => {
  const nil = series([0], { labels: [{ key: 'x', value: { type: 'nil' } }] });
  assert.equal(
    written([series([1e21]), nil, series([none])], true),
    '{"series":[{"labels":[{"key":"span.a\\"b","value":{"intValue":"5"}}],"value":1e+21},{"labels":[{"key":"x","value":{"stringValue":"nil"}}]}],' +
      '"metrics":{"inspectedBytes":"1099511627776","totalJobs":3}}',
  );
  assert.equal(written([series([none])], true), '{"metrics":{"inspectedBytes":"1099511627776","totalJobs":3}}');
});

test('large answers are whole', () => {
  const many = Array.from({ length: 40_000 }, (_, i) =>
    series([i, 0, 1], { labels: [{ key: 'n', value: { type: 'int', value: BigInt(i) } }] }),
  );
  const parsed = JSON.parse(written(many, false)) as {
    series: { labels: { value: { intValue: string } }[]; samples: { value?: number }[] }[];
  };
  assert.equal(parsed.series.length, 40_000);
  assert.deepEqual(
    parsed.series[39_999]!.samples.map(({ value }) => value),
    [39_999, undefined, 1],
  );
});

test('samples are the JSON of their numbers', () => {
  const value = fc.oneof(fc.constantFrom(0, -0, none), fc.nat(20), fc.integer(), fc.maxSafeNat(), fc.double());
  fc.assert(
    fc.property(fc.array(value, { maxLength: 30 }), fc.bigInt({ min: 0n, max: 2n ** 62n }), (values, startNanos) => {
      const samples = createSampleWriter({ startNanos, stepNanos: 15_000_000_000n, count: values.length });
      const out = new Uint8Array(samples.maxBytes + 1).fill(0x23);
      const end = samples.write(Float64Array.from(values), out, 1);
      const expected = values.flatMap((one, i) => {
        const timestampMs = String((startNanos + 15_000_000_000n * BigInt(i + 1)) / 1_000_000n);
        return Number.isNaN(one) ? [] : [{ timestampMs, ...(one === 0 ? {} : { value: Number.isFinite(one) ? one : String(one) }) }];
      });
      assert.equal(Buffer.from(out.subarray(0, end)).toString(), `#${JSON.stringify(expected).slice(1, -1)}`);
    }),
  );
});

test('text and bytes stand behind each other, whatever was expected', () => {
  const piece = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.uint8Array({ maxLength: 40 }));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), fc.nat(2000), (pieces, expectedBytes) => {
      const output = createByteOutput(expectedBytes);
      for (const one of pieces) {
        if (typeof one === 'string') output.text(one);
        else
          output.bytes(one.length, (out, at) => {
            out.set(one, at);
            return at + one.length;
          });
      }
      assert.deepEqual(Buffer.from(output.finish()), Buffer.concat(pieces.map((one) => Buffer.from(one as Uint8Array))));
    }),
    { numRuns: 30 },
  );
});

test('quoted texts are as JSON has them, with what HTML would read escaped', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.oneof(fc.constantFrom(...'"\\<>&\u007f\u0000é ~'), fc.constantFrom(...'ab!#[]')) }), (text) => {
      const quoted = quoteJson(text);
      assert.equal(JSON.parse(quoted), text);
      assert.ok([...quoted].every((character) => character >= ' ' && !'<>&\u007f'.includes(character)));
    }),
  );
});

test('jobs answer rates, and means with the number of their values', () => {
  const answer = (one: MetricsSeries) => ({ grid, series: [one], inspectedSpans: 0, inspectedBytes: 0 });
  const long = { ...grid, stepNanos: 4_000_000_000n };
  assert.deepEqual([...wireSeries('{ } | rate()', { ...answer(series([8, 0, 2])), grid: long })[0]!.values], [2, 0, 0.5]);
  assert.deepEqual([...wireSeries('{ } | count_over_time()', answer(series([8, 0, 2])))[0]!.values], [8, 0, 2]);
  const [means, counts] = wireSeries(
    '{ } | avg_over_time(duration)',
    answer(series([1.5, none, 3], { weights: Float64Array.of(2, 0, 1) })),
  );
  assert.deepEqual([...means!.values], [1.5, none, 3]);
  assert.deepEqual([...counts!.values], [2, 0, 1]);
  assert.deepEqual(counts!.labels.at(-1), { key: '__meta_type', value: { type: 'string', value: '__count' } });
});

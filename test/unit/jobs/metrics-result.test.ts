import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createExemplarSpread } from '#engine/api/exemplar-spread.ts';
import { createMetricsCombiner } from '#engine/api/metrics-combiner.ts';
import type { LabelValue, MetricsAnswer, MetricsSeries } from '#engine/api/metrics-series.ts';
import { quantile } from '#engine/jobs/quantiles.ts';
import { applySecondStages } from '#engine/jobs/second-stages.ts';
import { sortSeries } from '#engine/jobs/series-order.ts';

const none = Number.NaN;
const text = (value: string): LabelValue => ({ type: 'string', value });

function series(value: LabelValue, values: readonly number[], key = 'a'): MetricsSeries {
  return { labels: [{ key, value }], values: Float64Array.from(values), exemplars: [] };
}

function shown(list: readonly MetricsSeries[]): readonly (readonly [string, readonly number[]])[] {
  return list.map(({ labels, values }) => [String((labels[0]!.value as { value: unknown }).value), [...values]]);
}

test('quantiles grow exponentially inside a bucket', () => {
  const bounds = Float64Array.from([20, 21, 22, 23, 24, 30], (exponent) => 2 ** exponent / 1e9);
  const counts = Float64Array.of(2, 1, 2, 4, 3, 8);
  assert.ok(Math.abs(quantile(bounds, counts, 0.5) - 0.010568983) < 1e-9);
  assert.equal(quantile(bounds, counts, 1), bounds[5]);
  assert.equal(quantile(bounds, counts, 0.1), bounds[0]);
  assert.equal(quantile(bounds, counts, 0), (bounds[0]! / 2) * 2 ** 0.5);
  assert.equal(quantile(bounds, new Float64Array(6), 0.5), 0);
});

test('topk and bottomk choose anew at every time; zeros compete, missing values do not', () => {
  const list = [series(text('x'), [3, 0, none]), series(text('y'), [2, 5, none]), series(text('z'), [1, 4, 7])];
  assert.deepEqual(shown(applySecondStages(list, [{ kind: 'topk', limit: 1n }])), [
    ['x', [3, none, none]],
    ['y', [none, 5, none]],
    ['z', [none, none, 7]],
  ]);
  assert.deepEqual(shown(applySecondStages(list, [{ kind: 'bottomk', limit: 1n }])), [
    ['x', [none, 0, none]],
    ['z', [1, none, 7]],
  ]);
  assert.equal(applySecondStages(list, [{ kind: 'topk', limit: 3n }]), list);
});

test('of equal values topk takes the earlier text, bottomk the later; other types win over texts in topk', () => {
  const list = [
    series(text('a'), [1]),
    series(text('b'), [1]),
    series({ type: 'int', value: 9n }, [1]),
    series({ type: 'boolean', value: true }, [1]),
  ];
  const winner = (kind: 'topk' | 'bottomk', from: readonly MetricsSeries[]) => shown(applySecondStages(from, [{ kind, limit: 1n }]))[0]![0];
  assert.equal(winner('topk', list.slice(0, 2)), 'a');
  assert.equal(winner('bottomk', list.slice(0, 2)), 'b');
  assert.equal(winner('topk', list), 'true');
  assert.equal(winner('topk', list.slice(0, 3)), '9');
  assert.equal(winner('bottomk', list), 'b');
});

test('comparisons take out samples, and series that have none left', () => {
  const list = [series(text('x'), [3, 0, none]), series(text('y'), [1, 1, 1])];
  assert.deepEqual(shown(applySecondStages(list, [{ kind: 'metricsFilter', operator: '>', value: 1 }])), [['x', [3, none, none]]]);
  assert.deepEqual(shown(applySecondStages(list, [{ kind: 'metricsFilter', operator: '!=', value: 1 }])), [['x', [3, 0, none]]]);
});

test('series are sorted by number of labels, keys, and values as text', () => {
  const two: MetricsSeries = { ...series(text('a'), [1]), labels: [...series(text('a'), []).labels, { key: 'b', value: text('b') }] };
  const values: readonly LabelValue[] = [
    text('a'),
    { type: 'int', value: 9n },
    { type: 'int', value: 10n },
    { type: 'double', value: 2 },
    { type: 'double', value: 16 },
    { type: 'boolean', value: true },
  ];
  const sorted = sortSeries([two, ...values.map((value) => series(value, [1])), series(text('z'), [1], 'Z')]);
  assert.deepEqual(
    sorted.map(({ labels }) => labels.map(({ key, value }) => `${key} ${value.type === 'nil' ? '' : value.value}`).join()),
    ['Z z', 'a true', 'a 16', 'a 2', 'a 10', 'a 9', 'a a', 'a a,b b'],
  );
});

test('answers are combined by labels and time, with the rule of the function', () => {
  const grid = { startNanos: 0n, stepNanos: 10n, count: 4 };
  const answer = (offset: bigint, values: readonly number[], weights?: readonly number[]): MetricsAnswer => {
    const one = { ...series(text('x'), values), ...(weights === undefined ? {} : { weights: Float64Array.from(weights) }) };
    const part = { startNanos: offset * 10n, stepNanos: 10n, count: values.length };
    return { grid: part, series: [one], inspectedSpans: 1, inspectedBytes: 2 };
  };
  const combined = (rule: 'add' | 'min' | 'max' | 'sum' | 'mean', answers: readonly MetricsAnswer[]) => {
    const combiner = createMetricsCombiner({ grid, rule, maxSeries: 0 });
    answers.forEach(combiner.add);
    return [...combiner.series()[0]!.values];
  };
  assert.deepEqual(combined('add', [answer(0n, [1, 2]), answer(1n, [5, 6, 7]), answer(-1n, [9, 1])]), [2, 7, 6, 7]);
  assert.deepEqual(combined('min', [answer(0n, [1, none]), answer(0n, [-1, 3])]), [-1, 3, none, none]);
  assert.deepEqual(combined('max', [answer(2n, [1, none]), answer(3n, [8, 9])]), [none, none, 1, 8]);
  assert.deepEqual(combined('sum', [answer(0n, [1e100, 1]), answer(0n, [1, 2]), answer(0n, [-1e100, none])]), [1, 3, none, none]);
  assert.deepEqual(combined('mean', [answer(0n, [2, none], [3, 0]), answer(0n, [6, 4], [1, 2])]), [3, 4, none, none]);
});

test('at the limit of series further answers are only counted', () => {
  const grid = { startNanos: 0n, stepNanos: 10n, count: 1 };
  const combiner = createMetricsCombiner({ grid, rule: 'add', maxSeries: 2 });
  const answer = (names: readonly string[]): MetricsAnswer => ({
    grid,
    series: names.map((name) => series(text(name), [1])),
    inspectedSpans: 1,
    inspectedBytes: 1,
  });
  combiner.add(answer(['a']));
  assert.equal(combiner.full(), false);
  combiner.add(answer(['b', 'c']));
  assert.equal(combiner.full(), true);
  combiner.add(answer(['a', 'd']));
  assert.deepEqual(shown(combiner.series()), [
    ['a', [1]],
    ['b', [1]],
    ['c', [1]],
  ]);
  assert.equal(combiner.completedJobs(), 3);
});

test('exemplars are spread: two in each part of the range', () => {
  const spread = createExemplarSpread({ startNanos: 0n, stepNanos: 1_000_000_000n, count: 10 }, 10);
  const taken = [0, 1, 2, 500, 2500, 2600, 2700, 9999, 10_000].map((timeMs) => spread.take(timeMs));
  assert.deepEqual(taken, [true, true, false, false, true, true, false, true, true]);
  assert.equal(spread.left(), 4);
});

test('what jobs answer of the step before the range is left out, but their series are there', () => {
  const grid = { startNanos: 600_000_000_000n, stepNanos: 60_000_000_000n, count: 2 };
  const combiner = createMetricsCombiner({ grid, rule: 'add', maxSeries: 0 });
  const exemplars = [600_000, 600_001].map((timeMs) => ({ labels: [], value: 1, timeMs }));
  const answer = { grid: { ...grid, startNanos: 540_000_000_000n, count: 3 }, inspectedSpans: 4, inspectedBytes: 0 };
  combiner.add({ ...answer, series: [{ ...series(text('x'), [1, 2, 0]), exemplars }, series(text('y'), [1, 0, 0])] });
  assert.deepEqual(shown(combiner.series()), [
    ['x', [2, 0]],
    ['y', [0, 0]],
  ]);
  assert.deepEqual(combiner.series()[0]!.exemplars, exemplars.slice(1));
});

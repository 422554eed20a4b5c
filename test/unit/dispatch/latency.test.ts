import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLatencyEstimate } from '../../../querier/dispatch/latency.ts';
import { createRandom, lognormal } from '../../simulation/random.ts';

function close(actual: number, expected: number, share = 0.05): void {
  assert.ok(Math.abs(actual - expected) <= share * expected, `${actual} is not about ${expected}`);
}

test('quantiles of a sample', () => {
  const estimate = createLatencyEstimate();
  for (let ms = 1; ms <= 1000; ms++) estimate.observe(ms);
  const [p10, p50, p99] = estimate.quantiles([0.1, 0.5, 0.99], []);
  close(p10!, 100);
  close(p50!, 500);
  close(p99!, 990);
  assert.equal(estimate.answers(), 1000);
});

test('nothing is known at first, nor beyond the answers', () => {
  const estimate = createLatencyEstimate();
  assert.deepEqual(estimate.quantiles([0.5], []), [Number.POSITIVE_INFINITY]);
  for (let call = 0; call < 10; call++) estimate.observe(5);
  const running = Array.from({ length: 10 }, () => 6);
  const [p25, p75] = estimate.quantiles([0.25, 0.75], running);
  close(p25!, 5);
  assert.equal(p75, Number.POSITIVE_INFINITY, 'half of the calls have not answered');
});

test('in the middle of a burst the quick answers do not count for all', () => {
  const random = createRandom(1);
  const draw = lognormal(5, 2);
  const sample = Array.from({ length: 4000 }, () => draw(random));
  const truth = [...sample].sort((a, b) => a - b)[2000]!;
  const estimate = createLatencyEstimate();
  const nowMs = 6;
  for (const ms of sample) if (ms <= nowMs) estimate.observe(ms);
  const running = sample.filter((ms) => ms > nowMs).map(() => nowMs);
  close(estimate.quantiles([0.5], running)[0]!, truth);
});

test('calls that were given up count as longer than that', () => {
  const with_ = createLatencyEstimate();
  const without = createLatencyEstimate();
  for (let call = 0; call < 100; call++) {
    const straggles = call % 10 === 0;
    if (straggles) with_.observeAtLeast(10);
    else {
      with_.observe(5);
      without.observe(5);
    }
  }
  assert.equal(with_.quantiles([0.95], [])[0], Number.POSITIVE_INFINITY);
  close(without.quantiles([0.95], [])[0]!, 5);
});

test('old calls are forgotten', () => {
  const estimate = createLatencyEstimate();
  for (let call = 0; call < 4000; call++) estimate.observe(5);
  for (let call = 0; call < 12_000; call++) estimate.observe(50);
  close(estimate.quantiles([0.5], [])[0]!, 50);
  close(estimate.quantiles([0.25], [])[0]!, 50);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isWithinSlo, throughput } from '../../../querier/frontend/slo.ts';

const ok = { canceled: false, status: 200, durationMs: 1000, inspectedBytes: 5000 };
const none = { durationMs: 0, throughputBytes: 0 };

test('without an objective every query but a failed one is within', () => {
  assert.equal(isWithinSlo(ok, none), true);
  assert.equal(isWithinSlo({ ...ok, status: 422 }, none), true);
  assert.equal(isWithinSlo({ ...ok, status: 500 }, none), false);
  assert.equal(isWithinSlo({ ...ok, status: 503 }, none), false);
});

test('quick enough or fast enough is within', () => {
  assert.equal(throughput(5000, 1000), 5000);
  assert.equal(throughput(5000, 0), 0);
  const cases: readonly (readonly [durationMs: number, throughputBytes: number, within: boolean])[] = [
    [1001, 0, true],
    [1000, 0, false],
    [0, 5000, true],
    [0, 5001, false],
    [500, 5000, true],
    [1001, 9999, true],
    [500, 9999, false],
  ];
  for (const [durationMs, throughputBytes, within] of cases) {
    assert.equal(isWithinSlo(ok, { durationMs, throughputBytes }), within, `${durationMs} ms, ${throughputBytes} bytes a second`);
  }
});

test('what a client or a limit ended is within, however long it took', () => {
  const strict = { durationMs: 1, throughputBytes: 0 };
  assert.equal(isWithinSlo({ ...ok, canceled: true, status: 499 }, strict), true);
  for (const status of [400, 404, 429]) assert.equal(isWithinSlo({ ...ok, status }, strict), true);
  assert.equal(isWithinSlo({ ...ok, status: 422 }, strict), false);
});

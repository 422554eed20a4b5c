import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recentMetrics, shardRecent } from '../../../querier/frontend/recent-sharder.ts';

const window = { nowSeconds: 10_000, boundarySeconds: 900, pieces: 3 };

function pieces(startSeconds: number, endSeconds: number): readonly (readonly [number, number])[] {
  return shardRecent({ startSeconds, endSeconds }, window).map((piece) => [piece.startSeconds, piece.endSeconds]);
}

test('the recent part of a search is cut into pieces of a minute or more, the last one takes the rest', () => {
  assert.deepEqual(pieces(0, 10_000), [
    [9100, 9400],
    [9400, 9700],
    [9700, 10_000],
  ]);
  assert.deepEqual(pieces(9800, 10_000), [
    [9800, 9866],
    [9866, 9932],
    [9932, 10_000],
  ]);
  assert.deepEqual(pieces(9900, 10_000), [[9900, 10_000]]);
  assert.deepEqual(pieces(0, 9100), []);
});

test('a metrics query asks for what is behind the cutoff', () => {
  const range = { query: '', startNanos: 100n, endNanos: 200n, stepNanos: 10n, instant: false, exemplars: 0, maxSeries: 0 };
  assert.deepEqual(recentMetrics(range, 150n), { ...range, startNanos: 150n });
  assert.deepEqual(recentMetrics(range, 50n), range);
  assert.equal(recentMetrics(range, 200n), undefined);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMetricsBlockParams, printMetricsBlockParams } from '#engine/api/metrics-block-params.ts';
import { type MetricsRange, metricsGrid } from '#engine/api/metrics-request.ts';
import { blockId, bytes, tenantId, unixSeconds } from '#engine/base/units.ts';
import { createBlocklist } from '#engine/blocklist/list.ts';
import type { BlockMeta } from '#engine/blocklist/meta.ts';
import { shardMetrics } from '../../../querier/frontend/metrics-sharder.ts';

const second = 1_000_000_000n;

function block(number: number, startSeconds: number, endSeconds: number, members: Partial<BlockMeta> = {}): BlockMeta {
  return {
    tenant: tenantId('t'),
    blockId: blockId(`00000000-0000-4000-8000-${String(number).padStart(12, '0')}`)!,
    version: 'vParquet4',
    startSeconds: unixSeconds(startSeconds),
    endSeconds: unixSeconds(endSeconds),
    totalTraces: 1,
    sizeBytes: bytes(1000),
    footerBytes: bytes(100),
    totalRecords: 10,
    compactionLevel: 0,
    replicationFactor: 1,
    bloomShards: 1,
    dedicatedColumns: [],
    ...members,
  };
}

const range: MetricsRange = {
  query: '{ } | rate() by (name)',
  startNanos: 940n * second,
  endNanos: 1300n * second,
  stepNanos: 60n * second,
  instant: false,
  exemplars: 100,
  maxSeries: 7,
};
const options = { cutoffNanos: 10_000n * second, targetBytesPerJob: 10_000 };

function jobsOf(asked: MetricsRange, blocks: readonly BlockMeta[], shardOptions = options) {
  return [...shardMetrics(asked, [createBlocklist(blocks, [])], shardOptions).jobs()].map(({ request }) => request);
}

test('each job has the part of the range that its block can hold, in whole steps', () => {
  const jobs = jobsOf(range, [block(1, 1100, 1119), block(2, 900, 2000), block(3, 1081, 1140)]);
  assert.deepEqual(
    jobs.map(({ startNanos, endNanos }) => [startNanos / second, endNanos / second]),
    [
      [940n, 1300n],
      [1080n, 1200n],
      [1080n, 1140n],
    ],
  );
  assert.deepEqual(metricsGrid(jobs[2]!), { startNanos: 1080n * second, stepNanos: 60n * second, count: 1 });
});

test('blocks outside the range, after the cutoff, or written more than once are left out', () => {
  const blocks = [block(1, 100, 200), block(2, 1400, 1500), block(3, 1000, 1010, { replicationFactor: 0 }), block(4, 1200, 1210)];
  assert.equal(jobsOf(range, blocks).length, 1);
  assert.equal(jobsOf(range, blocks, { ...options, cutoffNanos: 1190n * second }).length, 0);
  assert.equal(jobsOf(range, [block(5, 1000, 1900)], { ...options, cutoffNanos: 1100n * second + 5n })[0]!.endNanos, 1100n * second + 5n);
});

test('an instant query keeps its range', () => {
  const asked = { ...range, instant: true, stepNanos: 360n * second, exemplars: 0 };
  const [job] = jobsOf(asked, [block(1, 1100, 1110)]);
  assert.deepEqual([job!.startNanos, job!.endNanos, job!.exemplars], [range.startNanos, range.endNanos, 0]);
});

test('exemplars are shared by length of blocks and number of row groups', () => {
  const blocks = [block(1, 1000, 1100), block(2, 1000, 1300)];
  const wanted = (targetBytesPerJob: number) => jobsOf(range, blocks, { ...options, targetBytesPerJob }).map(({ exemplars }) => exemplars);
  assert.deepEqual(wanted(10_000), [90, 30]);
  assert.deepEqual(wanted(500), [45, 45, 15, 15]);
});

test('jobs survive their query string', () => {
  for (const request of jobsOf(range, [block(1, 1000, 1100), block(2, 1000, 1300)])) {
    assert.deepEqual(parseMetricsBlockParams(printMetricsBlockParams(request)), request);
  }
  const [instant] = jobsOf({ ...range, instant: true, exemplars: 0 }, [block(1, 1000, 1100)]);
  assert.deepEqual(parseMetricsBlockParams(printMetricsBlockParams(instant!)), instant);
  assert.throws(() => parseMetricsBlockParams('q=%7B%7D&start=5&end=5&step=1s'), /end must be greater than start/);
  assert.throws(() => parseMetricsBlockParams('q=%7B%7D&end=5&step=1s'), /start required/);
});

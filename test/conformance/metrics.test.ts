// Recorded range and instant queries against one process that does everything itself: with one job per block, and with one per row group.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { LocalProcess } from '../../infra/local/processes.ts';
import { localStorage, startServer } from '../../infra/local/server.ts';
import { recordedBlocks } from './cases.ts';
import { compareMetrics } from './compare-metrics.ts';
import { assertConformance } from './report.ts';
import { metricsQueries } from './selection.ts';
import { runCases } from './send.ts';

describe('one process, local blocks', () => {
  let server: LocalProcess;
  before(async () => {
    server = await startServer({ storage: localStorage(recordedBlocks), multitenancy: true });
  });
  after(() => server?.stop());

  const check = async (group: Parameters<typeof metricsQueries>[0], minimum: number): Promise<void> =>
    assertConformance(group, await runCases(server.url, metricsQueries(group), compareMetrics), minimum);
  test('ranges', () => check('metrics-range', 180));
  test('instants', () => check('metrics-instant', 135));
});

test('what is compared can fail', () => {
  const [found] = metricsQueries('metrics-range').filter(({ id }) => id === 'metrics-range-0234' || id === 'metrics-range-0001');
  assert.ok(found);
  const answer = { status: 200, contentType: 'application/json', body: Buffer.from(JSON.stringify(found.body)) };
  assert.deepEqual(compareMetrics(found, answer), []);
  const changed = JSON.stringify(found.body).replace(/"value":([0-9.]+)\}/, '"value":123456}');
  assert.equal(compareMetrics(found, { ...answer, body: Buffer.from(changed) }).length, 1);
  assert.equal(compareMetrics(found, { ...answer, status: 500 }).length, 1);
});

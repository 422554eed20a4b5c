import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { createMetricsCombiner } from '#engine/api/metrics-combiner.ts';
import { type MetricsRange, metricsGrid } from '#engine/api/metrics-request.ts';
import { intervalAt, labelsKey, type MetricsSeries } from '#engine/api/metrics-series.ts';
import { createLocalBackend, type LocalBackend } from '#engine/backend/local.ts';
import { tenantId } from '#engine/base/units.ts';
import { type BlockMeta, parseBlockMeta } from '#engine/blocklist/meta.ts';
import { createJobEnvironment, type JobEnvironment } from '#engine/jobs/environment.ts';
import { combineRule, metricsResult } from '#engine/jobs/metrics-result.ts';
import { queryRangeBlock } from '#engine/jobs/query-range-block.ts';
import { compileQuery } from '#engine/traceql/compile.ts';
import { isMetricsQuery } from '#engine/traceql/plan-metrics.ts';

// Goal: however finely blocks are cut into jobs, a metrics query has one answer.
// Method: two real blocks of 13 and 12 row groups (vParquet4 and vParquet5), random cuts, ranges and steps, every function; the combined answer of the parts is
// compared with that of one job per block. Sums and means may differ in the last digits.

const tenant = 'rowgroups';
const root = join(import.meta.dirname, '../../fixtures/blocks');
const second = 1_000_000_000n;
const firstSecond = 1_768_046_400;
const maxExemplars = 40;

const queries = [
  '{ } | rate()',
  '{ status = error } | rate() by (resource.service.name, name)',
  '{ } | count_over_time() by (span.http.method, kind)',
  '{ } | count_over_time() by (event:name)',
  '{ duration > 10ms } | min_over_time(duration) by (kind)',
  '{ } | max_over_time(span.db.rows) by (span.db.system)',
  '{ } | sum_over_time(duration) by (status)',
  '{ } | sum_over_time(span.payment.amount)',
  '{ } | avg_over_time(duration) by (resource.service.name)',
  '{ } | quantile_over_time(duration, .5, .99) by (kind)',
  '{ } | quantile_over_time(span.db.rows, .9)',
  '{ kind = server } | histogram_over_time(duration) by (resource.service.name)',
  '{ kind = server } | compare({ status = error }, 100000)',
  '{ resource.service.name = "payment" } | compare({ duration > 20ms }, 100000)',
  '{ } | rate() by (resource.service.name) | topk(3)',
  '{ } | avg_over_time(duration) by (name) | bottomk(2) > 1ms',
  '{ } | count_over_time() by (resource.service.name) >= 5',
  '{ } > { status = error } | rate() by (name)',
  '{ } | by(resource.service.name) | count() > 2 | rate()',
];

let backend: LocalBackend;
let environment: JobEnvironment;
let metas: readonly BlockMeta[];

before(async () => {
  backend = await createLocalBackend({ path: root });
  environment = createJobEnvironment({ backend, maxMemoryBytes: 2 ** 28, cacheBytes: 2 ** 24 });
  const folders = readdirSync(join(root, tenant), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  metas = folders.map(({ name }) => parseBlockMeta(readFileSync(join(root, tenant, name, 'meta.json'))));
});
after(() => backend.close());

interface Part {
  readonly meta: BlockMeta;
  readonly from: number;
  readonly to: number;
}

async function answerOf(query: string, range: MetricsRange, parts: readonly Part[]): Promise<readonly MetricsSeries[]> {
  const compiled = compileQuery(query);
  assert.ok(isMetricsQuery(compiled));
  const grid = metricsGrid(range);
  const combiner = createMetricsCombiner({ grid, rule: combineRule(compiled), maxSeries: 0 });
  for (const { meta, from, to } of parts) {
    const { blockId, version, sizeBytes, footerBytes, totalRecords, dedicatedColumns } = meta;
    const block = { blockId, version, sizeBytes, footerBytes, totalRecords, startPage: from, pagesToSearch: to - from, dedicatedColumns };
    combiner.add(await queryRangeBlock(environment, tenantId(tenant), { ...range, block }));
  }
  return metricsResult(compiled, combiner.series(), { grid, maxSeries: 0, maxExemplars }).series;
}

/** Cuts each block where the random numbers say. */
function cut(cuts: readonly number[]): readonly Part[] {
  return metas.flatMap((meta) => {
    const at = [...new Set([0, meta.totalRecords, ...cuts.map((one) => one % meta.totalRecords)])].sort((a, b) => a - b);
    return at.slice(1).map((to, i) => ({ meta, from: at[i]!, to }));
  });
}

function assertEqualSeries(found: readonly MetricsSeries[], expected: readonly MetricsSeries[]): void {
  assert.deepEqual(
    found.map(({ labels }) => labelsKey(labels)),
    expected.map(({ labels }) => labelsKey(labels)),
  );
  found.forEach(({ labels, values }, at) => {
    values.forEach((value, i) => {
      const wanted = expected[at]!.values[i]!;
      const close = Object.is(value, wanted) || Math.abs(value - wanted) <= 1e-12 * Math.abs(wanted);
      assert.ok(close, `${labelsKey(labels)} interval ${i}: ${value} instead of ${wanted}`);
    });
  });
}

/** Exemplars are few enough, in order, and stand at samples. */
function assertExemplars(series: readonly MetricsSeries[], range: MetricsRange): number {
  const grid = metricsGrid(range);
  let count = 0;
  for (const { values, exemplars } of series) {
    count += exemplars.length;
    exemplars.forEach(({ timeMs, value, labels }, i) => {
      assert.ok(!Number.isNaN(values[intervalAt(grid, timeMs)]) && !Number.isNaN(value));
      assert.ok(i === 0 || exemplars[i - 1]!.timeMs <= timeMs);
      assert.equal(labels[0]?.key, 'trace:id');
    });
  }
  assert.ok(count <= maxExemplars);
  return count;
}

describe('metrics of parts combine to those of the whole', () => {
  for (const query of queries) {
    it(query, async () => {
      let exemplars = 0;
      const ranges = fc.record({
        start: fc.integer({ min: 0, max: 3000 }),
        length: fc.integer({ min: 1, max: 3600 }),
        step: fc.constantFrom(7, 60, 600, 5000),
        instant: fc.boolean(),
        cuts: fc.array(fc.nat(), { maxLength: 14 }),
      });
      const property = fc.asyncProperty(ranges, async ({ start, length, step, instant, cuts }) => {
        const startNanos = BigInt(firstSecond + start) * second;
        const endNanos = startNanos + BigInt(length) * second;
        const stepNanos = instant ? endNanos - startNanos : BigInt(step) * second;
        const range = { query, startNanos, endNanos, stepNanos, instant, exemplars: instant ? 0 : maxExemplars, maxSeries: 0 };
        const whole = await answerOf(query, range, cut([]));
        const parts = await answerOf(query, range, cut(cuts));
        assertEqualSeries(parts, whole);
        exemplars += assertExemplars(whole, range) + assertExemplars(parts, range);
      });
      await fc.assert(property, { numRuns: 12 });
      assert.ok(exemplars > 0 || /compare|bottomk/.test(query)); // of the smallest values exemplars are rare
    });
  }
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Backend } from '#engine/backend/backend.ts';
import { createLocalBackend } from '#engine/backend/local.ts';
import { tenantId } from '#engine/base/units.ts';
import { parseBlockMeta } from '#engine/blocklist/meta.ts';
import { createJobEnvironment } from '#engine/jobs/environment.ts';
import { queryRangeBlock } from '#engine/jobs/query-range-block.ts';

// Goal: where a request costs a round trip, a metrics job reads the columns of a row group together, and finds the same.
// Method: a real block of 13 row groups through a backend that counts reads and asks for coalescing, against the plain local one.

const root = join(import.meta.dirname, '../../fixtures/blocks');
const tenant = tenantId('rowgroups');
const folder = '1b000000-6000-4000-8000-000000000032';
const second = 1_000_000_000n;

function remoteLike(backend: Backend, onRead: () => void): Backend {
  const { readInto, ...rest } = backend;
  return {
    ...rest,
    coalesceGapBytes: 512 * 1024,
    readRange: (...read) => {
      onRead();
      return backend.readRange(...read);
    },
  };
}

for (const query of [
  '{ } | rate()',
  '{ status = error } | rate() by (resource.service.name, span.http.method)',
  '{ } | quantile_over_time(duration, .9) by (name)',
  '{ kind = server } | compare({ status = error }, 1000)',
]) {
  test(`few reads: ${query}`, async () => {
    const local = await createLocalBackend({ path: root });
    const meta = parseBlockMeta(readFileSync(join(root, tenant, folder, 'meta.json')));
    const { blockId, version, sizeBytes, footerBytes, totalRecords, dedicatedColumns } = meta;
    const block = { blockId, version, sizeBytes, footerBytes, totalRecords, startPage: 0, pagesToSearch: totalRecords, dedicatedColumns };
    const startNanos = BigInt(meta.startSeconds - 60) * second;
    const endNanos = BigInt(meta.endSeconds + 60) * second;
    const request = { query, startNanos, endNanos, stepNanos: 60n * second, instant: false, exemplars: 0, maxSeries: 0, block };
    let reads = 0;
    const run = (backend: Backend) =>
      queryRangeBlock(createJobEnvironment({ backend, maxMemoryBytes: 2 ** 28, cacheBytes: 2 ** 22 }), tenant, request);
    const expected = await run(local);
    const found = await run(remoteLike(local, () => reads++));
    local.close();
    assert.ok(expected.series.length > 0);
    assert.deepEqual(found.series, expected.series);
    assert.ok(reads <= 4 * totalRecords, `${reads} reads for ${totalRecords} row groups`);
  });
}

// A small limit reads a row group in windows; what it finds must be what a whole scan finds first.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { traceBytes } from '#engine/api/encoded-traces.ts';
import { createLocalBackend } from '#engine/backend/local.ts';
import { tenantId } from '#engine/base/units.ts';
import { parseBlockMeta } from '#engine/blocklist/meta.ts';
import { createJobEnvironment } from '#engine/jobs/environment.ts';
import { searchBlock } from '#engine/jobs/search-block.ts';
import { wholeBlockRequest } from '../../whole-block.ts';

const root = join(import.meta.dirname, '../../fixtures/blocks');
const blocks = [
  ['single-tenant', '1b000000-6000-4000-8000-000000000002'],
  ['single-tenant', '80000000-1000-4000-8000-000000000003'],
  ['single-tenant', 'f5000000-c000-4000-8000-000000000004'],
] as const;
const queries = [
  '{ status = error }',
  '{ resource.service.name = "frontend" } >> { status = error }',
  '{ status = error } !< { kind = server }',
  '{ kind = client } &~ { kind = client } | select(resource.service.name)',
  '{ } | by(resource.service.name) | count() > 2',
  '{ } | by(name) | max(duration) > 1ms | coalesce() | count() > 3',
  '{ kind = server } | by(status) | { duration > 1ms } > { } || { kind = server }',
  '({ status = error } | count() > 1) && ({ kind = server } | count() > 2)',
  'by(span.http.method)',
];

for (const [tenant, block] of blocks) {
  test(`windows of ${tenant}/${block}`, async () => {
    const backend = await createLocalBackend({ path: root });
    const limits = { backend, maxMemoryBytes: 1 << 28, cacheBytes: 1 << 20 };
    const inWindows = createJobEnvironment({ ...limits, firstWindowRows: 2 });
    const atOnce = createJobEnvironment({ ...limits, firstWindowRows: 1 << 20 });
    const meta = parseBlockMeta(readFileSync(join(root, tenant, block, 'meta.json')));
    const search = async (environment: typeof inWindows, query: string, limit: number): Promise<readonly string[]> => {
      const request = wholeBlockRequest(meta, { query, startSeconds: 0, endSeconds: 0, limit, spansPerSpanset: 3 });
      const { traces } = await searchBlock(environment, tenantId(tenant), request, 'json');
      return Array.from({ length: traces.count }, (_, i) => Buffer.from(traceBytes(traces, i)).toString());
    };
    for (const query of queries) {
      const all = await search(atOnce, query, 1000);
      assert.ok(all.length > 2, `${query} finds ${all.length} traces, too few to tell anything`);
      for (const limit of [1, 2, 5, 30])
        assert.deepEqual(await search(inWindows, query, limit), all.slice(0, limit), `${query}, limit ${limit}`);
    }
  });
}

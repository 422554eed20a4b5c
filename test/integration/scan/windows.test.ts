import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { dedicatedColumnsFromMeta } from '#engine/api/dedicated-columns.ts';
import type { SearchAnswer } from '#engine/api/search-answer.ts';
import type { SearchBlockRequest } from '#engine/api/search-request.ts';
import { createLocalBackend } from '#engine/backend/local.ts';
import { blockId, tenantId } from '#engine/base/units.ts';
import { createJobEnvironment } from '#engine/jobs/environment.ts';
import { searchBlock } from '#engine/jobs/search-block.ts';
import { windowSizes } from '#engine/scan/search.ts';

// Goal: a search that stops at a small limit after a window of a row group shows traces exactly as a search of everything does.
// Method: real blocks of every version, windows of 4 rows, limits of 1 to 5, each trace compared byte by byte with the full answer's.

const root = join(import.meta.dirname, '../../fixtures/blocks');
const queries = [
  '{ }',
  '{ name = "GET /healthz" }',
  '{ name =~ "(GET|POST) .*" && duration > 1ms }',
  '{ status = error }',
  '{ kind = client && span.http.status_code >= 200 }',
  '{ resource.service.name = "payment" }',
  '{ resource.service.name != "payment" || status = error }',
  '{ .http.method = "GET" }',
  '{ resource.host.cpus > 2 }',
  '{ span.db.rows > 100 }',
  '{ event:name = "exception" }',
  '{ event.exception.type != nil }',
  '{ traceDuration > 10ms && rootServiceName = "frontend" }',
  '{ duration * 2 > 20ms }',
  '{ span.does.not.exist = nil }',
  '{ kind = server } && { status = error }',
  '{ span.user.premium = true } || { name = "cron" }',
];

test('windows grow and end with all rows', () => {
  assert.deepEqual(windowSizes(60_000, 20, 256), [256, 1024, 4096, 60_000]);
  assert.deepEqual(windowSizes(60_000, 2000, 256), [4096, 60_000]);
  assert.deepEqual(windowSizes(500, 20, 256), [500]);
});

for (const tenant of ['vp2', 'vp3', 'vp4-rf1', 'vp5', 'dedicated5', 'rowgroups', 'edge5']) {
  test(`a small limit shows the same traces: ${tenant}`, async () => {
    const backend = await createLocalBackend({ path: root });
    const full = createJobEnvironment({ backend, maxMemoryBytes: 2 ** 28, cacheBytes: 2 ** 22 });
    const windowed = createJobEnvironment({ backend, maxMemoryBytes: 2 ** 28, cacheBytes: 2 ** 22, firstWindowRows: 4 });
    let shown = 0;
    for (const request of blockRequests(tenant)) {
      for (const query of queries) {
        const everything = byTraceId(await searchBlock(full, tenantId(tenant), { ...request, query, limit: 10_000 }, 'json'));
        for (const limit of [1, 2, 5]) {
          const some = byTraceId(await searchBlock(windowed, tenantId(tenant), { ...request, query, limit }, 'json'));
          assert.equal(some.size, Math.min(limit, everything.size), `${query} limit ${limit}`);
          for (const [id, text] of some) assert.equal(text, everything.get(id), `${query} limit ${limit}`);
          shown += some.size;
        }
      }
    }
    backend.close();
    assert.ok(shown > 0);
  });
}

function blockRequests(tenant: string): readonly SearchBlockRequest[] {
  return readdirSync(join(root, tenant)).flatMap((name) => {
    const id = blockId(name);
    if (id === undefined) return [];
    const meta = JSON.parse(readFileSync(join(root, tenant, name, 'meta.json'), 'utf8'));
    const block = {
      blockId: id,
      version: meta.format,
      sizeBytes: meta.size,
      footerBytes: meta.footerSize,
      totalRecords: meta.totalRecords,
      startPage: 0,
      pagesToSearch: meta.totalRecords,
      dedicatedColumns: dedicatedColumnsFromMeta(meta.dedicatedColumns ?? []),
    };
    return [{ tags: new Map(), startSeconds: 0, endSeconds: 0, limit: 20, spansPerSpanset: 3, block }];
  });
}

function byTraceId({ traces }: SearchAnswer): Map<string, string> {
  const found = new Map<string, string>();
  for (let i = 0; i < traces.count; i++) {
    const text = Buffer.from(traces.bytes.subarray(traces.offsets[i], traces.offsets[i + 1])).toString();
    found.set(JSON.parse(text).traceID, text);
  }
  return found;
}

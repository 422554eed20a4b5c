import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { dedicatedColumnsFromMeta } from '#engine/api/dedicated-columns.ts';
import { createLocalBackend } from '#engine/backend/local.ts';
import { blockId, tenantId } from '#engine/base/units.ts';
import { createJobEnvironment } from '#engine/jobs/environment.ts';
import { searchBlock } from '#engine/jobs/search-block.ts';

// Goal: a blob column (zstd, no dictionary; vParquet5) answers as the generic list of vParquet4 does over the same traces, also as the very first search of a
// process, when decompressing makes the memory of the kernels grow, and again from what is kept.
// Method: the same traces in both versions; fresh environments.

const roots = { vParquet4: 'blocks', vParquet5: 'blocks-v5' };
const tenant = tenantId('smoke');

async function matches(version: keyof typeof roots, query: string): Promise<readonly (readonly string[])[]> {
  const root = join(import.meta.dirname, '../../fixtures/bench', roots[version]);
  const backend = await createLocalBackend({ path: root });
  const environment = createJobEnvironment({ backend, maxMemoryBytes: 2 ** 28, cacheBytes: 2 ** 26 });
  const [name] = readdirSync(join(root, tenant));
  const meta = JSON.parse(readFileSync(join(root, tenant, name, 'meta.json'), 'utf8'));
  const block = {
    blockId: blockId(name)!,
    version,
    sizeBytes: meta.size,
    footerBytes: meta.footerSize,
    totalRecords: meta.totalRecords,
    startPage: 0,
    pagesToSearch: meta.totalRecords,
    dedicatedColumns: dedicatedColumnsFromMeta(meta.dedicatedColumns ?? []),
  };
  const request = { query, tags: new Map(), startSeconds: 0, endSeconds: 0, limit: 10_000, spansPerSpanset: 100, block };
  const answers: (readonly string[])[] = [];
  for (let i = 0; i < 2; i++) {
    const { traces } = await searchBlock(environment, tenant, request, 'json');
    const texts = Array.from({ length: traces.count }, (_, t) =>
      JSON.parse(Buffer.from(traces.bytes.subarray(traces.offsets[t], traces.offsets[t + 1])).toString()),
    );
    answers.push(texts.map(({ traceID, spanSet }) => `${traceID} ${spanSet.matched}`).sort());
  }
  backend.close();
  return answers;
}

for (const query of [
  '{ span.request.id != nil }',
  '{ span.request.id =~ "[0-7].*" }',
  '{ span.request.id = "nowhere" }',
  '{ event.exception.stacktrace != nil }',
]) {
  test(`blob columns: ${query}`, async () => {
    const [expected] = await matches('vParquet4', query);
    const [first, again] = await matches('vParquet5', query);
    assert.deepEqual(first, expected);
    assert.deepEqual(again, expected);
    assert.ok(query.includes('nowhere') === (expected.length === 0));
  });
}

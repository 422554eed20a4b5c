// Every trace of real blocks is found, whole, with few requests.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { spanCount } from '#engine/api/otlp.ts';
import { resourceSpansJson } from '#engine/api/otlp-json.ts';
import { countRequests } from '#engine/backend/counted.ts';
import { createMemoryBackend } from '#engine/backend/memory.ts';
import { type BlockMeta, parseBlockMeta } from '#engine/blocklist/meta.ts';
import { createJobEnvironment } from '#engine/jobs/environment.ts';
import { findTraceInBlock } from '#engine/jobs/find-trace-block.ts';
import { chunkFields } from '#engine/kernels/kernels.ts';

const blocks = new URL('../../fixtures/blocks/', import.meta.url);

/** A block in memory, as if in a remote store, with its requests and what is in it according to another reader. */
async function openBlock(tenant: string, blockName: string) {
  const folder = new URL(`${tenant}/${blockName}/`, blocks);
  const memory = createMemoryBackend();
  for (const name of readdirSync(folder)) memory.put(`${tenant}/${blockName}/${name}`, readFileSync(new URL(name, folder)));
  const requests: string[] = [];
  const remote = { ...memory, coalesceGapBytes: 512 * 1024 };
  const backend = countRequests(remote, (request) => requests.push('key' in request ? request.key.split('/').at(-1)! : request.kind));
  const environment = createJobEnvironment({ backend, maxMemoryBytes: 1 << 30, cacheBytes: 1 << 26 });
  const meta = parseBlockMeta(readFileSync(new URL('meta.json', folder)));
  const file = new Uint8Array(readFileSync(new URL('data.parquet', folder))).buffer;
  const rows = await parquetReadObjects({ file, columns: ['TraceID', 'rs'], compressors, utf8: false });
  const traces = rows.map((row) => ({ id: row.TraceID as Uint8Array, spans: countSpans(row.rs) }));
  const find = (id: Uint8Array) => findTraceInBlock(environment, meta.tenant, meta, id);
  return { environment, meta, requests, traces, find };
}

/** Spans below a value as hyparquet gives it: objects with a span id. */
function countSpans(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, member) => sum + countSpans(member), 0);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return 0;
  if ('SpanID' in value && 'ParentSpanID' in value) return value.SpanID === null || value.SpanID === undefined ? 0 : 1;
  return Object.values(value).reduce((sum: number, member) => sum + countSpans(member), 0);
}

function firstBlock(tenant: string): string {
  return readdirSync(new URL(`${tenant}/`, blocks)).find((name) => name.length === 36)!;
}

describe('all traces of a block are found', () => {
  for (const tenant of ['vp2', 'vp3', 'vp4', 'vp5', 'dedicated5', 'rowgroups', 'rowgroups27', 'edge5']) {
    test(tenant, async () => {
      const { requests, traces, find } = await openBlock(tenant, firstBlock(tenant));
      assert.ok(traces.length > 0);
      for (const { id, spans } of traces) {
        requests.length = 0;
        const { trace, inspectedBytes } = await find(id);
        assert.ok(trace !== undefined && inspectedBytes > 0);
        assert.equal(spanCount(trace), spans, Buffer.from(id).toString('hex'));
        for (const { scopeSpans } of trace.resourceSpans) {
          for (const span of scopeSpans.flatMap((scope) => scope.spans)) assert.deepEqual(span.traceId, id);
        }
        assert.ok(requests.length <= 8, `one lookup made ${requests.length} requests: ${requests.join(', ')}`);
      }
    });
  }
});

test('an absent trace costs its bloom filter, once', async () => {
  const { requests, find } = await openBlock('rowgroups', firstBlock('rowgroups'));
  for (let i = 0; i < 200; i++) {
    requests.length = 0;
    const { trace } = await find(Buffer.from(`absent ${i}`.padEnd(16)));
    assert.equal(trace, undefined);
    const further = requests.filter((name) => !name.startsWith('bloom-'));
    assert.ok(requests.length - further.length <= 1);
    assert.ok(further.length === 0 || i > 0, 'a filter may be wrong about one in a hundred');
  }
});

test('blocks without page indexes give the same traces', async () => {
  const { environment, meta, traces, find } = await openBlock('rowgroups', firstBlock('rowgroups'));
  const some = traces.filter((_, index) => index % 7 === 0);
  const before = await Promise.all(some.map(({ id }) => find(id)));
  const open = environment.blocks.get(`${meta.tenant}/${meta.blockId}/data.parquet:${meta.sizeBytes}`);
  assert.ok(open !== undefined);
  const indexes = ['offsetIndexOffset', 'offsetIndexBytes', 'columnIndexOffset', 'columnIndexBytes'] as const;
  const members = indexes.map((name) => chunkFields.indexOf(name));
  const { chunks } = open.file.footer;
  for (let i = 0; i < chunks.length; i++) if (members.includes(i % chunkFields.length)) chunks[i] = 0;
  for (const [index, { id }] of some.entries()) {
    const { trace } = await find(id);
    assert.equal(resourceSpansJson(trace?.resourceSpans ?? []), resourceSpansJson(before[index]!.trace?.resourceSpans ?? []));
  }
});

test('unknown versions and missing objects are errors, previews hold nothing', async () => {
  const { meta, environment } = await openBlock('vp4', firstBlock('vp4'));
  const id = new Uint8Array(16);
  const find = (part: Partial<BlockMeta>) => findTraceInBlock(environment, meta.tenant, { ...meta, ...part }, id);
  await assert.rejects(find({ version: 'vParquet9' }), {
    code: 'internal',
    message: `error opening block for reading, blockID: ${meta.blockId}: vParquet9 is not a valid block version`,
  });
  await assert.rejects(find({ bloomShards: 1000 }), { code: 'not_found' });
  assert.deepEqual(await find({ version: 'vParquet5-preview3' }), { trace: undefined, inspectedBytes: 0 });
  await assert.rejects(findTraceInBlock(environment, meta.tenant, meta, id, AbortSignal.abort()), { code: 'cancelled' });
});

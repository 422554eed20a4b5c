import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DedicatedColumn } from '#engine/api/dedicated-columns.ts';
import { decodeTrace, traceBytes } from '#engine/api/encoded-traces.ts';
import type { KeyValueJson, SpansetJson } from '#engine/api/trace-json.ts';
import { createMemoryBackend } from '#engine/backend/memory.ts';
import { blockId, tenantId } from '#engine/base/units.ts';
import { createJobEnvironment } from '#engine/jobs/environment.ts';
import { searchBlock } from '#engine/jobs/search-block.ts';
import type { OtlpAttribute, OtlpSpan, OtlpTrace, OtlpValue } from '#engine/vparquet/write/trace-model.ts';
import { writeBlock } from '#engine/vparquet/write/write-block.ts';

// Goal: small cases that once went wrong stay right. Method: a block of one trace, written in memory.

const tenant = tenantId('written');

function attributes(values: Readonly<Record<string, string | bigint | boolean>>): readonly OtlpAttribute[] {
  return Object.entries(values).map(([key, value]): { key: string; value: OtlpValue } => {
    if (typeof value === 'string') return { key, value: { kind: 'string', value } };
    return { key, value: typeof value === 'bigint' ? { kind: 'int', value } : { kind: 'boolean', value } };
  });
}

function span(id: number, values: Readonly<Record<string, string | bigint | boolean>>, members: Partial<OtlpSpan> = {}): OtlpSpan {
  return {
    spanId: Uint8Array.of(0, 0, 0, 0, 0, 0, 1, id),
    parentSpanId: new Uint8Array(0),
    name: `span ${id}`,
    kind: 1,
    startNanos: 1_700_000_000_000_000_000n,
    endNanos: 1_700_000_000_001_000_000n,
    statusCode: 0,
    statusMessage: '',
    traceState: '',
    attributes: attributes(values),
    events: [],
    links: [],
    ...members,
  };
}

async function search(
  query: string,
  spans: readonly OtlpSpan[],
  resource: readonly OtlpAttribute[] = [],
  dedicatedColumns: readonly DedicatedColumn[] = [],
): Promise<readonly SpansetJson[]> {
  const scope = { name: '', version: '', attributes: [], spans };
  const trace: OtlpTrace = { traceId: Uint8Array.of(1), resources: [{ attributes: resource, scopes: [scope] }] };
  const { dataParquet, meta } = writeBlock([trace], { version: 'vParquet5', dedicatedColumns, rowGroupTraces: 1 });
  const id = blockId('00000000-0000-4000-8000-000000000001')!;
  const backend = createMemoryBackend();
  backend.put(`${tenant}/${id}/data.parquet`, dataParquet);
  const environment = createJobEnvironment({ backend, maxMemoryBytes: 2 ** 26, cacheBytes: 2 ** 20 });
  const block = { ...meta, blockId: id, startPage: 0, pagesToSearch: 1 };
  const request = { query, tags: new Map(), startSeconds: 0, endSeconds: 0, limit: 20, spansPerSpanset: 10, block };
  const { traces } = await searchBlock(environment, tenant, request, 'json');
  return traces.count === 0 ? [] : (decodeTrace(traceBytes(traces, 0), 'json').spanSets ?? []);
}

function shown(list: readonly KeyValueJson[] | undefined): readonly string[] {
  return (list ?? []).map(({ key, value }) => `${key}=${Object.values(value ?? {})[0]}`).sort();
}

test('an attribute is shown for a match of another alternative, though its own one has none', async () => {
  const [spanset] = await search('{ (name = "none" && .a = "x") || .b = "y" }', [span(1, { a: 'x', b: 'y' })]);
  assert.deepEqual(shown(spanset?.spans?.[0]?.attributes), ['a=x', 'b=y']);
});

test('twice not is what it was; not of what has no truth is no match', async () => {
  const spans = [span(1, { flag: true, n: 1n, m: 2n }), span(2, {}), span(3, { flag: false })];
  const names = async (query: string) =>
    (await search(`${query} | select(name)`, spans)).flatMap((set) => set.spans?.map((one) => one.name));
  assert.deepEqual(await names('{ !!.flag }'), ['span 1']);
  assert.deepEqual(await names('{ !!(.flag = true) }'), ['span 1']);
  assert.deepEqual(await names('{ !(.n + .m) }'), []);
});

test('a service name that is no text stands alone', async () => {
  const [spanset] = await search('{ } | by(resource.service.name)', [span(1, {})], attributes({ 'service.name': 5n }));
  assert.deepEqual(shown(spanset?.attributes), ['by(resource.service.name)=5']);
});

test('a text is shown as it is where the attribute has a column of integers', async () => {
  const columns: readonly DedicatedColumn[] = [{ scope: 'span', name: 'code', type: 'int', options: [] }];
  const spansets = await search('{ } | select(span.code) | by(span.code)', [span(1, { code: 'x' }), span(2, { code: 7n })], [], columns);
  assert.deepEqual(spansets.flatMap((set) => shown(set.attributes)).sort(), ['by(span.code)=7', 'by(span.code)=x']);
  assert.deepEqual(spansets.flatMap((set) => shown(set.spans?.[0]?.attributes)).sort(), ['code=7', 'code=x']);
});

test('ids are compared and grouped as they are printed', async () => {
  const parent = span(1, { ref: '0000000000000101' });
  const child = span(2, {}, { parentSpanId: parent.spanId });
  const groups = await search('{ } | by(span:parentID)', [parent, child]);
  assert.deepEqual(groups.flatMap((set) => shown(set.attributes)).sort(), [
    'by(span:parentID)=0000000000000000',
    'by(span:parentID)=0000000000000101',
  ]);
  assert.equal((await search('{ span:id = .ref }', [parent, child]))[0]?.matched, 1);
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { encodeTenantIndex } from '#engine/blocklist/encode-index.ts';
import { decodeJsonIndex, decodeProtobufIndex, type TenantIndex } from '#engine/blocklist/tenant-index.ts';
import { idOf, live, nowMs, putIndex, putMeta, setUp, tenant } from './poll-bench.ts';

const blocks = path.join(import.meta.dirname, '../../fixtures/blocks');
const file = (name: string): Buffer => readFileSync(path.join(blocks, name));
const written = ['+tenant/index.pb.zst', '+tenant/index.json.gz'];

for (const tenantName of ['compacted', 'single-tenant', 'rowgroups', 'stale-index', 'empty']) {
  test(`the index of ${tenantName} is written as real Tempo wrote it, in both forms`, async () => {
    const realJson = gunzipSync(file(`${tenantName}/index.json.gz`)).toString();
    const { protobuf, json } = await encodeTenantIndex(await decodeJsonIndex(file(`${tenantName}/index.json.gz`)));
    // Of the time of creation milliseconds are kept, and Tempo writes empty lists as null or [].
    const comparable = (text: string) => text.replace(/"created_at":"[^"]*"/, '').replaceAll(':null', ':[]');
    assert.equal(comparable(gunzipSync(json).toString()), comparable(realJson));
    const createdAt = (text: string): number => Date.parse(JSON.parse(text).created_at);
    assert.equal(createdAt(gunzipSync(json).toString()), createdAt(realJson));
    assert.deepEqual(json.subarray(10, 21), Buffer.from('index.json\0'));
    const real = zstdDecompressSync(file(`${tenantName}/index.pb.zst`));
    const own = zstdDecompressSync(protobuf);
    const afterCreatedAt = (message: Buffer): Buffer => message.subarray(2 + message[1]);
    assert.deepEqual(afterCreatedAt(own), afterCreatedAt(real));
    assert.equal(protobuf[4] & 0b100, 0b100, 'the frame has a checksum');
  });
}

test('what is written is read back: dedicated columns, zeros, times before the epoch', async () => {
  const { metas } = await decodeProtobufIndex(file('compacted/index.pb.zst'));
  const columns = [
    { scope: 'event', name: 'é', type: 'int', options: ['array', 'blob'] },
    { scope: 'span', name: 'n', type: 'string', options: [] },
  ] as const;
  const index: TenantIndex = {
    createdAtMs: 1_700_000_000_123,
    metas: [...metas, { ...metas[0], dedicatedColumns: columns, sizeBytes: (2 ** 40) as never }],
    compacted: [
      { meta: { ...metas[0], sizeBytes: 0 as never, startSeconds: -5 as never, totalTraces: 0 }, compactedMs: 1_700_000_000_007 },
      { meta: metas[1], compactedMs: 0 },
    ],
  };
  const { protobuf, json } = await encodeTenantIndex(index);
  assert.deepEqual(await decodeProtobufIndex(protobuf), index);
  assert.deepEqual(await decodeJsonIndex(json), index);
  const none = await encodeTenantIndex({ createdAtMs: 0, metas: [], compacted: [] });
  assert.deepEqual(await decodeJsonIndex(none.json), { createdAtMs: 0, metas: [], compacted: [] });
});

test('metas of the old format would lose fields: they are refused', async () => {
  const { metas } = await decodeProtobufIndex(file('compacted/index.pb.zst'));
  const index = { createdAtMs: 0, metas: [{ ...metas[0], version: 'v2' }], compacted: [] };
  await assert.rejects(encodeTenantIndex(index), { code: 'unimplemented' });
});

test('a builder lists the bucket with every poll and writes both forms, whatever index there was', async () => {
  const { memory, poller, events, reads, writes } = setUp({ buildIndex: 'always' });
  putMeta(memory, 1);
  putMeta(memory, 2);
  putMeta(memory, 3, 'meta.compacted.json', {}, 'tenant', 5000);
  putIndex(memory, 'protobuf', [2, 9]);
  await poller.pollOnce();
  assert.deepEqual(live(poller), [1, 2]);
  assert.deepEqual(writes(), written);
  // The index saved reading one meta; the block that only it names is not there.
  assert.deepEqual(
    reads().filter((key) => key.includes('meta')),
    [`tenant/${idOf(1)}/meta.json`, `tenant/${idOf(3)}/meta.compacted.json`],
  );
  for (const index of [
    await decodeProtobufIndex(await memory.read('tenant/index.pb.zst')),
    await decodeJsonIndex(await memory.read('tenant/index.json.gz')),
  ]) {
    assert.equal(index.createdAtMs, nowMs);
    assert.deepEqual(
      index.metas.map(({ blockId }) => blockId),
      [idOf(1), idOf(2)],
    );
    assert.deepEqual(
      index.compacted.map(({ meta, compactedMs }) => [meta.blockId, compactedMs]),
      [[idOf(3), 5000]],
    );
  }
  assert.ok(events.some((event) => event.kind === 'tenant_polled' && event.builder && event.source === 'bucket'));

  const before = poller.blocklist(tenant);
  await poller.pollOnce();
  assert.deepEqual(writes(), written);
  assert.deepEqual(reads(), []);
  assert.equal(poller.blocklist(tenant), before, 'an unchanged list is the same list');
});

test('without blocks a builder deletes both forms; the tenant is gone with the next poll', async () => {
  const { memory, poller, writes, kinds } = setUp({ buildIndex: 'always' });
  putMeta(memory, 1);
  await poller.pollOnce();
  writes();
  memory.remove(`tenant/${idOf(1)}/meta.json`);
  kinds();
  await poller.pollOnce();
  assert.deepEqual(writes(), ['-tenant/index.pb.zst', '-tenant/index.json.gz']);
  assert.deepEqual(await memory.listFolders(''), []);
  assert.equal(poller.tenants().size, 0);
  assert.deepEqual(kinds(), ['index_written', 'tenant_polled', 'tenant_removed', 'poll_finished']);
});

test('a fallback writes only where settings say so', async () => {
  for (const [buildIndex, expected] of [
    ['never', []],
    ['fallback', written],
  ] as const) {
    const { memory, poller, writes, reads, events } = setUp({ buildIndex, staleTenantIndexMs: 600_000 });
    putMeta(memory, 1);
    putMeta(memory, 2);
    putIndex(memory, 'protobuf', [1], nowMs - 601_000);
    await poller.pollOnce();
    assert.deepEqual(live(poller), [1, 2]);
    assert.deepEqual(writes(), expected);
    assert.ok(events.some((event) => event.kind === 'index_failed' && event.indexAgeMs === 601_000));
    assert.ok(events.some((event) => event.kind === 'tenant_polled' && !event.builder));
    assert.ok(!reads().includes(`tenant/${idOf(1)}/meta.json`), 'the stale index told it');
    // What was written is good for the next poll.
    await poller.pollOnce();
    assert.deepEqual(writes(), []);
    assert.equal(events.filter((event) => event.kind === 'index_failed').length, buildIndex === 'never' ? 2 : 1);
  }
});

test('an index that cannot be written is told; the poll succeeds', async () => {
  const { memory, poller, failures, events } = setUp({ buildIndex: 'always' });
  putMeta(memory, 1);
  failures.push({ match: /^write:/, code: 'config', times: 1 });
  await poller.pollOnce();
  assert.deepEqual(live(poller), [1]);
  assert.ok(events.some((event) => event.kind === 'index_write_failed' && event.error.code === 'config'));
  await poller.pollOnce();
  assert.ok(events.some((event) => event.kind === 'index_written' && event.blocks === 1));
});

test('an index would hide a block whose meta is broken: it is not written', async () => {
  const { memory, poller, writes, events } = setUp({ buildIndex: 'always' });
  putMeta(memory, 1);
  memory.put(`tenant/${idOf(2)}/meta.json`, Buffer.from('{'));
  await poller.pollOnce();
  assert.deepEqual(live(poller), [1]);
  assert.deepEqual(writes(), []);
  assert.ok(events.some((event) => event.kind === 'index_write_failed' && event.error.message.includes(idOf(2))));
});

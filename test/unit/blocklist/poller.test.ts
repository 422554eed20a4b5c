import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryBackend } from '#engine/backend/memory.ts';
import { systemClock } from '#engine/base/clock.ts';
import { tenantId } from '#engine/base/units.ts';
import { createPoller } from '#engine/blocklist/poller.ts';
import { defaultPollSettings } from '#engine/blocklist/settings.ts';
import { metaJson, packJson } from './index-files.ts';
import { idOf, live, nowMs, putIndex, putMeta, setUp, tenant } from './poll-bench.ts';

test('the protobuf index is preferred, the JSON one read only without it', async () => {
  const { memory, poller, reads, events } = setUp();
  putIndex(memory, 'protobuf', [1, 2], nowMs - 90_000);
  putIndex(memory, 'json', [3]);
  await poller.pollOnce();
  assert.deepEqual(live(poller), [1, 2]);
  assert.deepEqual(reads(), ['tenant/index.pb.zst']);
  assert.deepEqual(events[0], {
    kind: 'tenant_polled',
    tenant,
    source: 'index.pb.zst',
    liveBlocks: 2,
    compactedBlocks: 0,
    builder: false,
    indexAgeMs: 90_000,
  });
  memory.remove('tenant/index.pb.zst');
  await poller.pollOnce();
  assert.deepEqual(live(poller), [3]);
  assert.deepEqual(reads(), ['tenant/index.json.gz', 'tenant/index.pb.zst']);
});

test('a protobuf index that is broken or not answered is no reason to trust the JSON one', async () => {
  for (const spoil of ['bytes', 'answer'] as const) {
    const { memory, poller, failures, kinds } = setUp({ fallback: false });
    putIndex(memory, 'json', [3]);
    memory.put('tenant/index.pb.zst', Buffer.from('damaged'));
    if (spoil === 'answer') failures.push({ match: /pb\.zst/, code: 'unavailable', times: 9 });
    await poller.pollOnce();
    assert.deepEqual(live(poller), []);
    assert.deepEqual(kinds(), ['index_failed', 'tenant_failed', 'index_failed', 'tenant_failed', 'poll_finished']);
  }
});

test('without an index the bucket is listed, if that is allowed', async () => {
  const { memory, poller, events } = setUp();
  putMeta(memory, 1);
  putMeta(memory, 2, 'meta.compacted.json', {}, 'tenant', 777);
  putMeta(memory, 3);
  putMeta(memory, 3, 'meta.compacted.json', {}, 'tenant', 888);
  memory.put(`tenant/${idOf(4)}/data.parquet`, Buffer.from('without meta'));
  memory.put(`tenant/${idOf(5)}/deeper/meta.json`, Buffer.from('{}'));
  memory.put('tenant/no-block/meta.json', Buffer.from('{}'));
  await poller.pollOnce();
  assert.deepEqual(live(poller), [1]);
  assert.deepEqual(
    poller.blocklist(tenant).compacted.map(({ meta, compactedMs }) => [meta.blockId, compactedMs]),
    [
      [idOf(2), 777],
      [idOf(3), 888],
    ],
  );
  assert.deepEqual(
    events.map((event) => event.kind),
    ['index_failed', 'tenant_polled', 'poll_finished'],
  );
  assert.equal(poller.tenants().size, 1);
});

test('known metas are not read again, whatever list they are in', async () => {
  const { memory, poller, reads } = setUp();
  putMeta(memory, 1);
  putMeta(memory, 2);
  await poller.pollOnce();
  const [first] = poller.blocklist(tenant).metas;
  assert.equal(reads().length, 4);
  putMeta(memory, 3);
  memory.remove(`tenant/${idOf(2)}/meta.json`);
  putMeta(memory, 2, 'meta.compacted.json');
  await poller.pollOnce();
  assert.deepEqual(
    reads().filter((key) => key.includes('meta')),
    [`tenant/${idOf(3)}/meta.json`],
  );
  assert.deepEqual(live(poller), [1, 3]);
  assert.equal(
    poller.blocklist(tenant).metas.find(({ blockId }) => blockId === first.blockId),
    first,
  );
  putIndex(memory, 'protobuf', [1, 3]);
  await poller.pollOnce();
  assert.equal(
    poller.blocklist(tenant).metas.find(({ blockId }) => blockId === first.blockId),
    first,
  );
});

test('a stale index counts as broken; at the limit it is good', async () => {
  const { memory, poller, events } = setUp({ staleTenantIndexMs: 600_000 });
  putMeta(memory, 1);
  putIndex(memory, 'protobuf', [7], nowMs - 600_000);
  await poller.pollOnce();
  assert.deepEqual(live(poller), [7]);
  putIndex(memory, 'protobuf', [7], nowMs - 601_000);
  events.splice(0);
  await poller.pollOnce();
  assert.deepEqual(live(poller), [1]);
  assert.ok(
    events[0].kind === 'index_failed' && /^tenant index created at 2026-01-10T12:49:59.000Z is stale$/.test(events[0].error.message),
  );
});

test('a broken meta is left out and told each time; the others count', async () => {
  const { memory, poller, events } = setUp();
  putMeta(memory, 1);
  putMeta(memory, 2, 'meta.json', { size: -1 });
  memory.put(`tenant/${idOf(3)}/meta.json`, Buffer.from('{"format"'));
  memory.put(`tenant/${idOf(4)}/meta.json`, Buffer.from(JSON.stringify(metaJson(idOf(5)))));
  memory.put(`tenant/${idOf(6)}/meta.json`, Buffer.alloc(1024 * 1024 + 1, 0x20));
  for (let turn = 0; turn < 2; turn++) {
    await poller.pollOnce();
    assert.deepEqual(live(poller), [1]);
    const skipped = events.splice(0).flatMap((event) => (event.kind === 'meta_skipped' ? [event.block] : []));
    assert.deepEqual(skipped.sort(), [2, 3, 4, 6].map(idOf));
  }
});

test('a block compacted or deleted between listing and reading', async () => {
  const memory = createMemoryBackend();
  putMeta(memory, 1);
  putMeta(memory, 2);
  putMeta(memory, 3);
  let changed = false;
  const racing = createPoller({
    backend: {
      ...memory,
      read: async (key, signal) => {
        // The listing has ended when the first meta is read.
        if (!changed && key.endsWith('meta.json')) {
          changed = true;
          memory.remove(`tenant/${idOf(2)}/meta.json`);
          putMeta(memory, 2, 'meta.compacted.json');
          memory.remove(`tenant/${idOf(3)}/meta.json`);
        }
        return memory.read(key, signal);
      },
    },
    settings: defaultPollSettings,
    clock: { ...systemClock, nowMs: () => nowMs },
    random: () => 0,
    onEvent: () => undefined,
  });
  await racing.pollOnce();
  assert.deepEqual(live(racing), [1]);
  assert.deepEqual(
    racing.blocklist(tenant).compacted.map(({ meta, compactedMs }) => [meta.blockId, compactedMs]),
    [[idOf(2), nowMs]],
  );
});

test("a copied bucket: the folder's name is the tenant", async () => {
  const { memory, poller } = setUp();
  putMeta(memory, 1, 'meta.json', { tenantID: 'original' }, 'copy');
  await poller.pollOnce();
  assert.equal(poller.blocklist(tenantId('copy')).metas[0].tenant, 'copy');
});

test('one tenant fails: tried again, then its previous list stays; more failures than tolerated keep all lists', async () => {
  const { memory, poller, failures, kinds } = setUp({ fallback: false });
  for (const name of ['a', 'b', 'c']) {
    const index = { created_at: new Date(nowMs).toISOString(), meta: [metaJson(idOf(1), { tenantID: name })] };
    memory.put(`${name}/index.json.gz`, packJson(index));
  }
  await poller.pollOnce();
  kinds();
  failures.push({ match: /^a\/index.pb/, code: 'unavailable', times: 1 });
  await poller.pollOnce();
  assert.deepEqual(kinds(), ['index_failed', 'tenant_failed', 'tenant_polled', 'tenant_polled', 'tenant_polled', 'poll_finished']);

  failures.push({ match: /^a\/index.pb/, code: 'unavailable', times: 2 });
  memory.remove('b/index.json.gz');
  memory.put('b/index.json.gz', packJson({ created_at: new Date(nowMs).toISOString(), meta: [1, 2].map((n) => metaJson(idOf(n))) }));
  const before = poller.blocklist(tenantId('a'));
  await poller.pollOnce();
  assert.equal(poller.blocklist(tenantId('a')), before);
  assert.equal(poller.blocklist(tenantId('b')).metas.length, 2);

  failures.push({ match: /^[ac]\/index.pb/, code: 'unavailable', times: 4 });
  memory.put('b/index.json.gz', packJson({ created_at: new Date(nowMs).toISOString(), meta: [] }));
  const all = poller.tenants();
  await assert.rejects(poller.pollOnce(), { code: 'unavailable', message: 'too many tenant failures; abandoning polling cycle' });
  assert.equal(poller.tenants(), all);
  kinds();
  await poller.pollOnce();
  assert.deepEqual([...poller.tenants().keys()], ['a', 'c']);
  assert.deepEqual(kinds(), ['tenant_polled', 'tenant_polled', 'tenant_polled', 'tenant_removed', 'poll_finished']);
});

test('a bucket that cannot be listed keeps all lists', async () => {
  const { memory, poller, failures, events } = setUp();
  putMeta(memory, 1);
  await poller.pollOnce();
  failures.push({ match: /^list:/, code: 'unavailable', times: 1 });
  await assert.rejects(poller.pollOnce(), { code: 'unavailable' });
  assert.deepEqual(live(poller), [1]);
  const last = events.at(-1);
  assert.ok(last?.kind === 'poll_finished' && last.error?.code === 'unavailable');
});

test('folders that are no tenants are told; limits hold; jitter waits', async () => {
  const { memory, poller, events, waits } = setUp({ jitterMs: 100, tolerateConsecutiveErrors: 0 }, 3);
  memory.put('lost+found/x', Buffer.from('x'));
  memory.put('tempo_cluster_seed.json', Buffer.from('{}'));
  for (const number of [1, 2, 3]) putMeta(memory, number);
  await poller.pollOnce();
  assert.ok(events.some((event) => event.kind === 'folder_ignored' && event.name === 'lost+found'));
  assert.deepEqual(waits, [50, 50, 50]);
  putMeta(memory, 4);
  events.splice(0);
  await poller.pollOnce();
  assert.ok(events.some((event) => event.kind === 'tenant_failed' && event.error.code === 'resource_exhausted'));
  assert.deepEqual(live(poller), [1, 2, 3]);
});

test('an aborted poll changes nothing and says so', async () => {
  const { memory, poller } = setUp();
  putMeta(memory, 1);
  await assert.rejects(poller.pollOnce(AbortSignal.abort()), { code: 'cancelled' });
  assert.equal(poller.tenants().size, 0);
});

test('it runs until the signal ends it, through failed polls', async () => {
  const { memory, poller, failures, waits, events } = setUp();
  putMeta(memory, 1);
  const controller = new AbortController();
  failures.push({ match: /^list:/, code: 'unavailable', times: 1 });
  const running = poller.run(0, controller.signal);
  while (events.filter((event) => event.kind === 'poll_finished').length < 3) await new Promise((resolve) => setImmediate(resolve));
  controller.abort();
  await running;
  assert.ok(waits.every((wait) => wait === 300_000));
  assert.deepEqual(live(poller), [1]);
  const finished = events.filter((event) => event.kind === 'poll_finished');
  assert.equal(finished[0].error?.code, 'unavailable');
  assert.equal(finished[1].error, undefined);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cacheRanges, createRangeCache } from '#engine/backend/cached.ts';
import { type BackendCall, measureBackend } from '#engine/backend/measured.ts';
import { createMemoryBackend } from '#engine/backend/memory.ts';

const content = Uint8Array.from({ length: 1000 }, (_, index) => index);

function memory() {
  const backend = createMemoryBackend();
  backend.put('t/b/data.parquet', content);
  backend.put('t/b/meta.json', content);
  return backend;
}

test('a measured backend reports every call once', async () => {
  const calls: BackendCall[] = [];
  let nowMs = 0;
  const backend = measureBackend(memory(), { monotonicMs: () => nowMs++ }, (call) => calls.push(call));
  await backend.read('t/b/meta.json');
  await backend.readRange('t/b/data.parquet', 10, 30);
  await assert.rejects(backend.readRange('t/b/data.parquet', 990, 1001), { code: 'corrupt_block' });
  await backend.listFolders('t/');
  for await (const object of backend.listObjects('')) {
    assert.equal(object.key, 't/b/data.parquet');
    break;
  }
  await assert.rejects(backend.read('none'), { code: 'not_found' });
  const plain = calls.map(({ operation, key, bytes, durationMs, error }) => [operation, key, bytes, durationMs, error?.code]);
  assert.deepEqual(plain, [
    ['read', 't/b/meta.json', 1000, 1, undefined],
    ['read_range', 't/b/data.parquet', 20, 1, undefined],
    ['read_range', 't/b/data.parquet', 0, 1, 'corrupt_block'],
    ['list_folders', 't/', 0, 1, undefined],
    ['list_objects', '', 0, 1, undefined],
    ['read', 'none', 0, 1, 'not_found'],
  ]);
});

test('a cache answers small ranges of data files only', async () => {
  let requests = 0;
  const cache = createRangeCache({ maxBytes: 100_000 });
  const counted = measureBackend(memory(), { monotonicMs: () => 0 }, () => requests++);
  const backend = cacheRanges(counted, { cache, maxRangeBytes: 100 });
  for (let turn = 0; turn < 3; turn++) {
    assert.deepEqual(Buffer.from(await backend.readRange('t/b/data.parquet', 5, 105)), Buffer.from(content.subarray(5, 105)));
  }
  assert.equal(requests, 1);
  await backend.readRange('t/b/data.parquet', 5, 104);
  assert.equal(requests, 2);
  for (let turn = 0; turn < 2; turn++) await backend.readRange('t/b/data.parquet', 5, 106);
  for (let turn = 0; turn < 2; turn++) await backend.readRange('t/b/meta.json', 5, 6);
  assert.equal(requests, 6);
  assert.deepEqual(cache.stats(), { hits: 2, misses: 2, entries: 2, sizeBytes: 199 + 2 * 256 });
  await assert.rejects(backend.readRange('t/b/data.parquet', 990, 1001), { code: 'corrupt_block' });
  await assert.rejects(backend.readRange('t/b/data.parquet', 9, 1), { code: 'bad_request' });
  assert.equal(cache.stats().entries, 2);
});

test('a cache keeps its own copy of a view, and stays within its limit', () => {
  const cache = createRangeCache({ maxBytes: 10_000 });
  const large = new Uint8Array(1 << 20);
  cache.set('k', 0, 10, large.subarray(0, 10));
  assert.equal(cache.get('k', 0, 10)?.buffer.byteLength, 10);
  assert.equal(cache.get('k', 0, 11), undefined);
  assert.equal(cache.get('k', 1, 10), undefined);
  for (let index = 0; index < 1000; index++) cache.set(`key-${index}`, 0, 100, new Uint8Array(100));
  assert.ok(cache.stats().sizeBytes <= 10_000);
  assert.equal(cache.stats().entries, Math.floor(10_000 / 356));
  assert.ok(cache.get('key-999', 0, 100));
  assert.equal(cache.get('k', 0, 10), undefined);
});

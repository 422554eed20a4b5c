import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRangeCache } from '#engine/backend/cached.ts';
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

test('a cache keeps its own copy of a view, and stays within its limit', () => {
  const cache = createRangeCache({ maxBytes: 10_000 });
  const large = new Uint8Array(1 << 20);
  cache.set('k', 0, 10, large.subarray(0, 10));
  assert.equal(cache.get('k', 0, 10)?.buffer.byteLength, 10);
  assert.equal(cache.get('k', 0, 11), undefined);
  assert.equal(cache.get('k', 1, 10), undefined);
  assert.deepEqual(cache.stats(), { hits: 1, misses: 2, entries: 1, sizeBytes: 10 + 256 });
  for (let index = 0; index < 1000; index++) cache.set(`key-${index}`, 0, 100, new Uint8Array(100));
  assert.ok(cache.stats().sizeBytes <= 10_000);
  assert.equal(cache.stats().entries, Math.floor(10_000 / 356));
  assert.ok(cache.get('key-999', 0, 100));
  assert.equal(cache.get('k', 0, 10), undefined);
});

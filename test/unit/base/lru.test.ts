import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createLru } from '#engine/base/lru.ts';

test('what was used longest ago goes first', () => {
  const removed: string[] = [];
  const lru = createLru<string, number>({ maxBytes: 3, onRemove: (key) => removed.push(key) });
  for (const key of ['a', 'b', 'c']) lru.set(key, 0, 1);
  assert.equal(lru.get('a'), 0);
  lru.set('d', 0, 2);
  assert.deepEqual(removed, ['b', 'c']);
  assert.equal(lru.get('b'), undefined);
  assert.equal(lru.sizeBytes(), 3);
  lru.set('huge', 0, 4);
  assert.equal(lru.get('huge'), undefined);
  assert.deepEqual(removed, ['b', 'c', 'huge']);
  lru.clear();
  assert.deepEqual(removed, ['b', 'c', 'huge', 'a', 'd']);
  assert.equal(lru.count(), 0);
});

test('it never holds more than its limit, and each value is removed once', () => {
  const step = fc.record({ key: fc.nat(8), size: fc.nat(12), kind: fc.constantFrom('set', 'get', 'delete') });
  fc.assert(
    fc.property(fc.nat(30), fc.array(step, { maxLength: 200 }), (maxBytes, steps) => {
      const live = new Map<number, number>();
      const sizes = new Map<number, number>();
      const lru = createLru<number, number>({
        maxBytes,
        onRemove: (key, value) => {
          if (live.get(key) === value) live.delete(key);
        },
      });
      for (const [index, { key, size, kind }] of steps.entries()) {
        if (kind === 'set') {
          lru.delete(key);
          live.set(key, index);
          sizes.set(index, size);
          lru.set(key, index, size);
        } else if (kind === 'get') assert.equal(lru.get(key), live.get(key));
        else {
          const had = live.has(key);
          assert.equal(lru.delete(key), had);
        }
        assert.ok(lru.sizeBytes() <= maxBytes);
        assert.equal(lru.count(), live.size);
        assert.equal(
          lru.sizeBytes(),
          [...live.values()].reduce((sum, value) => sum + (sizes.get(value) ?? 0), 0),
        );
      }
    }),
  );
});

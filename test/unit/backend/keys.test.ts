import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { blockObjectKey, checkKey, joinKey, normalizePrefix } from '#engine/backend/keys.ts';
import { AppError } from '#engine/base/errors.ts';
import { blockId, tenantId } from '#engine/base/units.ts';

const badRequest = (thrown: unknown): boolean => thrown instanceof AppError && thrown.code === 'bad_request';

test('a block key has tenant, block and name', () => {
  const block = blockId('7D000000-4000-4000-8000-00000000003C');
  assert.ok(block);
  assert.equal(
    blockObjectKey(tenantId('single-tenant'), block, 'data.parquet'),
    'single-tenant/7d000000-4000-4000-8000-00000000003c/data.parquet',
  );
});

test('names that lead elsewhere are refused', () => {
  for (const name of ['', '.', '..', 'a/b', '../a', 'a\0', '\\', 'a\\..\\b', 'x'.repeat(1025)]) {
    assert.throws(() => joinKey('tenant', name, 'meta.json'), badRequest, JSON.stringify(name));
  }
});

test('a key that is accepted stays below its folder, whatever it is made of', () => {
  const names = fc.oneof(fc.constantFrom('..', '.', '', 'a', '\0', '\\..', '...', '%2e%2e'), fc.string({ maxLength: 6 }));
  const folder = '/bucket/of/traces';
  let accepted = 0;
  fc.assert(
    fc.property(fc.array(names, { minLength: 1, maxLength: 5 }), (parts) => {
      const key = parts.join('/');
      try {
        checkKey(key);
      } catch (thrown) {
        return badRequest(thrown);
      }
      accepted++;
      const file = path.join(folder, key);
      return (
        file === `${folder}/${key}` &&
        new URL(`http://host/${encodeURI(key).replaceAll('?', '%3F').replaceAll('#', '%23')}`).pathname.split('/').length ===
          key.split('/').length + 1
      );
    }),
    { numRuns: 2000 },
  );
  assert.ok(accepted > 100);
});

test('a configured prefix is trimmed or refused', () => {
  assert.equal(normalizePrefix(''), '');
  assert.equal(normalizePrefix('/'), '');
  assert.equal(normalizePrefix('/a/b/'), 'a/b/');
  for (const prefix of ['a//b', '..', 'a/../b', 'a\\b']) assert.throws(() => normalizePrefix(prefix), { code: 'config' }, prefix);
});

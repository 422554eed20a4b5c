import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { configurationReference } from '../../../querier/config/reference.ts';
import { configKeys } from '../../../querier/config/schema/schema.ts';

test('docs/configuration.md is what the schema says', () => {
  const committed = readFileSync(join(import.meta.dirname, '../../../docs/configuration.md'), 'utf8');
  assert.equal(committed, configurationReference(), 'run npm run docs:configuration');
});

test('every key that is read says what it means', () => {
  const silent = configKeys.filter(({ status, meaning }) => status === 'used' && meaning === '').map(({ path }) => path);
  assert.deepEqual(silent, []);
});

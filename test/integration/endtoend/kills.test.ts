// A short share of `npm run sim:kills`.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildFunction } from '../../../infra/local/build-function.mjs';
import { runKills } from './kills.ts';

test('functions that are killed in the middle of calls fail no query and change no answer', async (t) => {
  buildFunction();
  const seed = 11;
  t.diagnostic(`seed ${seed}`);
  const blocks = join(import.meta.dirname, '../../fixtures/blocks');
  const { calm, killing } = await runKills({ blocks, tenant: 'rowgroups', seed, queries: 60, killEveryMs: 250 });
  for (const { failed, wrong } of [calm, killing]) assert.deepEqual({ failed, wrong }, { failed: [], wrong: [] });
  assert.ok(killing.kills >= 1, `${killing.kills} kills`);
});

// Recorded lookups of traces by id and of names and values of tags, against one process that does everything itself.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { LocalProcess } from '../../infra/local/processes.ts';
import { localStorage, startServer } from '../../infra/local/server.ts';
import { recordedBlocks } from './cases.ts';
import { compareLookup } from './compare-lookups.ts';
import { assertConformance } from './report.ts';
import { lookups } from './selection.ts';
import { runCases } from './send.ts';

describe('one process, local blocks', () => {
  let server: LocalProcess;
  before(async () => {
    server = await startServer({ storage: localStorage(recordedBlocks), multitenancy: true });
  });
  after(() => server?.stop());

  const check = async (group: Parameters<typeof lookups>[0], minimum: number): Promise<void> =>
    assertConformance(group, await runCases(server.url, lookups(group), compareLookup), minimum);
  test('traces by id', () => check('trace-by-id', 275));
  test('names of tags', () => check('tags', 150));
  test('values of tags', () => check('tag-values', 325));
});

test('what is compared can fail', () => {
  const [found] = lookups('trace-by-id').filter(({ path }) => path === '/api/traces/a0000000000000000000000000000001');
  assert.ok(found);
  const answer = { status: 200, contentType: 'application/json', body: Buffer.from(JSON.stringify(found.body)) };
  assert.deepEqual(compareLookup(found, answer), []);
  const changed = JSON.stringify(found.body).replace('"intValue":"123"', '"intValue":"124"');
  assert.equal(compareLookup(found, { ...answer, body: Buffer.from(changed) }).length, 2);
  assert.equal(compareLookup(found, { ...answer, status: 404 }).length, 1);
});

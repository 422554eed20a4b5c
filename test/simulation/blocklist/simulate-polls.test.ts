import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PollFigures, simulatePolls } from './simulate-polls.ts';

test('polls over a small simulated bucket: right lists, few requests, known metas are not read again', async () => {
  const seed = Number(process.env.SIM_SEED ?? 7);
  console.log(`seed ${seed}`);
  const polls: PollFigures[] = [];
  await simulatePolls({ seed, tenants: 40, slots: 4000, gc: undefined, onPoll: (figures) => polls.push(figures) });
  const [listed, built, same, changed, read, readAgain, readChanged] = polls;
  assert.equal(polls.length, 7);
  assert.equal(listed.counts.metas, listed.live + listed.compacted);
  assert.equal(built.counts.puts, 2 * built.tenants);
  assert.equal(same.counts.metas, 0);
  assert.ok(changed.counts.metas > 0 && changed.counts.metas < changed.live / 50, `${changed.counts.metas}`);
  for (const { counts, tenants } of [read, readAgain, readChanged]) {
    assert.deepEqual([counts.gets, counts.metas, counts.listPages], [tenants, 0, 1]);
  }
});

// A short share of `npm run sim:spill`: the same worlds, fewer queries, and bounds with room for that.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultRows, runFaults } from './faults.ts';
import { percentile } from './random.ts';
import { singleCalls, tailOf, wideQueries } from './tails.ts';
import { earlyExits, exitRows, lastStartAfterCancel, shareAfterAnswer } from './waste.ts';
import { createWorld } from './world.ts';

test('a wide query has its tail cut for a few calls, and none are wasted when everything is slow', async () => {
  const seeds = 4;
  const { cleanOff, off, adaptive, slow } = await wideQueries(seeds);
  const bound = 2 * Math.max(...cleanOff.latenciesMs);
  assert.ok(Math.max(...adaptive.latenciesMs) <= bound, `${Math.max(...adaptive.latenciesMs)} ms, at most ${bound}`);
  assert.ok(Math.min(...off.latenciesMs) > bound, 'without hedging every query has a straggler');
  assert.ok(adaptive.callsPerJob <= 1.07, `${adaptive.callsPerJob} calls per job`);
  assert.ok(slow.callsPerJob <= 1.1, `${slow.callsPerJob} calls per job on a slow day`);
});

test('single calls: the percentile is learnt on the way, and the budget holds when all calls become slow', async () => {
  const { off, adaptive, slow } = await singleCalls(2, 2000);
  assert.ok(tailOf(adaptive).p99 <= 20 && tailOf(off).p99 > 50, `${tailOf(adaptive).p99} ms against ${tailOf(off).p99}`);
  assert.ok(adaptive.callsPerJob <= 1.09, `${adaptive.callsPerJob} calls per job`);
  assert.ok(slow.callsPerJob <= 1.12, `${slow.callsPerJob} calls per job on a slow day`);
});

test('no fault of functions fails a query or changes its answer', async () => {
  const runs = new Map<string, Awaited<ReturnType<typeof runFaults>>>();
  for (const [name, options] of faultRows) runs.set(name, await runFaults(name, options, 3, 60));
  // Of sixty queries the slowest are those that find out what is wrong.
  const calm = runs.get('calm')!.p95Ms;
  const local = runs.get('querier only')!.p95Ms;
  for (const [name, run] of runs) {
    assert.deepEqual([run.failed, run.wrong], [0, 0], name);
    const runsHere = /^(all (endpoints|have)|querier)/.test(name);
    const atMost = runsHere ? local * 1.1 : calm * 2;
    assert.ok(run.p95Ms <= atMost, `${name}: ${run.p95Ms} ms, at most ${atMost}`);
  }
});

test('when the limit is reached, little more is billed, whether functions see an abort or run on', async () => {
  for (const [name, options] of exitRows.slice(0, 2)) {
    const waste = await earlyExits(4, 20, options);
    assert.ok(waste.billedMs > 0 && shareAfterAnswer(waste) <= 0.06, `${name}: ${waste.afterAnswerMs} of ${waste.billedMs} ms`);
  }
});

test('nothing starts when the client has gone', async () => {
  assert.ok((await lastStartAfterCancel(5)) <= 50);
});

test('the same seed gives the same world', async () => {
  const run = async (seed: number) => {
    const world = createWorld({ seed, endpoints: [{ stragglers: 0.05, hangs: 0.01 }, { throttled: 0.1 }, { dead: true }] });
    const latencies: number[] = [];
    for (let query = 0; query < 20; query++) latencies.push((await world.query(30)).latencyMs);
    return [...latencies, percentile(latencies, 0.5)];
  };
  assert.deepEqual(await run(6), await run(6));
  assert.notDeepEqual(await run(6), await run(7));
});

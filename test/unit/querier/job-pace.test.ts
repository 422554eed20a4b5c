import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { jobsAtOnce } from '../../../querier/frontend/job-pace.ts';
import { search } from '../../../querier/frontend/search.ts';
import { answerWith, traceIds } from './answers.ts';
import { block, list } from './blocks.ts';
import { blocks, call, config, environment, hang, live, matchAll, type Run } from './search-environment.ts';

test('jobs at once follow what has been found', () => {
  const at = (limit: number, found: number, answered: number) => jobsAtOnce({ limit, found, answered });
  // Before the first answer: half of the limit, for a job may well find two; at least twenty.
  assert.deepEqual([at(20, 0, 0), at(1000, 0, 0), at(1, 0, 0)], [20, 500, 20]);
  // Nothing in the first answers: soon all that there may be.
  assert.deepEqual([at(20, 0, 10), at(20, 0, 100), at(1, 0, 10), at(1, 0, 100)], [110, 1010, 40, 400]);
  // One trace in ten jobs, nearly done: fewer than the ten that one more would take on average.
  assert.deepEqual([at(20, 10, 100), at(20, 19, 190), at(20, 19, 19)], [71, 10, 1]);
  // A long search may have some run in vain.
  assert.equal(at(20, 19, 10_000), 500);
  // Never none, even when the limit is reached.
  assert.equal(at(20, 25, 1), 1);
});

const answersLater = (traces: (index: number) => readonly (readonly [string, number])[]): Run => {
  return async (_job, _signal, index) => {
    await new Promise((resolve) => setImmediate(resolve));
    return answerWith(...traces(index));
  };
};

test('a search that finds enough in every job starts few of them', async () => {
  const run = answersLater((index) => Array.from({ length: 20 }, (_, trace) => [`${index}aa${trace}`, 1000] as const));
  const { created, seen } = environment(run, blocks(500));
  const outcome = await search(created, call(matchAll), live);
  assert.ok(outcome.kind === 'answered');
  assert.equal(outcome.answer.traces.count, 20);
  assert.equal(seen.length, 20);
  const eager = environment(run, blocks(500), config(['query_frontend.search.pace_jobs', false]));
  await search(eager.created, call(matchAll), live);
  assert.ok(eager.seen.length >= 100, `${eager.seen.length}, and the queue takes 100`);
});

test('a search that finds nothing has all jobs running after a few answers', async () => {
  const peaks: number[] = [];
  const { created, seen, peak } = environment(async (...[, , index]) => {
    await new Promise((resolve) => setImmediate(resolve));
    peaks[index] = peak.running;
    return answerWith();
  }, blocks(1000));
  await search(created, call(matchAll), live);
  assert.equal(seen.length, 1000);
  assert.equal(peaks[0], 20);
  assert.equal(peak.running, 100);
});

test('jobs that wait are started when others end, whatever these find', async () => {
  const found = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 150 });
  await fc.assert(
    fc.asyncProperty(found, fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 30 }), async (counts, limit, concurrency) => {
      const run: Run = async (job) => {
        const at = Number.parseInt(job.request.block.blockId.slice(-12), 10);
        await new Promise((resolve) => setImmediate(resolve));
        return answerWith(...Array.from({ length: counts[at]! }, (_, trace) => [`${at + 1}ff${trace}`, 1000] as const));
      };
      const settings = config(['query_frontend.search.concurrent_jobs', concurrency]);
      const { created, peak } = environment(run, blocks(counts.length), settings);
      const outcome = await search(created, call(`${matchAll}&limit=${limit}`), live);
      assert.ok(outcome.kind === 'answered');
      const total = counts.reduce((sum, count) => sum + count, 0);
      assert.equal(outcome.answer.traces.count, Math.min(limit, total));
      assert.ok(peak.running <= concurrency);
    }),
    { numRuns: 100 },
  );
});

test('most_recent: jobs that hold only older traces than were found never start, all others do', async () => {
  // Blocks end at 2999, 2989, …; the first job finds a trace of 2950, so those that end after it are needed.
  const ends = Array.from({ length: 300 }, (_, index) => 2999 - 10 * index);
  const run: Run = async (job, signal, index) => {
    if (index === 0) return answerWith(['a', 2950]);
    await new Promise((resolve) => setImmediate(resolve));
    return signal.aborted ? hang(job, signal, index) : answerWith();
  };
  const query = `q=${encodeURIComponent('{} with (most_recent=true)')}&limit=1`;
  const settings = config(['query_frontend.search.most_recent_shards', 300]);
  const { created, seen } = environment(run, list(...ends.map((endSeconds, index) => block(index, { endSeconds }))), settings);
  const outcome = await search(created, call(query), live);
  assert.ok(outcome.kind === 'answered');
  assert.deepEqual(traceIds(outcome.answer), ['a']);
  // Twenty start at once, before anything is known; those that end at 2949 and before would not have.
  assert.equal(seen.length, 20);
  assert.equal(outcome.answer.metrics.completedJobs, 6);
});

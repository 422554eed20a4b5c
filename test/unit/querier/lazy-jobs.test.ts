import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SearchRequest } from '#engine/api/search-request.ts';
import { createJobQueue } from '../../../querier/frontend/queue.ts';
import { runJobs } from '../../../querier/frontend/run-jobs.ts';
import { type SearchJob, shardSearch } from '../../../querier/frontend/sharder.ts';
import { block, list } from './blocks.ts';

const options = { nowSeconds: 10_000, queryBackendAfterSeconds: 0, targetBytesPerJob: 100, mostRecentShards: 200 };
const request = { query: '{ }', startSeconds: 0, endSeconds: 9000, limit: 20 } as unknown as SearchRequest;

/** A search of 20,000 jobs, whose jobs are counted when they are made. */
function countedJobs(): { readonly jobs: Iterator<SearchJob>; readonly made: () => number } {
  const blocks = Array.from({ length: 200 }, (_, index) => block(index, { sizeBytes: 10_000, totalRecords: 100 }));
  const plan = shardSearch(request, [list(...blocks)], options);
  assert.equal(plan.totalJobs, 20_000);
  let made = 0;
  return {
    jobs: plan.jobs().map((job) => {
      made++;
      return job;
    }),
    made: () => made,
  };
}

async function run(jobs: Iterator<SearchJob>, onAnswer: () => boolean): Promise<void> {
  const queue = createJobQueue({
    concurrency: 40,
    maxOutstandingPerTenant: 2000,
    monotonicMs: () => 0,
    onLength: () => {},
    onRefused: () => {},
    onWaited: () => {},
  });
  const answer = () => new Promise<void>((resolve) => setImmediate(resolve));
  const failure = await runJobs(
    { tenantLabel: 't', weight: 1, queue, jobs, concurrency: 1000, maxRetries: 2, run: answer, onAnswer, onRetries: () => {} },
    new AbortController().signal,
  );
  assert.equal(failure, undefined);
}

test('at most concurrent_jobs jobs are there at once, however many a query has', async () => {
  const { jobs, made } = countedJobs();
  let answered = 0;
  let most = 0;
  await run(jobs, () => {
    most = Math.max(most, made() - answered);
    answered++;
    return false;
  });
  assert.deepEqual([made(), answered], [20_000, 20_000]);
  assert.ok(most <= 1000, `${most} at once`);
});

test('a query that has enough makes no more jobs', async () => {
  const { jobs, made } = countedJobs();
  let answered = 0;
  await run(jobs, () => ++answered === 100);
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(made() <= 1200, `${made()} made`);
});

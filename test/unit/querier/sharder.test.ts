import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SearchRequest } from '#engine/api/search-request.ts';
import { tenantId } from '#engine/base/units.ts';
import { pagesPerJob, type ShardOptions, shardSearch } from '../../../querier/frontend/sharder.ts';
import { block, list, shop } from './blocks.ts';

const request: SearchRequest = {
  query: '{}',
  tags: new Map(),
  startSeconds: 1000,
  endSeconds: 3000,
  limit: 20,
  spansPerSpanset: 3,
};
const options: ShardOptions = { nowSeconds: 10_000, queryBackendAfterSeconds: 0, targetBytesPerJob: 500, mostRecentShards: 200 };

function jobsOf(lists: Parameters<typeof shardSearch>[1], part: Partial<ShardOptions> = {}, asked = request) {
  return [...shardSearch(asked, lists, { ...options, ...part }).jobs()];
}

test('pages per job follow size, row groups and target', () => {
  const cases: readonly (readonly [size: number, records: number, target: number, pages: number])[] = [
    [0, 4, 500, 0],
    [1000, 0, 500, 0],
    [499, 7, 500, 7],
    [500, 5, 500, 5],
    [1000, 4, 500, 2],
    [1000, 4, 499, 1],
    [1000, 4, 1, 1],
    [3, 4, 1, 0],
  ];
  for (const [sizeBytes, totalRecords, target, pages] of cases) {
    assert.equal(pagesPerJob(block(1, { sizeBytes, totalRecords }), target), pages, `${sizeBytes}/${totalRecords}/${target}`);
  }
});

test('jobs come newest end first, then by block id, with the pages in order', () => {
  const jobs = jobsOf([list(block(2, { endSeconds: 1500 }), block(3, { endSeconds: 1800 }), block(1, { endSeconds: 1500 }))]);
  const seen = jobs.map(({ request: { block: part } }) => [Number(part.blockId.slice(-1)), part.startPage, part.pagesToSearch]);
  assert.deepEqual(seen, [
    [3, 0, 2],
    [3, 2, 2],
    [1, 0, 2],
    [1, 2, 2],
    [2, 0, 2],
    [2, 2, 2],
  ]);
  assert.deepEqual(jobs[0]!.request.startSeconds, 1000);
});

test('the window takes blocks that touch it, and stops at query_backend_after', () => {
  const blocks = list(
    block(1, { startSeconds: 100, endSeconds: 1000 }),
    block(2, { startSeconds: 100, endSeconds: 999 }),
    block(3, { startSeconds: 3000, endSeconds: 4000 }),
    block(4, { startSeconds: 3001, endSeconds: 4000 }),
    block(5, { startSeconds: 2500, endSeconds: 2600 }),
  );
  const ids = (part: Partial<ShardOptions>) => shardSearch(request, [blocks], { ...options, ...part });
  assert.deepEqual([...new Set([...ids({}).jobs()].map((job) => Number(job.request.block.blockId.slice(-1))))], [3, 5, 1]);
  assert.equal(ids({ queryBackendAfterSeconds: 7600 }).totalBlocks, 1, 'the boundary is 2400');
  assert.equal(ids({ queryBackendAfterSeconds: 9000 }).totalBlocks, 0, 'the window is empty');
});

test('blocks of several tenants are searched in one order, each for its tenant', () => {
  const other = tenantId('other');
  const jobs = jobsOf([
    list(block(1, { endSeconds: 1500, totalRecords: 1 }), block(3, { endSeconds: 1300, totalRecords: 1 })),
    list(block(2, { endSeconds: 1400, totalRecords: 1, tenant: other })),
  ]);
  assert.deepEqual(
    jobs.map(({ tenant, request: { block: part } }) => [tenant, Number(part.blockId.slice(-1))]),
    [
      [shop, 1],
      [other, 2],
      [shop, 3],
    ],
  );
});

test('shards close at blocks that end before the query; the last one covers everything', () => {
  const plan = shardSearch(
    request,
    [list(block(1, { endSeconds: 3500 }), block(2, { endSeconds: 2500 }), block(3, { endSeconds: 1500 }), block(4, { endSeconds: 1200 }))],
    { ...options, mostRecentShards: 3 },
  );
  assert.deepEqual(plan.shards, [
    { jobCount: 4, completedThroughSeconds: 2500 },
    { jobCount: 2, completedThroughSeconds: 1500 },
    { jobCount: 2, completedThroughSeconds: Number.NEGATIVE_INFINITY },
  ]);
  assert.deepEqual(
    [...plan.jobs()].map((job) => job.shard),
    [0, 0, 0, 0, 1, 1, 2, 2],
  );
});

test('jobs are made only when they are asked for', () => {
  const blocks = list(...Array.from({ length: 1000 }, (_, index) => block(index, { totalRecords: 1000, sizeBytes: 1_000_000 })));
  const plan = shardSearch(request, [blocks], { ...options, targetBytesPerJob: 1 });
  assert.equal(plan.totalJobs, 1_000_000);
  assert.equal(plan.totalBlockBytes, 1_000_000_000);
  const jobs = plan.jobs();
  assert.equal(jobs.next().value?.request.block.startPage, 0);
  assert.equal(jobs.next().value?.request.block.startPage, 1);
});

test('every row group of every selected block is in exactly one job, and the totals say so', () => {
  const anyBlock = fc.record({
    startSeconds: fc.integer({ min: 0, max: 4000 }),
    length: fc.integer({ min: 0, max: 2000 }),
    sizeBytes: fc.integer({ min: 0, max: 3000 }),
    totalRecords: fc.integer({ min: 0, max: 20 }),
  });
  fc.assert(
    fc.property(
      fc.array(anyBlock, { maxLength: 12 }),
      fc.integer({ min: 1, max: 2000 }),
      fc.integer({ min: 1, max: 5 }),
      (parts, target, shards) => {
        const blocks = parts.map(({ length, ...part }, index) => block(index, { ...part, endSeconds: part.startSeconds + length }));
        const plan = shardSearch(request, [list(...blocks)], { ...options, targetBytesPerJob: target, mostRecentShards: shards });
        const covered = new Map<string, number[]>();
        let jobs = 0;
        for (const { request: job, shard } of plan.jobs()) {
          jobs++;
          assert.ok(shard < plan.shards.length);
          const pages = covered.get(job.block.blockId) ?? [];
          for (let page = 0; page < job.block.pagesToSearch; page++) pages.push(job.block.startPage + page);
          covered.set(job.block.blockId, pages);
        }
        assert.equal(jobs, plan.totalJobs);
        assert.equal(covered.size, plan.totalBlocks);
        assert.ok(plan.shards.length <= shards);
        for (const { blockId, totalRecords } of blocks) {
          const pages = covered.get(blockId);
          if (pages === undefined) continue;
          assert.deepEqual(
            pages.filter((page) => page < totalRecords),
            Array.from({ length: totalRecords }, (_, page) => page),
          );
        }
      },
    ),
    { numRuns: 200 },
  );
});

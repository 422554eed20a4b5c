import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { MetricsRange } from '#engine/api/metrics-request.ts';
import type { SearchRequest } from '#engine/api/search-request.ts';
import { type BlockId, tenantId } from '#engine/base/units.ts';
import { compareNewestFirst, createBlocklist } from '#engine/blocklist/list.ts';
import type { BlockMeta } from '#engine/blocklist/meta.ts';
import { selectBlocksById } from '#engine/blocklist/select.ts';
import { createCompleteIntervals } from '../../../querier/frontend/complete-intervals.ts';
import { shardMetrics } from '../../../querier/frontend/metrics-sharder.ts';
import { shardSearch } from '../../../querier/frontend/sharder.ts';
import { shardTags } from '../../../querier/frontend/tags-sharder.ts';
import { block } from '../../unit/querier/blocks.ts';

/*
 * Plans that are made lazily, over indexes and typed arrays, against the definition of the specification (read-path §3.2, §3.3, §5.3), written out plainly over
 * whole lists.
 */
const seed = Number(process.env.FC_SEED ?? Date.now() % 2 ** 31);
console.log(`FC_SEED=${seed}`);
const runs = { seed, numRuns: Number(process.env.FC_RUNS ?? 150) };

const target = 1000;
const times = fc.tuple(fc.nat(3000), fc.nat(600));
const arbitraryBlock = fc.record({
  id: fc.uuid(),
  times,
  sizeBytes: fc.oneof(fc.nat(5000), fc.constantFrom(0, 999, 1000, 1001)),
  totalRecords: fc.nat(12),
  replicationFactor: fc.constantFrom(0, 1, 1),
});
// Enough of them for several runs of the list's index.
const arbitraryLists = fc.array(fc.array(arbitraryBlock, { maxLength: 700, size: 'max' }), { minLength: 1, maxLength: 3 });
const window = fc.record({ start: fc.nat(3500), length: fc.nat(1500) });

type Drawn = (typeof arbitraryLists extends fc.Arbitrary<infer Value> ? Value : never)[number][number];

function metasOf(drawn: readonly Drawn[], tenant: number): BlockMeta[] {
  const unique = new Map(drawn.map((one) => [one.id, one]));
  return [...unique.values()].map(({ id, times: [startSeconds, length], ...rest }) =>
    block(0, { ...rest, tenant: tenantId(`t${tenant}`), blockId: id as BlockId, startSeconds, endSeconds: startSeconds + length }),
  );
}

/** Row groups per job, as the table of the specification says. */
function pages({ sizeBytes, totalRecords }: BlockMeta): number {
  if (sizeBytes === 0 || totalRecords === 0) return 0;
  if (sizeBytes < target) return totalRecords;
  const perPage = Math.floor(sizeBytes / totalRecords);
  return perPage === 0 ? 0 : Math.max(1, Math.floor(target / perPage));
}

function partsOf(meta: BlockMeta) {
  const { blockId, version, sizeBytes, footerBytes, totalRecords, dedicatedColumns } = meta;
  const parts = [];
  for (let startPage = 0; startPage < totalRecords; startPage += pages(meta)) {
    parts.push({ blockId, version, sizeBytes, footerBytes, totalRecords, dedicatedColumns, startPage, pagesToSearch: pages(meta) });
  }
  return parts;
}

function overlapping(metas: readonly BlockMeta[], start: number, end: number): BlockMeta[] {
  return metas.filter((meta) => meta.startSeconds <= end && meta.endSeconds >= start).sort(compareNewestFirst);
}

test('search: jobs, totals and shards are those of the definition', () => {
  fc.assert(
    fc.property(
      arbitraryLists,
      window,
      fc.integer({ min: 1, max: 20 }),
      fc.nat(4000),
      (drawn, { start, length }, mostRecentShards, age) => {
        const metas = drawn.map(metasOf);
        const request = { query: '{ }', startSeconds: start, endSeconds: start + length, limit: 5 } as unknown as SearchRequest;
        const options = { nowSeconds: 4000, queryBackendAfterSeconds: age, targetBytesPerJob: target, mostRecentShards };
        const plan = shardSearch(
          request,
          metas.map((list) => createBlocklist(list, [])),
          options,
        );
        const boundary = 4000 - age;
        const [from, to] = [Math.min(start, boundary), Math.min(start + length, boundary)];
        const selected = from < to ? overlapping(metas.flat(), from, to).filter((meta) => pages(meta) > 0) : [];
        const perShard = Math.max(1, Math.floor(selected.length / mostRecentShards));
        const shards: { jobCount: number; completedThroughSeconds: number }[] = [];
        const jobs: unknown[] = [];
        let inShard = 0;
        let jobCount = 0;
        selected.forEach((meta, at) => {
          for (const part of partsOf(meta)) {
            jobs.push({ tenant: meta.tenant, shard: shards.length, request: { ...request, block: part } });
            jobCount++;
          }
          inShard++;
          const last = at === selected.length - 1;
          const closes = inShard >= perShard && meta.endSeconds < start + length && shards.length < mostRecentShards - 1;
          if (!last && !closes) return;
          shards.push({ jobCount, completedThroughSeconds: last ? Number.NEGATIVE_INFINITY : meta.endSeconds });
          inShard = 0;
          jobCount = 0;
        });
        assert.deepEqual([...plan.jobs()], jobs);
        assert.deepEqual([...plan.jobs()], jobs, 'jobs can be made again');
        assert.deepEqual(plan.shards, shards);
        const totals = [plan.totalBlocks, plan.totalJobs, plan.totalBlockBytes];
        assert.deepEqual(totals, [selected.length, jobs.length, selected.reduce((sum, meta) => sum + meta.sizeBytes, 0)]);
      },
    ),
    runs,
  );
});

test('tags: the same blocks and parts; the newest blocks of each tenant where there is a limit', () => {
  fc.assert(
    fc.property(arbitraryLists, window, fc.nat(30), (drawn, { start, length }, maxBlocks) => {
      const metas = drawn.map(metasOf);
      const options = { startSeconds: start, endSeconds: start + length, nowSeconds: 9000, queryBackendAfterSeconds: 0 };
      const made = shardTags(
        metas.map((list) => createBlocklist(list, [])),
        { ...options, targetBytesPerJob: target, maxBlocks },
      );
      const newest = metas.map((list) => overlapping(list, start, start + length).slice(0, maxBlocks || list.length));
      const selected = length === 0 ? [] : newest.flat().sort(compareNewestFirst);
      const expected = selected
        .filter((meta) => pages(meta) > 0)
        .flatMap((meta) => partsOf(meta).map((part) => ({ tenant: meta.tenant, block: part })));
      assert.deepEqual([...made], expected);
    }),
    runs,
  );
});

test('metrics: each job has its part of the range, never an empty one, and its share of exemplars', () => {
  const second = 1_000_000_000n;
  const steps = fc.bigInt({ min: 1n, max: 400n * second });
  const nanos = fc.bigInt({ min: 0n, max: 4000n * second });
  fc.assert(
    fc.property(arbitraryLists, nanos, nanos, steps, fc.nat(50), fc.boolean(), (drawn, one, other, stepNanos, exemplars, instant) => {
      const [startNanos, endNanos] = one < other ? [one, other] : [other, one];
      const metas = drawn.map(metasOf);
      const range = { query: '{ } | rate()', startNanos, endNanos, stepNanos, instant, exemplars, maxSeries: 0 } as MetricsRange;
      const plan = shardMetrics(
        range,
        metas.map((list) => createBlocklist(list, [])),
        { cutoffNanos: 9000n * second, targetBytesPerJob: target },
      );
      const near = startNanos < endNanos ? overlapping(metas.flat(), Number(startNanos / second), Number(endNanos / second)) : [];
      const selected = near.filter((meta) => meta.replicationFactor === 1 && pages(meta) > 0);
      const durations = selected.map((meta) => Math.max(1, meta.endSeconds - meta.startSeconds));
      const all = durations.reduce((sum, duration) => sum + duration, 0);
      const expected = selected.flatMap((meta, at) => {
        const down = (time: bigint): bigint => time - (((time % stepNanos) + stepNanos) % stepNanos);
        const up = (time: bigint): bigint => -down(-time);
        const blockStart = down(BigInt(meta.startSeconds) * second - 1n);
        const blockEnd = up(BigInt(meta.endSeconds + 1) * second);
        const part = {
          startNanos: instant || blockStart < startNanos ? startNanos : blockStart,
          endNanos: instant || blockEnd > endNanos ? endNanos : blockEnd,
        };
        assert.ok(part.startNanos < part.endNanos);
        const ofBlock = Math.max(1, Math.ceil((exemplars * 1.2 * durations[at]!) / all));
        return partsOf(meta).map((pagesOfBlock) => {
          const read = Math.min(pagesOfBlock.pagesToSearch, meta.totalRecords - pagesOfBlock.startPage);
          const share = Math.max(1, Math.ceil((ofBlock * read) / meta.totalRecords));
          return { tenant: meta.tenant, request: { ...range, ...part, exemplars: exemplars === 0 ? 0 : share, block: pagesOfBlock } };
        });
      });
      assert.deepEqual([...plan.jobs()], expected);
      assert.deepEqual([plan.totalBlocks, plan.totalJobs], [selected.length, expected.length]);
    }),
    runs,
  );
});

test('blocks of a range of ids are those whose id lies in it', () => {
  const half = fc.uuid().map((id) => id.replaceAll('-', ''));
  fc.assert(
    fc.property(fc.array(arbitraryBlock, { maxLength: 60 }), half, half, (drawn, one, other) => {
      const metas = metasOf(drawn, 0);
      const [first, last] = one < other ? [one, other] : [other, one];
      const found = selectBlocksById(createBlocklist(metas, []), first, last);
      const expected = metas.map(({ blockId }) => blockId.replaceAll('-', '')).filter((id) => id >= first && id <= last);
      assert.deepEqual(
        found.map(({ blockId }) => blockId.replaceAll('-', '')),
        expected.sort(),
      );
    }),
    runs,
  );
});

test('intervals are complete when no job left touches them, whatever the order of answers and looks', () => {
  const covered = fc.tuple(fc.nat(120), fc.integer({ min: 1, max: 60 }));
  fc.assert(
    fc.property(fc.array(covered, { maxLength: 12 }), fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }), (drawn, looks) => {
      const grid = { startNanos: 20n, stepNanos: 7n, count: 13 };
      const jobs = drawn.map(([start, length]) => ({ startNanos: BigInt(start), endNanos: BigInt(start + length) }));
      const intervals = createCompleteIntervals(grid, () => jobs);
      const left = [...jobs];
      const sent = new Set<number>();
      const look = (): void => {
        const now: number[] = [];
        for (let at = 0; at < grid.count; at++) {
          const [from, to] = [20n + BigInt(at) * 7n, 27n + BigInt(at) * 7n];
          const busy = left.some((job) => job.startNanos < to && job.endNanos > from);
          now.push(busy || sent.has(at) ? 0 : 1);
          if (!busy) sent.add(at);
        }
        assert.deepEqual([...intervals.take()], now);
      };
      for (const [at, job] of jobs.entries()) {
        left.shift();
        intervals.finish(job);
        if (looks[at]) look();
      }
      look();
    }),
    runs,
  );
});

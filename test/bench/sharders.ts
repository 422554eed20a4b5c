import type { MetricsRange } from '#engine/api/metrics-request.ts';
import type { SearchRequest } from '#engine/api/search-request.ts';
import { bytes, type TenantId, unixSeconds } from '#engine/base/units.ts';
import { createBlocklist, type TenantBlocklist } from '#engine/blocklist/list.ts';
import type { BlockMeta } from '#engine/blocklist/meta.ts';
import { shardMetrics } from '../../querier/frontend/metrics-sharder.ts';
import { createJobQueue } from '../../querier/frontend/queue.ts';
import { runJobs } from '../../querier/frontend/run-jobs.ts';
import { shardSearch } from '../../querier/frontend/sharder.ts';
import { shardTags } from '../../querier/frontend/tags-sharder.ts';
import { shardBlockIds } from '../../querier/frontend/trace-sharder.ts';
import { createBlockModel } from '../simulation/blocklist/block-model.ts';

/*
 * What it takes to cut queries into 300,000 jobs: time to the first job, to all of them, and the memory that grows meanwhile. `npm run bench:sharders`.
 */
const jobs = 300_000;
const targetBytesPerJob = 100 << 20;
const day = 86_400;

/** Lists of some tenants whose blocks have `pages` row groups of the size of a job each. */
function listsOf(tenants: number, blocks: number, pages: number): readonly TenantBlocklist[] {
  const model = createBlockModel({ seed: 1, tenants, slots: Math.ceil(blocks * 1.03) });
  const list = (tenant: TenantId): BlockMeta[] =>
    [...model.blocksOf(tenant, 0)]
      .filter(({ compactedMs }) => compactedMs === undefined)
      .map((block) => ({
        tenant,
        blockId: block.blockId,
        version: 'vParquet4',
        startSeconds: unixSeconds(block.startSeconds),
        endSeconds: unixSeconds(block.endSeconds),
        totalTraces: 1000,
        sizeBytes: bytes(targetBytesPerJob * pages),
        footerBytes: bytes(30_000),
        totalRecords: pages,
        compactionLevel: 0,
        replicationFactor: 1,
        bloomShards: 1,
        dedicatedColumns: [],
      }));
  return model.tenants.map((tenant) => createBlocklist(list(tenant), []));
}

interface Shape {
  readonly name: string;
  readonly lists: readonly TenantBlocklist[];
}

const start = 1_767_225_600;
const end = start + 15 * day;
const options = { nowSeconds: end + day, queryBackendAfterSeconds: 900, targetBytesPerJob, mostRecentShards: 200 };

/** Plans a query and gives its jobs one by one. */
const sharders: Readonly<Record<string, (lists: readonly TenantBlocklist[]) => Iterator<unknown>>> = {
  search: (lists) => {
    const request = { startSeconds: start, endSeconds: end, limit: 20, spansPerSpanSet: 3, query: '{ }' } as unknown as SearchRequest;
    return shardSearch(request, lists, options).jobs();
  },
  tags: (lists) => shardTags(lists, { startSeconds: start, endSeconds: end, maxBlocks: 0, ...options }),
  metrics: (lists) => {
    const seconds = (value: number): bigint => BigInt(value) * 1_000_000_000n;
    const range = {
      startNanos: seconds(start),
      endNanos: seconds(end),
      stepNanos: seconds(60),
      instant: false,
      exemplars: 100,
      maxSeries: 0,
    };
    return shardMetrics(range as unknown as MetricsRange, lists, { cutoffNanos: seconds(end + day), targetBytesPerJob }).jobs();
  },
  'trace by id': () => shardBlockIds(100_001),
};

const collect = globalThis.gc as () => void;

function timed(lists: readonly TenantBlocklist[], shard: (lists: readonly TenantBlocklist[]) => Iterator<unknown>): number[] {
  const began = process.threadCpuUsage().user;
  const made = shard(lists);
  made.next();
  const first = (process.threadCpuUsage().user - began) / 1000;
  let count = 1;
  while (!made.next().done) count++;
  return [count, first, (process.threadCpuUsage().user - began) / 1000];
}

/** Jobs through the queue, a thousand at once, each answered with the next turn; gives the largest growth of the heap, with garbage and without. */
async function run(lists: readonly TenantBlocklist[], shard: (lists: readonly TenantBlocklist[]) => Iterator<unknown>): Promise<number[]> {
  const queue = createJobQueue({
    concurrency: 140,
    maxOutstandingPerTenant: 2000,
    monotonicMs: () => performance.now(),
    onLength: () => {},
    onRefused: () => {},
    onWaited: () => {},
  });
  collect();
  const before = process.memoryUsage().heapUsed;
  let most = 0;
  let live = 0;
  let answered = 0;
  const cpu = process.cpuUsage();
  await runJobs(
    {
      tenantLabel: 't',
      weight: 1,
      queue,
      jobs: shard(lists),
      concurrency: 1000,
      maxRetries: 2,
      run: () => new Promise<void>((resolve) => setImmediate(resolve)),
      onAnswer: () => {
        if (++answered % 1000 === 0) most = Math.max(most, process.memoryUsage().heapUsed - before);
        if (answered % 30_000 === 0) {
          collect();
          live = Math.max(live, process.memoryUsage().heapUsed - before);
        }
        return false;
      },
      onRetries: () => {},
    },
    new AbortController().signal,
  );
  const { user, system } = process.cpuUsage(cpu);
  return [most, live, (user + system) / answered];
}

const shapes: readonly Shape[] = [
  { name: '300,000 blocks, 1 job each', lists: listsOf(1, jobs, 1) },
  { name: '3,000 blocks, 100 jobs each', lists: listsOf(1, jobs / 100, 100) },
  { name: '100 tenants, 300,000 blocks', lists: listsOf(100, jobs, 1) },
];
console.log('| query over | jobs | first job ms | all ms | heap growth MiB | of it live | CPU per job µs |');
console.log('|---|---|---|---|---|---|---|');
const mebibytes = (value: number): string => (value / 2 ** 20).toFixed(0);
for (const [name, shard] of Object.entries(sharders)) {
  for (const { name: shape, lists } of name === 'trace by id' ? shapes.slice(0, 1) : shapes) {
    const [count, first, all] = [1, 2, 3].map(() => timed(lists, shard)).sort((a, b) => a[2] - b[2])[1];
    const [most, live, cpuMicros] = await run(lists, shard);
    const cells = [`${name}: ${shape}`, count, first.toFixed(1), all.toFixed(0), mebibytes(most), mebibytes(live), cpuMicros.toFixed(1)];
    console.log(`| ${cells.join(' | ')} |`);
  }
}

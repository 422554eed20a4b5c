import assert from 'node:assert/strict';
import { systemClock } from '#engine/base/clock.ts';
import type { PollEvent } from '#engine/blocklist/events.ts';
import { compareNewestFirst } from '#engine/blocklist/list.ts';
import { createPoller, type Poller } from '#engine/blocklist/poller.ts';
import { defaultPollSettings, type PollSettings } from '#engine/blocklist/settings.ts';
import { type BlockModel, createBlockModel, type ModelOptions } from './block-model.ts';
import { createSimulatedBucket, type RequestCounts, type SimulatedBucket } from './bucket.ts';

/** What one poll took. */
export interface PollFigures {
  readonly poll: string;
  readonly tenants: number;
  readonly live: number;
  readonly compacted: number;
  readonly counts: RequestCounts;
  /** CPU of the process, the simulated bucket's included. */
  readonly cpuMs: number;
  /** Heap after the poll, garbage collected, above that before the first poll; without `gc` some garbage counts. */
  readonly heapBytes: number;
  /** Most that the process took from the system so far. */
  readonly maxRssBytes: number;
}

/** Settings of {@link simulatePolls}. */
export interface SimulationOptions extends ModelOptions {
  /** Told of each poll after its lists have been checked. */
  readonly onPoll: (figures: PollFigures) => void;
  /** Collects all garbage, where it can. */
  readonly gc: (() => void) | undefined;
}

interface Stage {
  readonly bucket: SimulatedBucket;
  readonly measure: (name: string, poller: Poller) => Promise<void>;
}

function pollerOf(bucket: SimulatedBucket, settings: Partial<PollSettings>): Poller {
  return createPoller({
    backend: bucket.backend,
    settings: { ...defaultPollSettings, tenantConcurrency, ...settings },
    clock: systemClock,
    random: () => 0.5,
    onEvent: (event: PollEvent) => assert.ok(!['tenant_failed', 'meta_skipped', 'index_write_failed'].includes(event.kind), event.kind),
  });
}

/** Every tenant's list must be the model's: the same blocks, with the same values, in the right order. */
function checkLists({ tenants, blocksOf }: BlockModel, bucket: SimulatedBucket, poller: Poller): void {
  assert.deepEqual([...poller.tenants().keys()].sort(), [...tenants]);
  for (const tenant of tenants) {
    const { metas, compacted } = poller.blocklist(tenant);
    const left = new Map(metas.map((meta) => [meta.blockId, { meta, compactedMs: undefined as number | undefined }]));
    for (const entry of compacted) left.set(entry.meta.blockId, entry);
    assert.equal(left.size, metas.length + compacted.length);
    for (const block of blocksOf(tenant, bucket.generation())) {
      const found = left.get(block.blockId);
      left.delete(block.blockId);
      const same =
        found !== undefined &&
        found.meta.tenant === tenant &&
        found.meta.startSeconds === block.startSeconds &&
        found.meta.endSeconds === block.endSeconds &&
        found.meta.sizeBytes === block.sizeBytes &&
        found.meta.totalTraces === block.totalTraces &&
        found.compactedMs === block.compactedMs;
      assert.ok(same, `${tenant}: block ${block.blockId}`);
    }
    assert.equal(left.size, 0, `${tenant} lists blocks that are not there`);
    for (let at = 1; at < metas.length; at++) assert.ok(compareNewestFirst(metas[at - 1], metas[at]) < 0, `order of ${tenant}`);
  }
}

/** At most one page per 1,000 objects, and the ends of the groups of tenants that are polled side by side. */
function checkListings(counts: RequestCounts): void {
  assert.ok(counts.listPages <= Math.ceil(counts.listedEntries / 1000) + 1 + tenantConcurrency * 4, `${counts.listPages} pages`);
}

const tenantConcurrency = 10;

/** Sets a bucket up, and what measures polls of it. */
function createStage(options: SimulationOptions, hasIndexes: boolean): Stage {
  const { gc, onPoll } = options;
  const model = createBlockModel(options);
  const bucket = createSimulatedBucket(model, hasIndexes);
  gc?.();
  const heapBefore = process.memoryUsage().heapUsed;
  const measure: Stage['measure'] = async (poll, poller) => {
    bucket.takeCounts();
    const cpuBefore = process.cpuUsage();
    await poller.pollOnce();
    const { user, system } = process.cpuUsage(cpuBefore);
    const counts = bucket.takeCounts();
    gc?.();
    const heapBytes = process.memoryUsage().heapUsed - heapBefore;
    const maxRssBytes = process.resourceUsage().maxRSS * 1024;
    checkLists(model, bucket, poller);
    checkListings(counts);
    let live = 0;
    let compacted = 0;
    for (const list of poller.tenants().values()) {
      live += list.metas.length;
      compacted += list.compacted.length;
    }
    onPoll({ poll, tenants: poller.tenants().size, live, compacted, counts, cpuMs: (user + system) / 1000, heapBytes, maxRssBytes });
  };
  return { bucket, measure };
}

/** One process builds and one reads, each from nothing and then again after some blocks have changed; and one lists the bucket since there is no index. */
export async function simulatePolls(options: SimulationOptions): Promise<void> {
  const stage = createStage(options, false);
  await listsAndBuilds(stage);
  await readsIndexes(stage);
}

/** A process that only reads indexes: what it takes has nothing of a builder in it, but the making of the indexes. */
export async function simulateReader(options: SimulationOptions): Promise<void> {
  const { bucket, measure } = createStage(options, true);
  const reader = pollerOf(bucket, {});
  await measure('reader, first poll', reader);
  bucket.advance();
  await measure('reader, 1 % changed', reader);
}

async function listsAndBuilds({ bucket, measure }: Stage): Promise<void> {
  await measure('no index: lists the bucket, reads every meta', pollerOf(bucket, {}));
  const builder = pollerOf(bucket, { buildIndex: 'always' });
  await measure('builder, first poll', builder);
  await measure('builder, nothing changed', builder);
  bucket.advance();
  await measure('builder, 1 % changed', builder);
}

async function readsIndexes({ bucket, measure }: Stage): Promise<void> {
  const reader = pollerOf(bucket, {});
  await measure('reader, first poll', reader);
  await measure('reader, nothing changed', reader);
  bucket.advance();
  await pollerOf(bucket, { buildIndex: 'always' }).pollOnce();
  await measure('reader, 1 % changed', reader);
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { transcode } from '#engine/api/encoded-traces.ts';
import type { SearchAnswer } from '#engine/api/search-answer.ts';
import { systemClock } from '#engine/base/clock.ts';
import { addToFnv1a64, fnv1a64 } from '#engine/base/fnv.ts';
import { tenantId } from '#engine/base/units.ts';
import type { BlockMeta } from '#engine/blocklist/meta.ts';
import { createCache } from '#engine/cache/cache.ts';
import { createMemoryStore } from '#engine/cache/memory-store.ts';
import type { CacheStore } from '#engine/cache/store.ts';
import { parseTagFilter } from '#engine/traceql/tag-filter.ts';
import { createCachedRunners } from '../../../querier/frontend/cached-runners.ts';
import type { MetricsJob } from '../../../querier/frontend/metrics-sharder.ts';
import type { Job } from '../../../querier/worker/job.ts';
import type { Runners } from '../../../querier/worker/runners.ts';
import { blocksPath, wholeBlock } from '../../integration/jobs/sample-jobs.ts';
import { createLocalRunners } from '../worker/local-runners.ts';

// Goal: answers from the cache are the jobs' own, jobs that must not be cached are not, and a hit reaches nobody.
// Method: real jobs over real blocks, counted; the in-process store, whose keys can be looked at.

const signal = new AbortController().signal;
const local = await createLocalRunners(blocksPath);
const tenant = tenantId('vp5');
const meta = local.blocklist(tenant).metas[0]!;
const around = { startSeconds: meta.startSeconds - 10, endSeconds: meta.endSeconds + 10 };

/** Runners behind a cache, what they were asked for, and the store. */
function create() {
  const asked: string[] = [];
  const { runners } = local;
  const counting: Runners = {
    search: (job, end) => {
      asked.push('search');
      return runners.search(job, end);
    },
    metrics: (job, end) => {
      asked.push('metrics');
      return runners.metrics(job, end);
    },
    tags: {
      names: (...args) => {
        asked.push('names');
        return runners.tags.names(...args);
      },
      values: (...args) => {
        asked.push('values');
        return runners.tags.values(...args);
      },
    },
    trace: runners.trace,
  };
  const memory = createMemoryStore({ kind: 'memory', maxBytes: 1 << 24, ttlMs: 0 }, systemClock);
  const keys: string[] = [];
  const store: CacheStore = {
    ...memory,
    set: (key, value, end) => {
      keys.push(key);
      return memory.set(key, value, end);
    },
  };
  const config = { roles: ['frontend-search'], store: { kind: 'memory', maxBytes: 1 << 24, ttlMs: 0 } } as const;
  const cache = createCache({ config, background: { writers: 1, bufferLength: 100 }, store, clock: systemClock, onEvent: () => {} });
  return { asked, keys, cache, store, runners: createCachedRunners({ runners: counting, cache, blocklist: local.blocklist }) };
}

function searchJob(changes: Partial<Job['request']> = {}, format: Job['format'] = 'json'): Job {
  const request = {
    query: '{ status = error }',
    tags: new Map(),
    ...around,
    limit: 100,
    spansPerSpanset: 3,
    block: wholeBlock(meta),
    ...changes,
  };
  return { tenant, request, format };
}

/** Traces as texts. */
function plain({ traces }: Pick<SearchAnswer, 'traces'>) {
  const { bytes, traceIds, startNanos, count } = traces;
  return {
    text: Buffer.from(bytes).toString('latin1'),
    ids: Buffer.from(traceIds).toString('hex'),
    starts: [...startNanos].map(String),
    count,
  };
}

const step = 60_000_000_000n;
const second = 1_000_000_000n;

function metricsJob(query: string, changes: Partial<MetricsJob['request']> = {}): MetricsJob {
  const startNanos = BigInt(meta.startSeconds) * second - ((BigInt(meta.startSeconds) * second) % step) - step;
  const endNanos = startNanos + 100n * step;
  const range = { query, startNanos, endNanos, stepNanos: step, instant: false, exemplars: 5, maxSeries: 0 };
  return { tenant, request: { ...range, block: wholeBlock(meta), ...changes } };
}

test('a search is answered from the cache: the same traces in both formats, and no cost', async () => {
  const { runners, asked, keys, cache } = create();
  const first = await runners.search(searchJob(), signal);
  await cache.flush();
  assert.ok(first.traces.count > 0 && first.metrics.inspectedBytes > 0);
  const again = await runners.search(searchJob(), signal);
  assert.deepEqual(plain(again), plain(first));
  assert.deepEqual(Object.values(again.metrics), [0, 0, 0, 0, 0, 0, 0]);
  const protobuf = await runners.search(searchJob({ query: '{status=error}' }, 'protobuf'), signal);
  assert.deepEqual(plain({ traces: transcode(protobuf.traces, 'json') }).ids, plain(first).ids, 'another spelling, another format');
  assert.deepEqual(asked, ['search']);
  const hash = addToFnv1a64(addToFnv1a64(fnv1a64('{ status = error }'), 100n), 3n);
  assert.deepEqual(keys, [`sj:vp5:${hash}:${meta.blockId}:0:${meta.totalRecords}`]);
});

test('FNV-1a with 64 bits', () => {
  assert.equal(fnv1a64(''), 0xcbf29ce484222325n);
  assert.equal(fnv1a64('a'), 0xaf63dc4c8601ec8cn);
  assert.equal(fnv1a64('foobar'), 0x85944171f73967e8n);
  assert.equal(
    addToFnv1a64(fnv1a64(''), 0x666f6f6261720000n),
    [...Buffer.from('foobar\0\0')].reduce((hash, byte) => BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n), fnv1a64('')),
  );
});

test('jobs whose answer depends on more than block and query are not cached', async () => {
  const { runners, asked, keys, cache } = create();
  const { startSeconds, endSeconds } = meta as BlockMeta;
  const { query: _, ...tagSearch } = searchJob().request;
  const jobs = [
    searchJob({ startSeconds }),
    searchJob({ endSeconds }),
    { ...searchJob(), request: tagSearch },
    searchJob({ block: { ...wholeBlock(meta), blockId: '00000000-0000-4000-8000-000000000000' as BlockMeta['blockId'] } }),
  ];
  for (const job of jobs) await runners.search(job, signal).catch(() => undefined);
  for (const changes of [
    { startNanos: BigInt(startSeconds) * second },
    { endNanos: BigInt(endSeconds) * second + 1n },
    { endNanos: BigInt(endSeconds + 100) * second + 1n },
  ]) {
    await runners.metrics(metricsJob('{ } | rate()', changes), signal);
  }
  await runners.tags.names(
    tenant,
    { block: wholeBlock(meta), scope: 'none', filter: undefined, limits: { maxBytes: 0, maxCount: 0, maxStaleValues: 0 }, ...around },
    signal,
  );
  await cache.flush();
  assert.deepEqual(keys, []);
  assert.equal(asked.length, 8);
});

test('what changes the answer changes the key', async () => {
  const { runners, keys, cache } = create();
  const jobs = [
    searchJob(),
    searchJob({ limit: 99 }),
    searchJob({ spansPerSpanset: 4 }),
    searchJob({ query: '{ }' }),
    searchJob({ block: { ...wholeBlock(meta), pagesToSearch: 1000 } }),
  ];
  for (const job of jobs) await runners.search(job, signal);
  const instant = { instant: true, stepNanos: 100n * step };
  const metrics = [
    metricsJob('{ } | rate()'),
    metricsJob('{ } | rate()', { exemplars: 4 }),
    metricsJob('{ } | rate()', { maxSeries: 9 }),
    metricsJob('{ } | rate()', instant),
  ];
  const shifted = metricsJob('{ } | rate()', {
    ...instant,
    startNanos: metrics[0]!.request.startNanos - step,
    endNanos: metrics[0]!.request.endNanos - step,
  });
  for (const job of [...metrics, shifted]) await runners.metrics(job, signal);
  await cache.flush();
  assert.equal(new Set(keys).size, 10, keys.join('\n'));
});

test('metrics of every kind come back as they were', async () => {
  for (const query of [
    '{ } | rate() by (resource.service.name)',
    '{ } | avg_over_time(duration)',
    '{ } | quantile_over_time(duration, .5, .9)',
    '{ } | compare({ status = error })',
  ]) {
    for (const instant of [false, true]) {
      const { runners, asked, cache } = create();
      const job = metricsJob(query, instant ? { instant, stepNanos: 100n * step, exemplars: 0 } : {});
      const first = await runners.metrics(job, signal);
      await cache.flush();
      const again = await runners.metrics(job, signal);
      assert.ok(first.series.length > 0, query);
      assert.deepEqual([again.grid, again.inspectedSpans], [first.grid, 0]);
      const shown = ({ series }: typeof first) =>
        series.map(({ labels, values }) => inspect([labels, [...values].map((value) => (value || 0).toPrecision(12))])).sort();
      assert.deepEqual(shown(again), shown(first), query);
      assert.deepEqual(asked, ['metrics']);
    }
  }
});

test('filtered names and values of tags are cached by scope, tag and filter', async () => {
  const { runners, asked, keys, cache } = create();
  const limits = { maxBytes: 0, maxCount: 0, maxStaleValues: 0 };
  const filter = parseTagFilter('{ duration > 1ms }', 0);
  const names = { block: wholeBlock(meta), scope: 'none', filter, limits, ...around } as const;
  const values = (name: string) => ({
    block: wholeBlock(meta),
    tag: { kind: 'attribute', scope: 'none', name, parent: false } as const,
    filter,
    limits,
    ...around,
  });
  const first = [
    await runners.tags.names(tenant, names, signal),
    await runners.tags.values(tenant, values('service.name'), signal),
  ] as const;
  await cache.flush();
  const again = [
    await runners.tags.names(tenant, names, signal),
    await runners.tags.values(tenant, values('service.name'), signal),
  ] as const;
  assert.deepEqual(again[0].names, first[0].names);
  assert.deepEqual(again[1].values, first[1].values);
  assert.ok(first[0].names.size > 0 && first[1].values.length > 0);
  assert.deepEqual([again[0].inspectedBytes, again[1].inspectedBytes], [0, 0]);
  await runners.tags.names(tenant, { ...names, scope: 'span' }, signal);
  await runners.tags.values(tenant, values('http.method'), signal);
  await cache.flush();
  assert.deepEqual(asked, ['names', 'values', 'names', 'values']);
  assert.deepEqual(
    keys.map((key) => key.split(':')[0]),
    ['st', 'stv', 'st', 'stv'],
  );
  assert.equal(new Set(keys).size, 4);
});

test('rubbish is not there', async () => {
  const { runners, asked, keys, cache, store } = create();
  const first = await runners.search(searchJob(), signal);
  await cache.flush();
  for (const rubbish of ['{"traces":[{', '\x0a\xff\xff', 'nonsense']) {
    await store.set(keys[0]!, Buffer.from(rubbish, 'latin1'), signal);
    assert.deepEqual(plain(await runners.search(searchJob(), signal)), plain(first), rubbish);
    await cache.flush();
  }
  assert.equal(asked.length, 4);
});

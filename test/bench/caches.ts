// npm run bench:caches -- [--queries FILE] [--blocks DIR] [--tenant NAME] [--only REGEX] [--memcached HOST:PORT] [--redis HOST:PORT]
//
// What caches save: requests, bytes and CPU of searches over S3 on loopback, without a cache, with one that fills, and with a full one. Each run is a new environment, as
// after a restart or in another querier. Answers must be the same, apart from costs. Without an address it starts the server of the tests.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { SearchAnswer } from '#engine/api/search-answer.ts';
import { countRequests } from '#engine/backend/counted.ts';
import { createSignedS3Backend } from '#engine/backend/s3-signed.ts';
import { systemClock } from '#engine/base/clock.ts';
import { tenantId } from '#engine/base/units.ts';
import { parseBlockMeta } from '#engine/blocklist/meta.ts';
import type { StoreConfig } from '#engine/cache/config.ts';
import { openBlockCache } from '#engine/cache/open-block-cache.ts';
import { createJobEnvironment } from '#engine/jobs/environment.ts';
import { searchBlock } from '#engine/jobs/search-block.ts';
import { startS3Server } from '../integration/backend/s3-server.ts';
import { startMemcached } from '../integration/cache/memcached-server.ts';
import { wholeBlockRequest } from '../whole-block.ts';
import { readQueries } from './queries.ts';

const { values: options } = parseArgs({
  options: {
    queries: { type: 'string', default: join(import.meta.dirname, 'queries.json') },
    blocks: { type: 'string', default: join(import.meta.dirname, '../fixtures/bench/blocks') },
    tenant: { type: 'string' },
    only: { type: 'string', default: '' },
    memcached: { type: 'string' },
    redis: { type: 'string' },
  },
});

const keys = { accessKey: 'id', secretKey: 'secret' };
const roles = ['bloom', 'parquet-footer', 'parquet-column-idx', 'parquet-offset-idx', 'parquet-page'] as const;
const remote = { timeoutMs: 60_000, ttlMs: 0, maxItemBytes: 0, breaker: { failures: 0, openMs: 0 }, tls: undefined };
const none = { username: '', password: '', sentinelUsername: '', sentinelPassword: '', masterName: '', db: 0 };

interface Figures {
  readonly gets: number;
  readonly bytes: number;
  readonly cpuMs: number;
  readonly wallMs: number;
  readonly answer: string;
}

/** Traces by id and content: jobs give them in one order. */
function comparable({ traces }: SearchAnswer): string {
  return `${traces.count} ${Buffer.from(traces.bytes).toString('latin1')}`;
}

async function storeOf(): Promise<{ readonly name: string; readonly store: StoreConfig; readonly close: () => Promise<void> }> {
  if (options.redis !== undefined) {
    return { name: 'Redis', store: { kind: 'redis', endpoints: [options.redis], ...none, ...remote }, close: async () => {} };
  }
  const own = options.memcached === undefined ? await startMemcached() : undefined;
  const addresses = [options.memcached ?? own!.endpoint];
  const store = {
    kind: 'memcached' as const,
    addresses,
    host: '',
    service: '',
    maxIdleConnections: 16,
    updateIntervalMs: 60_000,
    ...remote,
  };
  return { name: own === undefined ? 'memcached' : 'test memcached', store, close: async () => own?.close() };
}

async function main(): Promise<void> {
  const set = readQueries(options.queries);
  const tenant = options.tenant ?? readdirSync(options.blocks).sort()[0]!;
  const [id = ''] = readdirSync(join(options.blocks, tenant));
  const meta = parseBlockMeta(readFileSync(join(options.blocks, tenant, id, 'meta.json')));
  const server = await startS3Server({ root: options.blocks, bucket: 'traces', ...keys });
  const { name, store, close } = await storeOf();
  const address = {
    bucket: 'traces',
    prefix: '',
    endpoint: server.endpoint,
    insecure: true,
    forcePathStyle: true,
    region: 'x',
    sessionToken: '',
  };
  const s3 = createSignedS3Backend({ ...address, ...keys }, { clock: systemClock, random: Math.random, env: {} });
  const limits = { maxMemoryBytes: 1 << 30, cacheBytes: 64 << 20 };
  const { kernels } = createJobEnvironment({ backend: s3, ...limits });

  const run = async (query: (typeof set.queries)[number], cached: boolean): Promise<Figures> => {
    let gets = 0;
    let bytes = 0;
    const backend = countRequests(s3, (request) => {
      gets++;
      if (request.kind === 'read') bytes += request.end - request.start;
    });
    const bounds = { maxPageBytes: 1 << 20, bloomMaxCompactionLevel: 0, bloomMaxAgeMs: 0 };
    const caches = { caches: [{ roles, store }], background: { writers: 10, bufferLength: 10_000 } };
    const opened = cached ? await openBlockCache({ caches, limits: bounds }, systemClock, () => {}) : undefined;
    const environment = { ...createJobEnvironment({ backend, ...limits, blockCache: opened?.blockCache }), kernels };
    const range = { query: query.query, startSeconds: set.start, endSeconds: set.end, limit: query.limit, spansPerSpanset: query.spss };
    const before = process.cpuUsage();
    const startedMs = performance.now();
    const answer = comparable(await searchBlock(environment, tenantId(tenant), wholeBlockRequest(meta, range), 'json'));
    const wallMs = performance.now() - startedMs;
    const { user, system } = process.cpuUsage(before);
    await opened?.flush();
    opened?.close();
    return { gets, bytes, cpuMs: (user + system) / 1000, wallMs, answer };
  };

  console.log(`${name}; ${meta.version}, ${(meta.sizeBytes / 1e6).toFixed(1)} MB`);
  console.log(['query', 'GETs without', 'filling', 'full', 'MB without', 'filling', 'full', 'ms without', 'full', 'same'].join('\t'));
  const sums = [0, 0, 0, 0, 0, 0, 0, 0];
  for (const query of set.queries.filter((one) => one.kind === 'search' && new RegExp(options.only).test(one.id))) {
    await run(query, false);
    const runs = [await run(query, false), await run(query, true), await run(query, true)];
    const same = runs.every(({ answer }) => answer === runs[0]!.answer);
    const numbers = [...runs.map(({ gets }) => gets), ...runs.map(({ bytes }) => bytes / 1e6), runs[0]!.wallMs, runs[2]!.wallMs];
    for (const [i, number] of numbers.entries()) sums[i]! += number;
    console.log([query.id, ...numbers.map((number, i) => number.toFixed(i < 3 ? 0 : 2)), same ? 'yes' : 'NO'].join('\t'));
    if (!same) process.exitCode = 1;
  }
  console.log(['sum', ...sums.map((number, i) => number.toFixed(i < 3 ? 0 : 2))].join('\t'));
  await server.close();
  await close();
}

await main();

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLocalBackend } from '#engine/backend/local.ts';
import { tenantId } from '#engine/base/units.ts';
import { type BlockMeta, parseBlockMeta } from '#engine/blocklist/meta.ts';
import { createJobEnvironment } from '#engine/jobs/environment.ts';
import { searchBlock } from '#engine/jobs/search-block.ts';
import { wholeBlockRequest } from '../whole-block.ts';
import { type BenchQueries, type BenchQuery, type CpuFigures, figures } from './queries.ts';

const sampleMs = 40;
const maxBatch = 100;
const maxMemoryBytes = 1 << 30;
const cacheBytes = 64 << 20;

/** The engine over the blocks of one tenant, without server, sharding and HTTP. */
export interface BenchEngine {
  /** CPU of one search, one job per block, one after the other, with the answer encoded as JSON. */
  readonly measure: (set: BenchQueries, query: BenchQuery, sampleCount: number) => Promise<CpuFigures>;
}

/** Opens the blocks below `root/tenant` that are not compacted. */
export async function openEngine(root: string, tenant: string): Promise<BenchEngine> {
  const backend = await createLocalBackend({ path: root });
  const environment = createJobEnvironment({ backend, maxMemoryBytes, cacheBytes });
  const metas = liveBlocks(join(root, tenant));
  const search = async ({ start, end }: BenchQueries, { query, limit, spss }: BenchQuery): Promise<void> => {
    for (const meta of metas) {
      const request = wholeBlockRequest(meta, { query, startSeconds: start, endSeconds: end, limit, spansPerSpanset: spss });
      await searchBlock(environment, tenantId(tenant), request, 'json');
    }
  };
  return {
    measure: async (set, query, sampleCount) => {
      await search(set, query);
      const started = performance.now();
      await search(set, query);
      const batch = Math.max(1, Math.min(maxBatch, Math.floor(sampleMs / (performance.now() - started))));
      const samples: number[] = [];
      while (samples.length < sampleCount) {
        const before = process.cpuUsage();
        for (let i = 0; i < batch; i++) await search(set, query);
        const { user, system } = process.cpuUsage(before);
        samples.push((user + system) / 1000 / batch);
      }
      return figures(samples);
    },
  };
}

function liveBlocks(folder: string): readonly BlockMeta[] {
  const paths = readdirSync(folder).map((name) => join(folder, name, 'meta.json'));
  const metas = paths.filter((path) => existsSync(path)).map((path) => parseBlockMeta(readFileSync(path)));
  if (metas.length === 0) throw new Error(`${folder} holds no block`);
  return metas;
}

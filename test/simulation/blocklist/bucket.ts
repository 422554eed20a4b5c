import type { Backend, ListedObject } from '#engine/backend/backend.ts';
import { AppError } from '#engine/base/errors.ts';
import { bytes, type TenantId } from '#engine/base/units.ts';
import { encodeTenantIndex } from '#engine/blocklist/encode-index.ts';
import { parseBlockMeta } from '#engine/blocklist/meta.ts';
import type { BlockModel, ModelBlock } from './block-model.ts';

/** Requests since the last call, as an object store would count them. */
export interface RequestCounts {
  readonly listPages: number;
  /** Objects and folders that the pages held. */
  readonly listedEntries: number;
  readonly gets: number;
  /** Of the GETs those of metas. */
  readonly metas: number;
  readonly puts: number;
}

/** A bucket with the blocks of a model, which are made when they are listed or read: nothing is held but the tenant indexes that were written to it. */
export interface SimulatedBucket {
  readonly backend: Backend;
  /** Time goes on by one generation. */
  readonly advance: () => void;
  readonly generation: () => number;
  readonly takeCounts: () => RequestCounts;
  /** Bytes of the indexes that it holds. */
  readonly heldBytes: () => number;
}

/** Entries of one answer to LIST. */
const pageSize = 1000;
const noCounts: RequestCounts = { listPages: 0, listedEntries: 0, gets: 0, metas: 0, puts: 0 };

/** The protobuf index of a tenant, as a builder would have written it this moment. */
async function makeIndex(model: BlockModel, tenant: TenantId, generation: number, nowMs: number): Promise<Uint8Array> {
  const blocks = [...model.blocksOf(tenant, generation)];
  const meta = (block: ModelBlock) => parseBlockMeta(Buffer.from(model.metaText(tenant, block)));
  const { protobuf } = await encodeTenantIndex({
    createdAtMs: nowMs,
    metas: blocks.filter(({ compactedMs }) => compactedMs === undefined).map(meta),
    compacted: blocks.flatMap((block) => (block.compactedMs === undefined ? [] : [{ meta: meta(block), compactedMs: block.compactedMs }])),
  });
  return protobuf;
}

/** Creates a {@link SimulatedBucket} in its first generation. With `hasIndexes` every tenant has one that is made when it is read. */
export function createSimulatedBucket(model: BlockModel, hasIndexes = false): SimulatedBucket {
  const written = new Map<string, Uint8Array>();
  let generation = 0;
  let counts: { -readonly [Name in keyof RequestCounts]: number } = { ...noCounts };

  const missing = (key: string): AppError => new AppError('not_found', `${key} does not exist`);
  const readMeta = (tenant: string, id: string, name: string): Uint8Array | undefined => {
    const block = model.find(tenant as TenantId, id, generation);
    if (block === undefined || (block.compactedMs === undefined) !== (name === 'meta.json')) return undefined;
    counts.metas++;
    return Buffer.from(model.metaText(tenant as TenantId, block));
  };
  /** One listing over some tenants: a page has a thousand objects, whosever they are. */
  async function* listTenants(tenants: readonly TenantId[]): AsyncGenerator<ListedObject> {
    let listed = 0;
    for (const tenant of tenants) {
      for (const object of objectsBelow(model, `${tenant}/`, generation, written)) {
        if (listed++ % pageSize === 0) counts.listPages++;
        counts.listedEntries++;
        yield object;
      }
    }
    if (listed === 0) counts.listPages++;
  }
  const backend: Backend = {
    coalesceGapBytes: 0,
    writer: {
      write: async (key, content) => {
        counts.puts++;
        written.set(key, Uint8Array.from(content));
      },
      delete: async (key) => {
        written.delete(key);
      },
    },
    read: async (key) => {
      counts.gets++;
      const [tenant, id, name] = key.split('/');
      if (hasIndexes && id === 'index.pb.zst') return makeIndex(model, tenant as TenantId, generation, Date.now());
      const content = name === undefined ? written.get(key) : readMeta(tenant, id, name);
      if (content === undefined) throw missing(key);
      return content;
    },
    readRange: async (key) => {
      throw missing(key);
    },
    listFolders: async () => {
      counts.listPages += Math.ceil(model.tenants.length / pageSize);
      counts.listedEntries += model.tenants.length;
      return model.tenants;
    },
    listObjects: (prefix) => listTenants([prefix.slice(0, -1) as TenantId]),
    listObjectsFrom: (prefix) => listTenants(model.tenants.slice(model.tenants.indexOf(prefix.slice(0, -1) as TenantId))),
  };
  return {
    backend,
    advance: () => {
      generation++;
    },
    generation: () => generation,
    takeCounts: () => {
      const taken = counts;
      counts = { ...noCounts };
      return taken;
    },
    heldBytes: () => [...written.values()].reduce((sum, content) => sum + content.length, 0),
  };
}

/** What a listing of a tenant's folder has, in order. */
function* objectsBelow(
  model: BlockModel,
  prefix: string,
  generation: number,
  written: ReadonlyMap<string, Uint8Array>,
): Generator<ListedObject, void, void> {
  const entry = (key: string, sizeBytes: number, modifiedMs: number): ListedObject => ({ key, sizeBytes: bytes(sizeBytes), modifiedMs });
  for (const { blockId, startSeconds, sizeBytes, compactedMs } of model.blocksOf(prefix.slice(0, -1) as TenantId, generation)) {
    const folder = prefix + blockId;
    const time = startSeconds * 1000;
    yield entry(`${folder}/bloom-0`, 100_000, time);
    yield entry(`${folder}/data.parquet`, sizeBytes, time);
    yield entry(`${folder}/index`, 100, time);
    yield compactedMs === undefined ? entry(`${folder}/meta.json`, 500, time) : entry(`${folder}/meta.compacted.json`, 500, compactedMs);
  }
  for (const name of ['index.json.gz', 'index.pb.zst']) {
    const content = written.get(prefix + name);
    if (content !== undefined) yield entry(prefix + name, content.length, 0);
  }
}

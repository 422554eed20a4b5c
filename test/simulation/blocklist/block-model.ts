import { type BlockId, blockId, type TenantId, tenantId } from '#engine/base/units.ts';

/** How many blocks there are. */
export interface ModelOptions {
  readonly seed: number;
  readonly tenants: number;
  /** Slots for blocks; about 98 in 100 of them hold a live block at any time. */
  readonly slots: number;
}

/** A block in one generation. */
export interface ModelBlock {
  readonly blockId: BlockId;
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly sizeBytes: number;
  readonly totalTraces: number;
  /** undefined while it is live. */
  readonly compactedMs: number | undefined;
}

/** Blocks as functions of their place: nothing of them is held. */
export interface BlockModel {
  readonly tenants: readonly TenantId[];
  /** In order of their ids. */
  readonly blocksOf: (tenant: TenantId, generation: number) => Generator<ModelBlock, void, void>;
  readonly find: (tenant: TenantId, id: string, generation: number) => ModelBlock | undefined;
  /** The meta.json of a block. */
  readonly metaText: (tenant: TenantId, block: ModelBlock) => string;
}

const day = 86_400;
/** 2026-01-01 00:00 UTC. */
const epochSeconds = 1_767_225_600;
const windowSeconds = 14 * day;

/** A 32-bit hash of small numbers. */
function mix(...values: readonly number[]): number {
  let state = 0x9e3779b9;
  for (const value of values) {
    state = Math.imul(state ^ value, 0x85ebca6b);
    state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
    state ^= state >>> 16;
  }
  return state >>> 0;
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

const columnSets = [
  undefined,
  [{ s: 'resource', n: 'k8s.namespace.name' }, { n: 'http.route' }],
  Array.from({ length: 14 }, (_, at) => ({ ...(at < 4 ? { s: 'resource' } : {}), n: `attribute.number.${at}` })),
];

/** Few tenants have most of the blocks: the n-th has about 1/n of what the first has. */
function slotCounts({ tenants, slots }: ModelOptions): number[] {
  const weights = Array.from({ length: tenants }, (_, at) => 1 / (at + 1));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const counts = weights.map((weight) => Math.max(1, Math.floor((weight / sum) * slots)));
  counts[0] += slots - counts.reduce((total, count) => total + count, 0);
  return counts;
}

/** Of 1000 slots 4 are compacted in each generation and gone two later; 4 are new in each of the first three. */
function lifeOf(fate: number): { readonly bornIn: number; readonly endedIn: number } {
  return {
    bornIn: fate >= 600 && fate < 612 ? Math.floor((fate - 600) / 4) + 1 : 0,
    endedIn: fate < 400 ? Math.floor(fate / 4) : Number.POSITIVE_INFINITY,
  };
}

/** Creates a {@link BlockModel}; the same options give the same blocks. */
export function createBlockModel(options: ModelOptions): BlockModel {
  const { seed } = options;
  const slots = slotCounts(options);
  const tenants = slots.map((_, at) => tenantId(`tenant-${String(at).padStart(5, '0')}`));
  const placeOf = new Map(tenants.map((name, at) => [name, at]));
  const strideOf = (tenant: number): number => Math.floor(2 ** 32 / slots[tenant]);

  /** Ids rise with the slot, as listings need it; times have nothing to do with ids. */
  const idAt = (tenant: number, slot: number): BlockId => {
    const stride = strideOf(tenant);
    const top = slot * stride + (mix(seed, tenant, slot, 1) % stride);
    const low = mix(seed, tenant, slot, 2);
    return blockId(`${hex(top, 8)}-${hex(low & 0xffff, 4)}-4${hex(low >>> 20, 3)}-8000-${hex(mix(seed, tenant, slot, 3), 12)}`)!;
  };
  const blockAt = (tenant: number, slot: number, generation: number): ModelBlock | undefined => {
    const { bornIn, endedIn } = lifeOf(mix(seed, tenant, slot, 4) % 1000);
    if (bornIn > generation || endedIn < generation - 1) return undefined;
    const start = epochSeconds + (mix(seed, tenant, slot, 5) % windowSeconds);
    return {
      blockId: idAt(tenant, slot),
      startSeconds: start,
      endSeconds: start + (mix(seed, tenant, slot, 6) % 3600),
      sizeBytes: 1 + mix(seed, tenant, slot, 7),
      totalTraces: mix(seed, tenant, slot, 8) % 1_000_000,
      compactedMs: endedIn <= generation ? (epochSeconds + windowSeconds + endedIn * 300) * 1000 : undefined,
    };
  };
  return {
    tenants,
    blocksOf: function* (name, generation) {
      const tenant = placeOf.get(name) ?? -1;
      for (let slot = 0; slot < (slots[tenant] ?? 0); slot++) {
        const block = blockAt(tenant, slot, generation);
        if (block !== undefined) yield block;
      }
    },
    find: (name, id, generation) => {
      const tenant = placeOf.get(name);
      if (tenant === undefined) return undefined;
      const block = blockAt(tenant, Math.floor(Number.parseInt(id.slice(0, 8), 16) / strideOf(tenant)), generation);
      return block?.blockId === id ? block : undefined;
    },
    metaText: (name, block) => metaText(name, block, columnSets[(placeOf.get(name) ?? 0) % columnSets.length]),
  };
}

function metaText(tenant: TenantId, block: ModelBlock, dedicatedColumns: object | undefined): string {
  const time = (seconds: number): string => `${new Date(seconds * 1000).toISOString().slice(0, -5)}Z`;
  return JSON.stringify({
    format: 'vParquet4',
    blockID: block.blockId,
    tenantID: tenant,
    startTime: time(block.startSeconds),
    endTime: time(block.endSeconds),
    totalObjects: block.totalTraces,
    size: block.sizeBytes,
    compactionLevel: 1,
    indexPageSize: 0,
    totalRecords: 10,
    bloomShards: 1,
    footerSize: 30_000,
    ...(dedicatedColumns && { dedicatedColumns }),
    replicationFactor: 1,
  });
}

import type { Backend } from '#engine/backend/backend.ts';
import { blockObjectKey } from '#engine/backend/keys.ts';
import { readIfPresent } from '#engine/backend/read-if-present.ts';
import type { Clock } from '#engine/base/clock.ts';
import { AppError, toAppError } from '#engine/base/errors.ts';
import { mapParallel } from '#engine/base/parallel.ts';
import { type BlockId, isBlockId, type TenantId } from '#engine/base/units.ts';
import type { FolderLister } from './folder-lister.ts';
import { metasById, type TenantBlocklist, updateBlocklist } from './list.ts';
import { type BlockMeta, type CompactedBlockMeta, maxMetaBytes, parseBlockMeta } from './meta.ts';
import type { MetaPool } from './meta-pool.ts';

/** What a scan of a tenant's folder needs. */
export interface ScanOptions {
  readonly backend: Backend;
  readonly lister: FolderLister;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** Metas read at once. */
  readonly concurrency: number;
  /** Random wait before each meta is read, up to that. */
  readonly jitterMs: number;
  /** A tenant with more blocks is refused (`resource_exhausted`). */
  readonly maxBlocks: number;
  readonly pool: MetaPool;
  /** Told of each block that is left out because its meta is broken. */
  readonly onSkip: (block: BlockId, error: AppError) => void;
}

interface FoundBlock {
  readonly block: BlockId;
  /** Bytes of the meta that counts. */
  metaBytes: number;
  /** Set once there is a meta.compacted.json. */
  compactedMs: number | undefined;
}

/**
 * Lists a tenant's blocks from the bucket itself: folders with meta.json, or with meta.compacted.json, which wins while both exist. Metas of blocks in
 * `known` are not read again. A block whose meta vanished meanwhile is left out; a broken one is told to `onSkip`; any other failure is thrown.
 */
export async function scanTenant(
  tenant: TenantId,
  known: TenantBlocklist,
  options: ScanOptions,
  signal: AbortSignal | undefined,
): Promise<TenantBlocklist> {
  const found = await findBlocks(tenant, options, signal);
  const knownMetas = metasById(known);

  const metas: BlockMeta[] = [];
  const compacted: CompactedBlockMeta[] = [];
  const take = (meta: BlockMeta, compactedMs: number | undefined): void => {
    if (compactedMs === undefined) metas.push(meta);
    else compacted.push({ meta, compactedMs });
  };
  const unknown: FoundBlock[] = [];
  for (const candidate of found) {
    const meta = knownMetas.get(candidate.block);
    if (meta === undefined) unknown.push(candidate);
    else take(meta, candidate.compactedMs);
  }
  const readOne = async (candidate: FoundBlock, innerSignal: AbortSignal): Promise<void> => {
    try {
      const result = await readMeta(tenant, candidate, options, innerSignal);
      if (result !== undefined) take(result.meta, result.compactedMs);
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code !== 'corrupt_block') throw error;
      options.onSkip(candidate.block, error);
    }
  };
  await mapParallel(unknown, options.concurrency, readOne, signal);
  return updateBlocklist(known, metas, compacted);
}

const compactedName = '/meta.compacted.json';
const metaNames = ['/meta.json', compactedName] as const;
const blockIdLength = 36;

async function findBlocks(tenant: TenantId, { lister, maxBlocks }: ScanOptions, signal: AbortSignal | undefined) {
  const found = new Map<BlockId, FoundBlock>();
  const prefix = `${tenant}/`;
  for await (const { key, sizeBytes, modifiedMs } of lister.list(prefix, signal)) {
    const name = metaNames.find((candidate) => key.endsWith(candidate));
    if (name === undefined || key.length !== prefix.length + blockIdLength + name.length) continue;
    const block = key.slice(prefix.length, -name.length);
    if (!isBlockId(block)) continue;
    const entry = found.get(block);
    const compactedMs = name === compactedName ? modifiedMs : undefined;
    if (entry === undefined) {
      found.set(block, { block, metaBytes: sizeBytes, compactedMs });
      if (found.size > maxBlocks) throw new AppError('resource_exhausted', `tenant ${tenant} has more than ${maxBlocks} blocks`);
    } else if (compactedMs !== undefined) {
      entry.compactedMs = compactedMs;
      entry.metaBytes = sizeBytes;
    }
  }
  return found.values();
}

async function readMeta(
  tenant: TenantId,
  candidate: FoundBlock,
  { backend, clock, random, jitterMs, pool }: ScanOptions,
  signal: AbortSignal,
) {
  const { block, metaBytes, compactedMs } = candidate;
  if (metaBytes > maxMetaBytes) throw new AppError('corrupt_block', `block meta is longer than ${maxMetaBytes} bytes`);
  if (jitterMs > 0) await clock.sleep(random() * jitterMs, signal);
  const live = compactedMs === undefined ? await readIfPresent(backend, blockObjectKey(tenant, block, 'meta.json'), signal) : undefined;
  if (live !== undefined) return { meta: checkPlace(parseBlockMeta(live, pool), tenant, block), compactedMs: undefined };
  // Compacted since the listing, if it was live in it.
  const ended = await readIfPresent(backend, blockObjectKey(tenant, block, 'meta.compacted.json'), signal);
  if (ended === undefined) return undefined;
  return { meta: checkPlace(parseBlockMeta(ended, pool), tenant, block), compactedMs: compactedMs ?? clock.nowMs() };
}

/** The folder says which block and tenant it is; a meta of another block is a broken one, another tenant's name only a sign of a copied bucket. */
function checkPlace(meta: BlockMeta, tenant: TenantId, block: BlockId): BlockMeta {
  if (meta.blockId !== block) throw new AppError('corrupt_block', `block meta: blockID is ${meta.blockId} in the folder of ${block}`);
  return meta.tenant === tenant ? meta : { ...meta, tenant };
}

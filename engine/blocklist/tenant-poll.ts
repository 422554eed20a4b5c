import type { Backend } from '#engine/backend/backend.ts';
import { joinKey } from '#engine/backend/keys.ts';
import { readIfPresent } from '#engine/backend/read-if-present.ts';
import type { Clock } from '#engine/base/clock.ts';
import { AppError, throwIfAborted, toAppError } from '#engine/base/errors.ts';
import type { BlockId, TenantId } from '#engine/base/units.ts';
import { encodeTenantIndex } from './encode-index.ts';
import type { ListSource, PollEvent } from './events.ts';
import type { FolderLister } from './folder-lister.ts';
import { metasById, type TenantBlocklist, updateBlocklist } from './list.ts';
import type { BlockMeta } from './meta.ts';
import type { MetaPool } from './meta-pool.ts';
import type { PollSettings } from './settings.ts';
import { decodeJsonIndex, decodeProtobufIndex, tenantIndexNames } from './tenant-index.ts';
import { scanTenant } from './tenant-scan.ts';

/** What {@link pollTenant} needs. */
export interface TenantPollOptions {
  readonly backend: Backend;
  readonly settings: PollSettings;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly onEvent: (event: PollEvent) => void;
  readonly maxBlocksPerTenant: number;
  /** Shared by all tenants and polls. */
  readonly pool: MetaPool;
  readonly lister: FolderLister;
}

/** What a tenant index says, and what is wrong with it. */
interface IndexRead {
  readonly list: TenantBlocklist;
  readonly source: ListSource;
  readonly ageMs: number;
  /** It is too old to be relied on. */
  readonly stale: AppError | undefined;
}

/**
 * One tenant's list, from its index or from the bucket (spec read-path §1.2); `known` is the list of the poll before. Rejects when neither can be had;
 * an index that cannot be written is only told.
 */
export async function pollTenant(
  options: TenantPollOptions,
  tenant: TenantId,
  known: TenantBlocklist,
  signal: AbortSignal,
): Promise<TenantBlocklist> {
  const { settings, onEvent } = options;
  const builder = settings.buildIndex === 'always';
  const report = (list: TenantBlocklist, source: ListSource, indexAgeMs: number | undefined): TenantBlocklist => {
    const counts = { liveBlocks: list.metas.length, compactedBlocks: list.compacted.length };
    onEvent({ kind: 'tenant_polled', tenant, source, ...counts, builder, indexAgeMs });
    return list;
  };
  const isFirst = known.metas.length === 0 && known.compacted.length === 0;
  let start = known;
  if (!builder) {
    const index = await readIndexOrTell(options, tenant, known, signal);
    if (index !== undefined && index.stale === undefined) return report(index.list, index.source, index.ageMs);
    start = index?.list ?? known;
  } else if (isFirst) {
    // Not relied on: it only saves reading the metas of blocks that it names.
    start = (await readIndex(options, tenant, known, signal).catch(() => undefined))?.list ?? known;
  }
  const skipped: BlockId[] = [];
  const list = await scan(options, tenant, start, skipped, signal);
  if (settings.buildIndex !== 'never') await writeIndexOrTell(options, tenant, list, skipped, signal);
  return report(list, 'bucket', undefined);
}

/** Undefined for an index that cannot be read; rejects with what is wrong with it when there is to be no fallback. */
async function readIndexOrTell(
  options: TenantPollOptions,
  tenant: TenantId,
  known: TenantBlocklist,
  signal: AbortSignal,
): Promise<IndexRead | undefined> {
  const { settings, onEvent } = options;
  let index: IndexRead | undefined;
  let error: AppError | undefined;
  try {
    index = await readIndex(options, tenant, known, signal);
    error = index.stale;
  } catch (thrown) {
    throwIfAborted(signal);
    error = toAppError(thrown);
  }
  if (error === undefined) return index;
  onEvent({ kind: 'index_failed', tenant, error, ...(index && { indexAgeMs: index.ageMs }) });
  if (!settings.fallback) throw error;
  return index;
}

async function readIndex(
  { backend, settings, clock, pool }: TenantPollOptions,
  tenant: TenantId,
  known: TenantBlocklist,
  signal: AbortSignal,
): Promise<IndexRead> {
  const decoding = { pool, known: metasById(known) };
  const protobuf = await readIfPresent(backend, joinKey(tenant, tenantIndexNames.protobuf), signal);
  const index =
    protobuf === undefined
      ? await decodeJsonIndex(await backend.read(joinKey(tenant, tenantIndexNames.json), signal), decoding)
      : await decodeProtobufIndex(protobuf, decoding);
  // A copied bucket: the folder says whose blocks they are.
  const settle = (meta: BlockMeta): BlockMeta => (meta.tenant === tenant ? meta : { ...meta, tenant });
  const compacted = index.compacted.map(({ meta, compactedMs }) => ({ meta: settle(meta), compactedMs }));
  const ageMs = clock.nowMs() - index.createdAtMs;
  const { staleTenantIndexMs } = settings;
  const stale =
    staleTenantIndexMs > 0 && ageMs > staleTenantIndexMs
      ? new AppError('unavailable', `tenant index created at ${new Date(index.createdAtMs).toISOString()} is stale`)
      : undefined;
  return {
    list: updateBlocklist(known, index.metas.map(settle), compacted),
    source: protobuf === undefined ? tenantIndexNames.json : tenantIndexNames.protobuf,
    ageMs,
    stale,
  };
}

function scan(
  options: TenantPollOptions,
  tenant: TenantId,
  known: TenantBlocklist,
  skipped: BlockId[],
  signal: AbortSignal,
): Promise<TenantBlocklist> {
  const { backend, lister, clock, random, pool, settings, maxBlocksPerTenant, onEvent } = options;
  const { concurrency, jitterMs } = settings;
  const onSkip = (block: BlockId, error: AppError): void => {
    skipped.push(block);
    onEvent({ kind: 'meta_skipped', tenant, block, error });
  };
  return scanTenant(
    tenant,
    known,
    { backend, lister, clock, random, concurrency, jitterMs, maxBlocks: maxBlocksPerTenant, pool, onSkip },
    signal,
  );
}

async function writeIndexOrTell(
  options: TenantPollOptions,
  tenant: TenantId,
  list: TenantBlocklist,
  skipped: readonly BlockId[],
  signal: AbortSignal,
): Promise<void> {
  const { onEvent } = options;
  try {
    const [broken] = skipped;
    // Whoever reads the index could not know that a block is missing in it.
    if (broken !== undefined) throw new AppError('corrupt_block', `the meta of block ${broken} cannot be read`);
    await writeIndex(options, tenant, list, signal);
    onEvent({ kind: 'index_written', tenant, blocks: list.metas.length + list.compacted.length });
  } catch (thrown) {
    throwIfAborted(signal);
    onEvent({ kind: 'index_write_failed', tenant, error: toAppError(thrown) });
  }
}

/** Both forms, the preferred one first; none of a tenant without blocks (spec blocks §3). */
async function writeIndex(
  { backend, clock }: TenantPollOptions,
  tenant: TenantId,
  { metas, compacted }: TenantBlocklist,
  signal: AbortSignal,
): Promise<void> {
  const { writer } = backend;
  if (writer === undefined) throw new AppError('config', 'this backend can only be read; set blocklist_poll_build_tenant_index: never');
  const keys = { protobuf: joinKey(tenant, tenantIndexNames.protobuf), json: joinKey(tenant, tenantIndexNames.json) };
  if (metas.length === 0 && compacted.length === 0) {
    await writer.delete(keys.protobuf, signal);
    await writer.delete(keys.json, signal);
    return;
  }
  const { protobuf, json } = await encodeTenantIndex({ createdAtMs: clock.nowMs(), metas, compacted });
  await writer.write(keys.protobuf, protobuf, signal);
  await writer.write(keys.json, json, signal);
}

import type { Backend } from '#engine/backend/backend.ts';
import { joinKey } from '#engine/backend/keys.ts';
import { readIfPresent } from '#engine/backend/read-if-present.ts';
import type { Clock } from '#engine/base/clock.ts';
import { AppError, throwIfAborted, toAppError } from '#engine/base/errors.ts';
import { mapParallel } from '#engine/base/parallel.ts';
import { type BlockId, type TenantId, tenantId, tenantIdProblem } from '#engine/base/units.ts';
import type { ListSource, PollEvent } from './events.ts';
import { createBlocklist, emptyBlocklist, metasById, type TenantBlocklist } from './list.ts';
import type { BlockMeta } from './meta.ts';
import { decodeJsonIndex, decodeProtobufIndex, type TenantIndex, tenantIndexNames } from './tenant-index.ts';
import { scanTenant } from './tenant-scan.ts';

/** Settings of polling: the `blocklist_poll_*` keys of `storage.trace` (spec read-path §1.1). */
export interface PollSettings {
  /** `_concurrency`: metas read at once for a tenant. */
  readonly concurrency: number;
  /** `_tenant_concurrency`; 0 counts as 1. */
  readonly tenantConcurrency: number;
  /** `_fallback`: list the bucket when the tenant index is missing, broken or stale. */
  readonly fallback: boolean;
  /** `_stale_tenant_index`: an older index is an error; 0 is off. */
  readonly staleTenantIndexMs: number;
  /** `_jitter_ms`: random wait before each meta is read. */
  readonly jitterMs: number;
  /** `_tolerate_consecutive_errors`: further tries for a tenant within one poll. */
  readonly tolerateConsecutiveErrors: number;
  /** `_tolerate_tenant_failures`: more failing tenants than that abandon the poll. */
  readonly tolerateTenantFailures: number;
}

/** Tempo's defaults. */
export const defaultPollSettings: PollSettings = {
  concurrency: 50,
  tenantConcurrency: 1,
  fallback: true,
  staleTenantIndexMs: 0,
  jitterMs: 0,
  tolerateConsecutiveErrors: 1,
  tolerateTenantFailures: 1,
};

/** `blocklist_poll`, also where the configuration says 0. */
export const defaultPollPeriodMs = 5 * 60 * 1000;

/** Node's timers fire at once beyond that. */
const maxTimerMs = 2 ** 31 - 1;

/** What {@link createPoller} needs. */
export interface PollerOptions {
  readonly backend: Backend;
  readonly settings: PollSettings;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly onEvent: (event: PollEvent) => void;
  /** Blocks that one tenant may have; a million without it. */
  readonly maxBlocksPerTenant?: number;
}

/** Knows the blocks of all tenants. Only reads the bucket: it never writes an index, deletes a tenant or marks a block. */
export interface Poller {
  /** The tenants that have blocks, as of the last good poll. */
  readonly tenants: () => ReadonlyMap<TenantId, TenantBlocklist>;
  /** A tenant's blocks; empty for one that has none or is not known. */
  readonly blocklist: (tenant: TenantId) => TenantBlocklist;
  /** Polls all tenants once; one call at a time. Rejects when the tenants cannot be listed, too many of them fail, or the signal ends it: then all lists stay as they were. */
  readonly pollOnce: (signal?: AbortSignal) => Promise<void>;
  /** Waits, polls, and so on, until the signal ends it; then it resolves. A failed poll is told as an event. 0 counts as five minutes. */
  readonly run: (periodMs: number, signal: AbortSignal) => Promise<void>;
}

/** Creates a poller that knows nothing yet. */
export function createPoller(options: PollerOptions): Poller {
  const { clock, onEvent } = options;
  let tenants: ReadonlyMap<TenantId, TenantBlocklist> = new Map();

  const pollOnce = async (signal?: AbortSignal): Promise<void> => {
    const startedMs = clock.monotonicMs();
    try {
      const next = await pollTenants(options, tenants, signal);
      for (const tenant of tenants.keys()) if (!next.has(tenant)) onEvent({ kind: 'tenant_removed', tenant });
      tenants = next;
      onEvent({ kind: 'poll_finished', durationMs: clock.monotonicMs() - startedMs, tenants: next.size });
    } catch (thrown) {
      const error = toAppError(thrown);
      onEvent({ kind: 'poll_finished', durationMs: clock.monotonicMs() - startedMs, tenants: tenants.size, error });
      throw error;
    }
  };
  return {
    tenants: () => tenants,
    blocklist: (tenant) => tenants.get(tenant) ?? emptyBlocklist,
    pollOnce,
    run: async (periodMs, signal) => {
      const waitMs = Math.min(periodMs > 0 ? periodMs : defaultPollPeriodMs, maxTimerMs);
      while (!signal.aborted) {
        try {
          await clock.sleep(waitMs, signal);
        } catch (thrown) {
          if (signal.aborted) return;
          throw thrown;
        }
        // A failed poll was told as an event.
        await pollOnce(signal).catch(() => undefined);
      }
    },
  };
}

async function pollTenants(
  options: PollerOptions,
  previous: ReadonlyMap<TenantId, TenantBlocklist>,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<TenantId, TenantBlocklist>> {
  const { settings } = options;
  const names = await listTenants(options, signal);
  let failures = 0;
  const pollOne = async (tenant: TenantId, innerSignal: AbortSignal): Promise<readonly [TenantId, TenantBlocklist]> => {
    const known = previous.get(tenant) ?? emptyBlocklist;
    try {
      return [tenant, await pollTenantWithRetries(options, tenant, known, innerSignal)];
    } catch (thrown) {
      throwIfAborted(innerSignal);
      if (++failures > settings.tolerateTenantFailures) {
        throw new AppError('unavailable', 'too many tenant failures; abandoning polling cycle', { cause: thrown });
      }
      return [tenant, known];
    }
  };
  const lists = await mapParallel(names, settings.tenantConcurrency, pollOne, signal);
  return new Map(lists.filter(([, list]) => list.metas.length > 0 || list.compacted.length > 0));
}

async function listTenants({ backend, onEvent }: PollerOptions, signal: AbortSignal | undefined): Promise<TenantId[]> {
  const tenants: TenantId[] = [];
  for (const name of await backend.listFolders('', signal)) {
    const problem = tenantIdProblem(name);
    if (problem === undefined) tenants.push(tenantId(name));
    else onEvent({ kind: 'folder_ignored', name, problem });
  }
  return tenants;
}

async function pollTenantWithRetries(
  options: PollerOptions,
  tenant: TenantId,
  known: TenantBlocklist,
  signal: AbortSignal,
): Promise<TenantBlocklist> {
  for (let remaining = options.settings.tolerateConsecutiveErrors; ; remaining--) {
    try {
      return await pollTenant(options, tenant, known, signal);
    } catch (thrown) {
      throwIfAborted(signal);
      const error = toAppError(thrown);
      options.onEvent({ kind: 'tenant_failed', tenant, error, willRetry: remaining > 0 });
      if (remaining <= 0) throw error;
    }
  }
}

async function pollTenant(options: PollerOptions, tenant: TenantId, known: TenantBlocklist, signal: AbortSignal): Promise<TenantBlocklist> {
  const { settings, clock, onEvent, maxBlocksPerTenant = 1_000_000 } = options;
  const report = (list: TenantBlocklist, source: ListSource, indexAgeMs: number | undefined): TenantBlocklist => {
    onEvent({ kind: 'tenant_polled', tenant, source, liveBlocks: list.metas.length, compactedBlocks: list.compacted.length, indexAgeMs });
    return list;
  };
  try {
    const { index, source } = await readTenantIndex(options, tenant, signal);
    return report(listOfIndex(index, tenant, known), source, clock.nowMs() - index.createdAtMs);
  } catch (thrown) {
    throwIfAborted(signal);
    const error = toAppError(thrown);
    onEvent({ kind: 'index_failed', tenant, error });
    if (!settings.fallback) throw error;
  }
  const onSkip = (block: BlockId, error: AppError): void => onEvent({ kind: 'meta_skipped', tenant, block, error });
  const { concurrency, jitterMs } = settings;
  const scan = { backend: options.backend, clock, random: options.random, concurrency, jitterMs, maxBlocks: maxBlocksPerTenant, onSkip };
  return report(await scanTenant(tenant, known, scan, signal), 'bucket', undefined);
}

async function readTenantIndex(
  { backend, settings, clock }: PollerOptions,
  tenant: TenantId,
  signal: AbortSignal,
): Promise<{ readonly index: TenantIndex; readonly source: ListSource }> {
  let index: TenantIndex;
  let source: ListSource = tenantIndexNames.protobuf;
  const protobuf = await readIfPresent(backend, joinKey(tenant, tenantIndexNames.protobuf), signal);
  if (protobuf === undefined) {
    source = tenantIndexNames.json;
    index = await decodeJsonIndex(await backend.read(joinKey(tenant, tenantIndexNames.json), signal));
  } else {
    index = await decodeProtobufIndex(protobuf);
  }
  const { staleTenantIndexMs } = settings;
  if (staleTenantIndexMs > 0 && clock.nowMs() - index.createdAtMs > staleTenantIndexMs) {
    throw new AppError('unavailable', `tenant index created at ${new Date(index.createdAtMs).toISOString()} is stale`);
  }
  return { index, source };
}

/** The index as a list. A block that was known and looks the same keeps its object, so that a poll leaves no garbage and no second copy behind. */
function listOfIndex(index: TenantIndex, tenant: TenantId, known: TenantBlocklist): TenantBlocklist {
  const knownMetas = metasById(known);
  const settle = (meta: BlockMeta): BlockMeta => {
    const held = knownMetas.get(meta.blockId);
    if (held !== undefined && held.sizeBytes === meta.sizeBytes && held.version === meta.version) return held;
    return meta.tenant === tenant ? meta : { ...meta, tenant };
  };
  return createBlocklist(
    index.metas.map(settle),
    index.compacted.map(({ meta, compactedMs }) => ({ meta: settle(meta), compactedMs })),
  );
}

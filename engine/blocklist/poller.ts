import type { Backend } from '#engine/backend/backend.ts';
import type { Clock } from '#engine/base/clock.ts';
import { AppError, throwIfAborted, toAppError } from '#engine/base/errors.ts';
import { mapParallel } from '#engine/base/parallel.ts';
import { type TenantId, tenantId, tenantIdProblem } from '#engine/base/units.ts';
import type { PollEvent } from './events.ts';
import { createFolderLister } from './folder-lister.ts';
import { emptyBlocklist, type TenantBlocklist } from './list.ts';
import { createMetaPool } from './meta-pool.ts';
import type { PollSettings } from './settings.ts';
import { pollTenant, type TenantPollOptions } from './tenant-poll.ts';

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

const defaultMaxBlocks = 1_000_000;

/** Knows the blocks of all tenants. It never deletes a tenant or marks a block, and writes nothing but tenant indexes, where settings say so. */
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
  const tenantOptions = { ...options, pool: createMetaPool(), maxBlocksPerTenant: options.maxBlocksPerTenant ?? defaultMaxBlocks };
  let tenants: ReadonlyMap<TenantId, TenantBlocklist> = new Map();

  const pollOnce = async (signal?: AbortSignal): Promise<void> => {
    const startedMs = clock.monotonicMs();
    try {
      const next = await pollTenants(tenantOptions, tenants, signal);
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
  options: Omit<TenantPollOptions, 'lister'>,
  previous: ReadonlyMap<TenantId, TenantBlocklist>,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<TenantId, TenantBlocklist>> {
  const { settings } = options;
  const names = await listTenants(options, signal);
  let failures = 0;
  const pollOne = async (
    tenant: TenantId,
    ownOptions: TenantPollOptions,
    innerSignal: AbortSignal,
  ): Promise<readonly [TenantId, TenantBlocklist]> => {
    const known = previous.get(tenant) ?? emptyBlocklist;
    try {
      return [tenant, await pollTenantWithRetries(ownOptions, tenant, known, innerSignal)];
    } catch (thrown) {
      throwIfAborted(innerSignal);
      if (++failures > settings.tolerateTenantFailures) {
        throw new AppError('unavailable', 'too many tenant failures; abandoning polling cycle', { cause: thrown });
      }
      return [tenant, known];
    }
  };
  const pollGroup = async (group: readonly TenantId[], innerSignal: AbortSignal) => {
    const lister = createFolderLister(options.backend);
    const lists: (readonly [TenantId, TenantBlocklist])[] = [];
    try {
      for (const tenant of group) lists.push(await pollOne(tenant, { ...options, lister }, innerSignal));
    } finally {
      await lister.close();
    }
    return lists;
  };
  const groups = groupTenants(names, settings.tenantConcurrency, options.backend.listObjectsFrom !== undefined);
  const lists = (await mapParallel(groups, settings.tenantConcurrency, pollGroup, signal)).flat();
  return new Map(lists.filter(([, list]) => list.metas.length > 0 || list.compacted.length > 0));
}

/** Groups for each of the tenants that are polled at once: some, so that a group of large tenants is not what all wait for. */
const groupsPerLane = 4;

/** Neighbours in the order of their keys, where they can share pages of a listing. */
function groupTenants(names: readonly TenantId[], concurrency: number, sharePages: boolean): readonly (readonly TenantId[])[] {
  const count = concurrency > 1 ? concurrency * groupsPerLane : 1;
  const size = sharePages ? Math.max(1, Math.ceil(names.length / count)) : 1;
  return Array.from({ length: Math.ceil(names.length / size) }, (_, at) => names.slice(at * size, (at + 1) * size));
}

async function listTenants(
  { backend, onEvent }: Pick<PollerOptions, 'backend' | 'onEvent'>,
  signal: AbortSignal | undefined,
): Promise<TenantId[]> {
  const tenants: TenantId[] = [];
  for (const name of await backend.listFolders('', signal)) {
    const problem = tenantIdProblem(name);
    if (problem === undefined) tenants.push(tenantId(name));
    else onEvent({ kind: 'folder_ignored', name, problem });
  }
  return tenants;
}

async function pollTenantWithRetries(
  options: TenantPollOptions,
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

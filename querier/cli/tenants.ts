import type { Backend } from '#engine/backend/backend.ts';
import type { BackendContext } from '#engine/backend/create.ts';
import { AppError, throwIfAborted } from '#engine/base/errors.ts';
import { singleTenant, type TenantId, tenantId, tenantIdProblem } from '#engine/base/units.ts';
import type { PollEvent } from '#engine/blocklist/events.ts';
import { createPoller, type Poller } from '#engine/blocklist/poller.ts';
import type { Config } from '../config/config.ts';

const listedTenants = 20;

/**
 * Whose blocks are searched: who was named; without multitenancy the one that there is; else the only one in the bucket. Rejects with `bad_request` that names
 * the tenants where there are several, `not_found` where there are none.
 */
export async function chooseTenants(
  backend: Backend,
  named: readonly string[] | undefined,
  multitenant: boolean,
  signal: AbortSignal,
): Promise<readonly TenantId[]> {
  if (named !== undefined) return [...new Set(named)].sort().map(tenantId);
  if (!multitenant) return [singleTenant];
  const names = (await backend.listFolders('', signal)).filter((name) => tenantIdProblem(name) === undefined);
  const [only] = names;
  if (only === undefined) throw new AppError('not_found', 'there are no tenants: is this the folder or prefix that Tempo writes to?');
  if (names.length === 1) return [tenantId(only)];
  const list = names.slice(0, listedTenants).join(', ');
  throw new AppError('bad_request', `say which tenant with --tenant: ${list}${names.length > listedTenants ? ', …' : ''}`);
}

/** What {@link pollTenants} needs. */
export interface PollOptions extends Omit<BackendContext, 'env'> {
  readonly backend: Backend;
  readonly tenants: readonly TenantId[];
  readonly settings: Config['blocklist'];
  /** Told of blocks that are left out. */
  readonly warn: (message: string) => void;
}

/** Reads the block lists of some tenants once. Rejects when one of them cannot be read, or has no blocks (`not_found`). */
export async function pollTenants(options: PollOptions, signal: AbortSignal): Promise<Poller> {
  const { backend, tenants, settings, clock, random, warn } = options;
  let failure: AppError | undefined;
  const onEvent = (event: PollEvent): void => {
    if (event.kind === 'tenant_failed' && !event.willRetry) failure = event.error;
    if (event.kind === 'meta_skipped') warn(`block ${event.block} is left out: ${event.error.message}`);
  };
  // Only these tenants are polled, whoever else has blocks there.
  const listFolders: Backend['listFolders'] = (prefix, inner) =>
    prefix === '' ? Promise.resolve(tenants) : backend.listFolders(prefix, inner);
  const poller = createPoller({
    backend: { ...backend, listFolders },
    // A command looks at a bucket and leaves it as it is.
    settings: { ...settings, buildIndex: 'never', concurrency: settings.pollConcurrency },
    clock,
    random,
    onEvent,
  });
  await poller.pollOnce(signal);
  throwIfAborted(signal);
  if (failure !== undefined) throw failure;
  const empty = tenants.filter((tenant) => poller.blocklist(tenant).metas.length === 0);
  if (empty.length === tenants.length) throw new AppError('not_found', `no blocks of tenant ${empty.join(', ')}`);
  return poller;
}

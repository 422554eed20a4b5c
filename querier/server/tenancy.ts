import { AppError } from '#engine/base/errors.ts';
import { singleTenant, type TenantId, tenantId, tenantIdProblem } from '#engine/base/units.ts';

/** Whom a request is for. */
export interface Tenants {
  /** As metrics and queues know it: the header's own text. */
  readonly label: string;
  /** Sorted, each once. */
  readonly ids: readonly TenantId[];
}

const alone: Tenants = { label: singleTenant, ids: [singleTenant] };

/** What follows a `:` is metadata that tenants do not see. */
function withoutMetadata(segment: string): string {
  const colon = segment.indexOf(':');
  return colon < 0 ? segment : segment.slice(0, colon);
}

/**
 * Reads `X-Scope-OrgID` (spec http-api §2.1). Without multitenancy the header is ignored. Throws `unauthenticated` `no org id` when it is missing, and
 * `bad_request` for a bad id, an empty one between bars, or several where only one is allowed.
 */
export function readTenants(
  header: string | undefined,
  options: { readonly multitenancyEnabled: boolean; readonly multiTenantQueriesEnabled: boolean },
): Tenants {
  if (!options.multitenancyEnabled) return alone;
  if (header === undefined || header === '') throw new AppError('unauthenticated', 'no org id');
  const names = [...new Set(header.split('|').map(withoutMetadata))].sort();
  for (const name of names) {
    const problem = tenantIdProblem(name);
    if (problem !== undefined) throw new AppError('bad_request', problem);
  }
  if (names.length > 1 && !options.multiTenantQueriesEnabled) throw new AppError('bad_request', 'multiple org IDs present');
  return { label: header, ids: names.map(tenantId) };
}

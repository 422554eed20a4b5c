import { createHash } from 'node:crypto';
import { toAppError } from '#engine/base/errors.ts';
import { decodeEntries } from './decode.ts';
import { type Environment, expandEnvironment } from './expand-env.ts';
import { type LimitsConfig, typedLimits } from './limits.ts';
import type { ConfigValue } from './schema/key.ts';
import { tenantLimitKeys } from './schema/overrides.ts';
import { schemaTree } from './schema/schema.ts';

/** What the file says of one tenant. */
export interface TenantEntry {
  readonly limits: LimitsConfig;
  /** By path, as far as the file mentions them. */
  readonly values: ReadonlyMap<string, ConfigValue>;
}

/** The file of `per_tenant_override_config`, read. */
export interface TenantLimitsFile {
  /** By tenant; `*` is whoever else there is. */
  readonly entries: ReadonlyMap<string, TenantEntry>;
  /** Of the file's bytes, in hex. */
  readonly sha256: string;
}

const tree = schemaTree(tenantLimitKeys);

/**
 * Reads the file, scoped or flat (spec config §8). A tenant has only what its own entry says: anything else is 0, which means no limit; the one exception are
 * the alternatives of tag filters, of which the default counts for all. Throws `config`.
 */
export function parseTenantLimits(
  text: string,
  fileName: string,
  expand: Environment | undefined,
  defaults: LimitsConfig,
): TenantLimitsFile {
  const expanded = expand === undefined ? text : expandEnvironment(text, expand);
  const decoded = decodeEntries(expanded, fileName, 'overrides', tree);
  const { maxConditionGroupsPerTagQuery } = defaults;
  const entries = [...decoded].map(([tenant, { values }]) => {
    return [tenant, { values, limits: { ...typedLimits(values, ''), maxConditionGroupsPerTagQuery } }] as const;
  });
  return { entries: new Map(entries), sha256: createHash('sha256').update(text).digest('hex') };
}

/** Limits of a tenant: its own entry's, else those of `*`, else the defaults. Nothing is merged. */
export function limitsOfTenant(file: TenantLimitsFile | undefined, defaults: LimitsConfig, tenant: string): LimitsConfig {
  return (file?.entries.get(tenant) ?? file?.entries.get('*'))?.limits ?? defaults;
}

/** What is said of a file that cannot be read. */
export function reloadProblem(thrown: unknown): string {
  return `failed to load runtime config: load file: ${toAppError(thrown).message}`;
}

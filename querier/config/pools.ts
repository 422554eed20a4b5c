import type { VersionCheck } from '../external/greeting.ts';
import { type PoolConfig, readPools, type TempoExternalConfig } from '../external/pool-config.ts';
import type { ConfigValue } from './schema/key.ts';

type Values = ReadonlyMap<string, ConfigValue>;

/** Functions, where they are and how they are called. */
export interface FunctionsConfig {
  /** In the order in which they are used; that of `querier.search.external_endpoints` comes first. */
  readonly pools: readonly PoolConfig[];
  readonly versionCheck: VersionCheck;
}

/** What Tempo's own keys say of functions. */
export function tempoExternal(values: Values): TempoExternalConfig {
  const search = (name: string) => values.get(`querier.search.${name}`);
  return {
    backend: search('external_backend') as string,
    endpoints: search('external_endpoints') as readonly string[],
    cloudRunEndpoints: search('google_cloud_run.external_endpoints') as readonly string[],
    cloudRunNoAuth: search('google_cloud_run.noauth') as boolean,
  };
}

/** Reads the keys about functions; they must have passed `validateValues`. */
export function functionsConfig(values: Values): FunctionsConfig {
  return {
    pools: readPools(tempoExternal(values), values.get('querier.external.pools')),
    versionCheck: values.get('querier.external.version_check') as VersionCheck,
  };
}

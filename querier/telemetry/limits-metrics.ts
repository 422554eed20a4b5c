import type { Gauge } from 'prom-client';
import type { Register } from './register.ts';

/** Limits of tenants and the file they come from (spec metrics §5). */
export interface LimitsMetrics {
  readonly limitsDefaults: Gauge<'limit_name'>;
  readonly limitsOverrides: Gauge<'limit_name' | 'user'>;
  readonly runtimeConfigReloaded: Gauge<'config'>;
  readonly runtimeConfigHash: Gauge<'config' | 'sha256'>;
}

/** Registers {@link LimitsMetrics}. */
export function limitsMetrics({ gauge }: Register): LimitsMetrics {
  return {
    limitsDefaults: gauge('tempo_limits_defaults', 'Limits of tenants that have none of their own.', 'limit_name'),
    limitsOverrides: gauge('tempo_limits_overrides', 'Limits of tenants that have their own.', 'limit_name', 'user'),
    runtimeConfigReloaded: gauge(
      'tempo_runtime_config_last_reload_successful',
      'Whether the file could be read and is in force the last time that it was looked at.',
      'config',
    ),
    runtimeConfigHash: gauge('tempo_runtime_config_hash', 'SHA-256 of the file in force.', 'config', 'sha256'),
  };
}

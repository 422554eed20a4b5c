import { readFile } from 'node:fs/promises';
import type { Environment } from '#engine/backend/s3-options.ts';
import type { Clock } from '#engine/base/clock.ts';
import { AppError, toAppError } from '#engine/base/errors.ts';
import type { Config } from './config/config.ts';
import type { LimitsOf } from './config/limits.ts';
import { limitsOfTenant, parseTenantLimits, reloadProblem, type TenantEntry, type TenantLimitsFile } from './config/tenant-limits.ts';
import { limitValues } from './telemetry/limit-values.ts';
import type { LimitsMetrics } from './telemetry/limits-metrics.ts';
import type { Logger } from './telemetry/log.ts';

/** What {@link openOverrides} needs of the process. */
export interface OverridesOptions {
  readonly config: Pick<Config, 'limits' | 'overrides' | 'values'>;
  readonly env: Environment;
  readonly clock: Clock;
  readonly metrics: LimitsMetrics;
  readonly logger: Logger;
}

/** Limits of tenants, which may change while the process runs. */
export interface Overrides {
  readonly limits: LimitsOf;
  /** What the file in force says, by tenant. */
  readonly entries: () => ReadonlyMap<string, TenantEntry>;
  /** Reads the file again every `per_tenant_override_period` until the signal is aborted. Never rejects. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}

const maxFileBytes = 64 << 20;
const shortestPeriodMs = 100;

function showFile(metrics: LimitsMetrics, file: TenantLimitsFile): void {
  metrics.runtimeConfigHash.reset();
  metrics.runtimeConfigHash.set({ config: 'overrides', sha256: file.sha256 }, 1);
  metrics.limitsOverrides.reset();
  for (const [user, { values }] of file.entries) {
    for (const [limit_name, value] of limitValues(values, 'tenant')) metrics.limitsOverrides.set({ limit_name, user }, value);
  }
}

/**
 * Opens the file of `per_tenant_override_config`, if there is one. Rejects with `config` when it cannot be read at start; later a file that cannot be read leaves
 * the limits as they were, and `tempo_runtime_config_last_reload_successful` at 0 (spec config §8).
 */
export async function openOverrides({ config, env, clock, metrics, logger }: OverridesOptions): Promise<Overrides> {
  const { path, periodMs, expandEnv } = config.overrides;
  for (const [limit_name, value] of limitValues(config.values, 'defaults')) metrics.limitsDefaults.set({ limit_name }, value);
  let file: TenantLimitsFile | undefined;
  let problem = '';
  const load = async (): Promise<void> => {
    const text = await readFile(path);
    if (text.length > maxFileBytes) throw new AppError('config', `${path} is larger than ${maxFileBytes} bytes`);
    const read = parseTenantLimits(text.toString('utf8'), path, expandEnv ? (name) => env[name] : undefined, config.limits);
    metrics.runtimeConfigReloaded.set({ config: 'overrides' }, 1);
    problem = '';
    if (read.sha256 === file?.sha256) return;
    if (file !== undefined) logger.info('limits of tenants have changed', { file: path, tenants: read.entries.size });
    file = read;
    showFile(metrics, read);
  };
  const reload = async (): Promise<void> => {
    try {
      await load();
    } catch (thrown) {
      metrics.runtimeConfigReloaded.set({ config: 'overrides' }, 0);
      const text = reloadProblem(thrown);
      if (text !== problem) logger.error('failed to load config', { err: text });
      problem = text;
    }
  };
  if (path !== '') {
    try {
      await load();
    } catch (thrown) {
      throw new AppError('config', reloadProblem(thrown), { cause: thrown });
    }
  }
  return {
    limits: (tenant) => limitsOfTenant(file, config.limits, tenant),
    entries: () => file?.entries ?? new Map(),
    run: async (signal) => {
      if (path === '') return;
      for (;;) {
        try {
          await clock.sleep(Math.max(shortestPeriodMs, periodMs), signal);
        } catch (thrown) {
          if (signal.aborted) return;
          throw toAppError(thrown);
        }
        await reload();
      }
    },
  };
}

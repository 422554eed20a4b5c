import { parsePrometheusDuration } from '#engine/base/duration.ts';
import type { ConfigValue } from '../config/schema/key.ts';

type Values = ReadonlyMap<string, ConfigValue>;

/** `limit_name`: where it stands in the scoped format and in the flat one, and the default of limits of the write path (spec metrics §5). */
const names: readonly (readonly [name: string, scoped: string, flat: string, default_: number])[] = [
  ['max_local_traces_per_user', 'ingestion.max_traces_per_user', 'max_traces_per_user', 10_000],
  ['max_global_traces_per_user', 'ingestion.max_global_traces_per_user', 'max_global_traces_per_user', 0],
  ['max_bytes_per_trace', 'global.max_bytes_per_trace', 'max_bytes_per_trace', 0],
  ['max_bytes_per_tag_values_query', 'read.max_bytes_per_tag_values_query', 'max_bytes_per_tag_values_query', 0],
  ['max_blocks_per_tag_values_query', 'read.max_blocks_per_tag_values_query', 'max_blocks_per_tag_values_query', 0],
  ['ingestion_rate_limit_bytes', 'ingestion.rate_limit_bytes', 'ingestion_rate_limit_bytes', 15_000_000],
  ['ingestion_burst_size_bytes', 'ingestion.burst_size_bytes', 'ingestion_burst_size_bytes', 20_000_000],
  ['block_retention', 'compaction.block_retention', 'block_retention', 0],
  ['metrics_generator_max_active_series', 'metrics_generator.max_active_series', 'metrics_generator_max_active_series', 0],
];

/** The value of a path, also of one that lies inside a scope that is kept as it was written. */
function valueAt(values: Values, prefix: string, path: string): unknown {
  const whole = values.get(prefix + path);
  if (whole !== undefined) return whole;
  const [scope, name] = path.split('.') as [string, string | undefined];
  const section = values.get(prefix + scope);
  return name !== undefined && typeof section === 'object' && section !== null ? (section as Record<string, unknown>)[name] : undefined;
}

/** Durations as nanoseconds. What the write path would refuse is 0 here. */
function gaugeValue(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return undefined;
  try {
    return Number(parsePrometheusDuration(value));
  } catch {
    return 0;
  }
}

/** Limits as metrics show them, by `limit_name`: of tenants in general (`overrides`), or of one entry of the tenants' file, which has no defaults. */
export function limitValues(values: Values, of: 'defaults' | 'tenant'): ReadonlyMap<string, number> {
  const [prefix, flatPrefix] = of === 'defaults' ? ['overrides.defaults.', 'overrides.'] : ['', ''];
  return new Map(
    names.map(([name, scoped, flat, default_]) => {
      const value = gaugeValue(valueAt(values, prefix, scoped)) ?? gaugeValue(values.get(flatPrefix + flat));
      return [name, value ?? (of === 'defaults' ? default_ : 0)];
    }),
  );
}

import type { ConfigValue } from './schema/key.ts';

/** Limits of one tenant, the part that a read path needs (spec config §8). */
export interface LimitsConfig {
  /** 0: `query_frontend.search.max_duration` counts. */
  readonly maxSearchDurationMs: number;
  /** 0: `query_frontend.metrics.max_duration` counts. */
  readonly maxMetricsDurationMs: number;
  /** 0: unlimited. */
  readonly maxBytesPerTrace: number;
  /** Of names or values of tags in one answer; 0: unlimited. */
  readonly maxBytesPerTagValuesQuery: number;
  /** Newest blocks that are searched for values of a tag; 0: all. */
  readonly maxBlocksPerTagValuesQuery: number;
  /** Alternatives that the filter of a tag query may have; 0: unlimited. */
  readonly maxConditionGroupsPerTagQuery: number;
  /** Bytes of block that one query may cover; 0: unlimited. */
  readonly maxBytesPerQuery: number;
  /** What functions may cost for one query, US dollars; 0: unlimited. */
  readonly maxDollarsPerQuery: number;
  /** The same for all queries of the tenant within an hour, in one process. */
  readonly maxBytesPerHour: number;
  readonly maxDollarsPerHour: number;
  /** Obey hints that change how a query is run. */
  readonly unsafeQueryHints: boolean;
  /** Trace ids of search results have all 32 digits. */
  readonly leftPadTraceIds: boolean;
}

/** The limits in force of a tenant, or of tenants as their ids joined with `|`. */
export type LimitsOf = (tenant: string) => LimitsConfig;

/** Limits below a path of the schema; '' where the values are those of one tenant. What is not there is 0: no limit (spec config §8). */
export function typedLimits(values: ReadonlyMap<string, ConfigValue>, prefix: string): LimitsConfig {
  const value = (path: string) => values.get(prefix === '' ? path : `${prefix}.${path}`);
  const number = (path: string) => (value(path) as number | undefined) ?? 0;
  return {
    maxSearchDurationMs: number('read.max_search_duration'),
    maxMetricsDurationMs: number('read.max_metrics_duration'),
    maxBytesPerTrace: number('global.max_bytes_per_trace'),
    maxBytesPerTagValuesQuery: number('read.max_bytes_per_tag_values_query'),
    maxBlocksPerTagValuesQuery: number('read.max_blocks_per_tag_values_query'),
    maxConditionGroupsPerTagQuery: number('read.max_condition_groups_per_tag_query'),
    maxBytesPerQuery: number('read.max_bytes_per_query'),
    maxDollarsPerQuery: number('read.max_cost_per_query'),
    maxBytesPerHour: number('read.max_bytes_per_hour'),
    maxDollarsPerHour: number('read.max_cost_per_hour'),
    unsafeQueryHints: value('read.unsafe_query_hints') === true,
    leftPadTraceIds: value('read.left_pad_trace_ids') === true,
  };
}

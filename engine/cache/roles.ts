/** What a cache may hold (spec read-path §7.1). `trace-id-index` is accepted and never asked for: traces are found without that object. */
export const cacheRoles = [
  'bloom',
  'trace-id-index',
  'parquet-footer',
  'parquet-column-idx',
  'parquet-offset-idx',
  'parquet-page',
  'frontend-search',
] as const;

/** One of {@link cacheRoles}. */
export type CacheRole = (typeof cacheRoles)[number];

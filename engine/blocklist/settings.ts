/** Settings of polling: the `blocklist_poll_*` keys of `storage.trace` (spec read-path §1.1). */
export interface PollSettings {
  /** `_concurrency`: metas read at once for a tenant. */
  readonly concurrency: number;
  /** `_tenant_concurrency`; 0 counts as 1. */
  readonly tenantConcurrency: number;
  /** `_fallback`: list the bucket when the tenant index is missing, broken or stale. */
  readonly fallback: boolean;
  /**
   * Rubato's own `_build_tenant_index`: who writes tenant indexes. `never` only reads; `fallback` reads, and writes after it had to list the bucket, as a
   * Tempo querier does; `always` lists the bucket with every poll and writes, as a Tempo builder does.
   */
  readonly buildIndex: 'never' | 'fallback' | 'always';
  /** `_stale_tenant_index`: an older index is an error; 0 is off. */
  readonly staleTenantIndexMs: number;
  /** `_jitter_ms`: random wait before each meta is read. */
  readonly jitterMs: number;
  /** `_tolerate_consecutive_errors`: further tries for a tenant within one poll. */
  readonly tolerateConsecutiveErrors: number;
  /** `_tolerate_tenant_failures`: more failing tenants than that abandon the poll. */
  readonly tolerateTenantFailures: number;
}

/** Tempo's defaults, and no writing. */
export const defaultPollSettings: PollSettings = {
  concurrency: 50,
  tenantConcurrency: 1,
  fallback: true,
  buildIndex: 'never',
  staleTenantIndexMs: 0,
  jitterMs: 0,
  tolerateConsecutiveErrors: 1,
  tolerateTenantFailures: 1,
};

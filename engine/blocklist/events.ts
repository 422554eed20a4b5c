import type { AppError } from '#engine/base/errors.ts';
import type { BlockId, TenantId } from '#engine/base/units.ts';

/** Where a tenant's list came from. */
export type ListSource = 'index.pb.zst' | 'index.json.gz' | 'bucket';

/** What a poller tells; telemetry makes metrics and log lines of it (spec read-path §1.5). */
export type PollEvent =
  /** A folder of the bucket that cannot be a tenant. */
  | { readonly kind: 'folder_ignored'; readonly name: string; readonly problem: string }
  /** The tenant index is missing (`not_found`), broken or stale; then its age is told. */
  | { readonly kind: 'index_failed'; readonly tenant: TenantId; readonly error: AppError; readonly indexAgeMs?: number }
  /** This process wrote the tenant index, both forms, or deleted it since there are no blocks. */
  | { readonly kind: 'index_written'; readonly tenant: TenantId; readonly blocks: number }
  /** It could not; the list is good all the same. */
  | { readonly kind: 'index_write_failed'; readonly tenant: TenantId; readonly error: AppError }
  /** A block was left out of the list because its meta is broken. */
  | { readonly kind: 'meta_skipped'; readonly tenant: TenantId; readonly block: BlockId; readonly error: AppError }
  /** One try to poll a tenant failed; after the last one its previous list stays in force. */
  | { readonly kind: 'tenant_failed'; readonly tenant: TenantId; readonly error: AppError; readonly willRetry: boolean }
  | {
      readonly kind: 'tenant_polled';
      readonly tenant: TenantId;
      readonly source: ListSource;
      readonly liveBlocks: number;
      readonly compactedBlocks: number;
      /** Whether this process is to build the tenant's index. */
      readonly builder: boolean;
      /** Age of the tenant index; undefined when the bucket was listed. */
      readonly indexAgeMs: number | undefined;
    }
  /** The tenant has no blocks any more, or is gone. */
  | { readonly kind: 'tenant_removed'; readonly tenant: TenantId }
  /** One poll over all tenants ended; with an error the previous lists stay in force. */
  | { readonly kind: 'poll_finished'; readonly durationMs: number; readonly tenants: number; readonly error?: AppError };

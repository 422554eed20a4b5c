import type { AnswerFormat, SearchAnswer } from '#engine/api/search-answer.ts';
import type { SearchBlockRequest } from '#engine/api/search-request.ts';
import type { BackendConfig } from '#engine/backend/create.ts';
import type { Environment } from '#engine/backend/s3-options.ts';
import type { StorageEvent } from '#engine/backend/storage-events.ts';
import type { ErrorCode } from '#engine/base/errors.ts';
import type { TenantId } from '#engine/base/units.ts';
import type { BlockCacheConfig } from '#engine/cache/open-block-cache.ts';

/** What a scan thread is started with. */
export interface ThreadSetup {
  readonly backend: BackendConfig;
  readonly env: Environment;
  readonly maxMemoryBytes: number;
  readonly cacheBytes: number;
  readonly caches?: BlockCacheConfig | undefined;
}

/** What goes to a scan thread. `id` tells the jobs of one thread apart. */
export type ThreadRequest =
  | {
      readonly kind: 'search';
      readonly id: number;
      readonly tenant: TenantId;
      readonly request: SearchBlockRequest;
      readonly format: AnswerFormat;
    }
  | { readonly kind: 'cancel'; readonly id: number };

/** What comes back: one answer or error per job, also for cancelled ones, and before it what the thread has asked of its storage since the last. */
export type ThreadResponse =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: SearchAnswer }
  | { readonly kind: 'storage'; readonly events: readonly StorageEvent[] }
  | { readonly kind: 'error'; readonly id: number; readonly code: ErrorCode; readonly message: string };

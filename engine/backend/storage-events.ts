import type { AppError } from '#engine/base/errors.ts';
import type { CacheEvent } from '#engine/cache/events.ts';

/** Something that happened between this process and its storage or caches, for metrics. Plain data: scan threads post theirs to the main thread. */
export type StorageEvent =
  /** A request to the object storage has ended. */
  | {
      readonly kind: 'request';
      readonly verb: 'GET' | 'PUT' | 'DELETE';
      readonly durationMs: number;
      readonly errorCode?: AppError['code'];
    }
  /** A further request for what another one has not answered yet. */
  | { readonly kind: 'hedge' }
  | CacheEvent;

/** Takes events as they come; must not throw. */
export type OnStorageEvent = (event: StorageEvent) => void;

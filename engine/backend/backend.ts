import type { Bytes } from '#engine/base/units.ts';

/** What a listing finds below a prefix. */
export interface ListedObject {
  /** Full key, as `read` takes it. */
  readonly key: string;
  readonly sizeBytes: Bytes;
  /** Milliseconds since the Unix epoch. */
  readonly modifiedMs: number;
}

/**
 * Object storage, read-only. Keys are relative to the bucket's configured prefix and separated by `/`.
 *
 * Every call rejects with an AppError: `not_found` for a missing object, `unavailable` when the store does not answer,
 * `cancelled`/`deadline_exceeded` when the signal says so, `internal` otherwise; a key with an empty, `.` or `..` segment is `bad_request`.
 */
export interface Backend {
  /** The whole object. */
  readonly read: (key: string, signal?: AbortSignal) => Promise<Uint8Array>;
  /** Exactly `[start, end)` of the object; a shorter answer is an error (`corrupt_block`), never a short result. */
  readonly readRange: (key: string, start: number, end: number, signal?: AbortSignal) => Promise<Uint8Array>;
  /** The names of the "folders" directly below `prefix` ('' or ending in `/`), without slash, in order. */
  readonly listFolders: (prefix: string, signal?: AbortSignal) => Promise<readonly string[]>;
  /** All objects below `prefix`, in order of their keys. */
  readonly listObjects: (prefix: string, signal?: AbortSignal) => AsyncIterable<ListedObject>;
  /** Bytes that may lie between two wanted ranges and still be fetched with them in one request. 0 where requests cost nothing. */
  readonly coalesceGapBytes: number;
}

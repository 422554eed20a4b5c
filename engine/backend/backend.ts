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
 * Changes objects, which only the builder of a tenant index does. Rejects as {@link Backend} does; a store that refuses to be written to is `config`
 * (S3) or `internal` (a read-only folder).
 */
export interface ObjectWriter {
  /** Stores the whole object: whoever reads meanwhile sees the old content or the new one, never a part. Content above 1 GiB is `resource_exhausted`. */
  readonly write: (key: string, content: Uint8Array, signal?: AbortSignal) => Promise<void>;
  /** Forgets the object; one that does not exist is no error. */
  readonly delete: (key: string, signal?: AbortSignal) => Promise<void>;
}

/**
 * Object storage, which searches only read. Keys are relative to the bucket's configured prefix and separated by `/`.
 *
 * Every call rejects with an AppError: `not_found` for a missing object, `unavailable` when the store does not answer,
 * `cancelled`/`deadline_exceeded` when the signal says so, `config` when it refuses the credentials or has no such bucket, `resource_exhausted` above the
 * limit of one read, `internal` otherwise; a key with an empty, `.` or `..` segment is `bad_request`.
 */
export interface Backend {
  /** The whole object. */
  readonly read: (key: string, signal?: AbortSignal) => Promise<Uint8Array>;
  /** Exactly `[start, end)` of the object; a shorter answer is an error (`corrupt_block`), never a short result. */
  readonly readRange: (key: string, start: number, end: number, signal?: AbortSignal) => Promise<Uint8Array>;
  /**
   * As `readRange`, into memory of the caller: what a scan uses where a backend has it. Returns nothing when the bytes are there at once, a promise
   * otherwise; the target must stay valid until then.
   */
  readonly readInto?: (key: string, start: number, target: Uint8Array, signal?: AbortSignal) => Promise<void> | undefined;
  /** The names of the "folders" directly below `prefix` ('' or ending in `/`), without slash, in order. */
  readonly listFolders: (prefix: string, signal?: AbortSignal) => Promise<readonly string[]>;
  /** All objects below `prefix`, in order of their keys. */
  readonly listObjects: (prefix: string, signal?: AbortSignal) => AsyncIterable<ListedObject>;
  /**
   * As `listObjects`, but goes on beyond the folder `prefix` to the end of the bucket: one listing of many small folders, where each of its own would be a request.
   * Absent where a listing costs nothing, or the store has no such request.
   */
  readonly listObjectsFrom?: (prefix: string, signal?: AbortSignal) => AsyncIterable<ListedObject>;
  /** Bytes that may lie between two wanted ranges and still be fetched with them in one request. 0 where requests cost nothing. */
  readonly coalesceGapBytes: number;
  /** Absent where the client can only read, as that of a function. Having one does not mean that the store permits writing. */
  readonly writer?: ObjectWriter;
}

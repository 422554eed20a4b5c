/** Keeps values under keys, somewhere. Callers limit the time; calls reject when the server does not answer or refuses. */
export interface CacheStore {
  /** The values in the order of the keys; undefined where there is none. Ends early when the signal says so. */
  readonly get: (keys: readonly string[], signal: AbortSignal) => Promise<readonly (Uint8Array | undefined)[]>;
  readonly set: (key: string, value: Uint8Array, signal: AbortSignal) => Promise<void>;
  /** Gives up all connections. */
  readonly close: () => void;
}

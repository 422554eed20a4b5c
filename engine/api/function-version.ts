import { AppError } from '#engine/base/errors.ts';
import type { JobKind } from './job-wire.ts';

/** What a function says of itself when a querier starts. */
export interface FunctionVersion {
  readonly protocol: number;
  readonly engine: string;
  /** Block versions that it reads. */
  readonly formats: readonly string[];
  readonly kinds: readonly JobKind[];
  /** 0 where the platform does not say. */
  readonly memoryMb: number;
  /** Milliseconds since the epoch, by its clock. */
  readonly nowMs: number;
  /** `ok`: its store is configured, and the probed block, if one was named, is readable. Otherwise what is wrong. */
  readonly backend: string;
}

/** A block that the function should be able to read the end of. */
export interface VersionProbe {
  readonly tenant: string;
  readonly blockId: string;
  /** Size of data.parquet. */
  readonly sizeBytes: number;
}

/** The body of a request for the version; '{}' probes nothing. */
export function encodeVersionRequest(probe: VersionProbe | undefined): Uint8Array {
  return Buffer.from(JSON.stringify(probe === undefined ? {} : { probe }));
}

/** Reads such a request. Throws `bad_request`. */
export function decodeVersionRequest(bytes: Uint8Array): VersionProbe | undefined {
  try {
    const { probe } = (bytes.length === 0 ? {} : JSON.parse(Buffer.from(bytes).toString())) as { readonly probe?: Partial<VersionProbe> };
    if (probe === undefined) return undefined;
    const { tenant, blockId, sizeBytes } = probe;
    if (typeof tenant === 'string' && typeof blockId === 'string' && Number.isSafeInteger(sizeBytes) && (sizeBytes ?? 0) > 0) {
      return { tenant, blockId, sizeBytes: sizeBytes as number };
    }
  } catch {
    // Said below.
  }
  throw new AppError('bad_request', 'a request for the version is {} or {"probe":{"tenant":…,"blockId":…,"sizeBytes":…}}');
}

/** Reads what a function says of itself; undefined where it says something else, as functions that only know tempo-serverless do. */
export function decodeVersion(body: Uint8Array): FunctionVersion | undefined {
  let value: Partial<FunctionVersion>;
  try {
    value = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()) ?? {};
  } catch {
    return undefined;
  }
  const { protocol, engine, formats, kinds, memoryMb, nowMs, backend } = value;
  if (typeof protocol !== 'number' || typeof engine !== 'string' || typeof backend !== 'string') return undefined;
  const list = <Item>(items: readonly Item[] | undefined) => (Array.isArray(items) ? items : []);
  return { protocol, engine, formats: list(formats), kinds: list(kinds), memoryMb: memoryMb ?? 0, nowMs: nowMs ?? 0, backend };
}

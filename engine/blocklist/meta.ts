import { type DedicatedColumn, dedicatedColumnsFromMeta } from '#engine/api/dedicated-columns.ts';
import { AppError } from '#engine/base/errors.ts';
import { type BlockId, type Bytes, blockId, bytes, type TenantId, type UnixSeconds, unixSeconds } from '#engine/base/units.ts';
import { createMetaPool, type MetaPool } from './meta-pool.ts';

/** What is known of a block without opening it: its meta.json (spec blocks §2). */
export interface BlockMeta {
  readonly tenant: TenantId;
  readonly blockId: BlockId;
  /** `vParquet4` and the like; any text, also of versions that no reader here knows. */
  readonly version: string;
  /** Start of the earliest and end of the latest trace; both seconds belong to the block. */
  readonly startSeconds: UnixSeconds;
  readonly endSeconds: UnixSeconds;
  readonly totalTraces: number;
  /** Exact length of data.parquet; 0 where the writer did not say. */
  readonly sizeBytes: Bytes;
  /** Length of the Parquet footer; 0 in old blocks. */
  readonly footerBytes: Bytes;
  /** Row groups; may be one too many, so that readers clamp. */
  readonly totalRecords: number;
  readonly compactionLevel: number;
  /** 0 for a classic ingester's block, of which there may be three copies; 1 for a block written once. */
  readonly replicationFactor: number;
  /** bloom-N objects, at least 1. */
  readonly bloomShards: number;
  readonly dedicatedColumns: readonly DedicatedColumn[];
}

/** A block that compaction has replaced or retention has ended. */
export interface CompactedBlockMeta {
  readonly meta: BlockMeta;
  /** When that happened, in milliseconds since the epoch. */
  readonly compactedMs: number;
}

/** Longest meta.json that is read; a real one has some hundred bytes. */
export const maxMetaBytes = 1024 * 1024;

/** The parts of a meta in whatever spelling, before they are checked. */
export interface MetaParts {
  readonly version: unknown;
  readonly blockId: unknown;
  readonly tenant: unknown;
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly totalTraces: unknown;
  readonly sizeBytes: unknown;
  readonly footerBytes: unknown;
  readonly totalRecords: unknown;
  readonly compactionLevel: unknown;
  readonly replicationFactor: unknown;
  readonly bloomShards: unknown;
  readonly dedicatedColumns: readonly DedicatedColumn[];
}

/** Very old blocks do not say how many bloom filters they have. */
const defaultBloomShards = 10;
const maxUint32 = 2 ** 32 - 1;

/** Reads a meta.json or meta.compacted.json of any release; unknown members are ignored. Throws `corrupt_block` that names the member. */
export function parseBlockMeta(json: Uint8Array, pool: MetaPool = createMetaPool()): BlockMeta {
  if (json.length > maxMetaBytes) throw new AppError('corrupt_block', `block meta is longer than ${maxMetaBytes} bytes`);
  return blockMetaFromJson(parseJsonBytes(json, 'block meta'), pool);
}

/** The same for a value that JSON.parse gave, as the tenant index holds them. Throws `corrupt_block`. */
export function blockMetaFromJson(value: unknown, pool: MetaPool = createMetaPool()): BlockMeta {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new AppError('corrupt_block', 'block meta is no JSON object');
  const fields = value as Readonly<Record<string, unknown>>;
  const columns = fields.dedicatedColumns;
  const parts = {
    version: fields.format,
    blockId: fields.blockID,
    tenant: fields.tenantID,
    startSeconds: Math.floor(parseTimeMs(fields.startTime, 'startTime') / 1000),
    endSeconds: Math.floor(parseTimeMs(fields.endTime, 'endTime') / 1000),
    totalTraces: fields.totalObjects,
    sizeBytes: fields.size,
    footerBytes: fields.footerSize,
    totalRecords: fields.totalRecords,
    compactionLevel: fields.compactionLevel,
    replicationFactor: fields.replicationFactor,
    bloomShards: fields.bloomShards,
    dedicatedColumns: pool.columns(JSON.stringify(columns) ?? '', () => parseColumns(columns)),
  };
  return checkMeta(parts, pool);
}

/** Checks the parts of a meta. Throws `corrupt_block` that names the member of meta.json. */
export function checkMeta(parts: MetaParts, pool: MetaPool): BlockMeta {
  const { version, tenant } = parts;
  if (typeof version !== 'string' || version === '') throw invalid('format', version);
  const id = typeof parts.blockId === 'string' ? blockId(parts.blockId) : undefined;
  if (id === undefined) throw invalid('blockID', parts.blockId);
  const owner = typeof tenant === 'string' ? pool.tenant(tenant) : undefined;
  if (owner === undefined) throw invalid('tenantID', tenant);
  return {
    tenant: owner,
    blockId: id,
    version: pool.version(version),
    startSeconds: unixSeconds(small(parts.startSeconds)),
    endSeconds: unixSeconds(small(parts.endSeconds)),
    totalTraces: count('totalObjects', parts.totalTraces, Number.MAX_SAFE_INTEGER),
    sizeBytes: bytes(count('size', parts.sizeBytes, Number.MAX_SAFE_INTEGER)),
    footerBytes: bytes(count('footerSize', parts.footerBytes, maxUint32)),
    totalRecords: count('totalRecords', parts.totalRecords, maxUint32),
    compactionLevel: count('compactionLevel', parts.compactionLevel, maxUint32),
    replicationFactor: count('replicationFactor', parts.replicationFactor, maxUint32),
    bloomShards: count('bloomShards', parts.bloomShards, maxUint32) || defaultBloomShards,
    dedicatedColumns: parts.dedicatedColumns,
  };
}

/** Parses UTF-8 JSON. Throws `corrupt_block` with what it was. */
export function parseJsonBytes(json: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch (cause) {
    throw new AppError('corrupt_block', `${what} is no JSON: ${(cause as Error).message}`, { cause });
  }
}

/** Milliseconds since the epoch of an RFC 3339 time. Throws `corrupt_block` that names the member. */
export function parseTimeMs(value: unknown, member: string): number {
  const text = typeof value === 'string' && rfc3339.test(value) ? value : undefined;
  const parsed = text === undefined ? Number.NaN : Date.parse(text);
  if (Number.isNaN(parsed)) throw invalid(member, value);
  return parsed;
}

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

/**
 * The same number, as V8's small integer where it is one: numbers that were computed as floating point would take 16 bytes each beside the object, and there may
 * be a million metas.
 */
function small(value: number): number {
  return value === (value | 0) ? value | 0 : value;
}

function count(member: string, value: unknown, max: number): number {
  if (value === undefined || value === null) return 0;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > max) throw invalid(member, value);
  return small(value);
}

/** Dedicated columns in their short form of JSON (spec blocks §2.1), parsed; absent is none. Throws `corrupt_block`. */
export function parseColumns(value: unknown): readonly DedicatedColumn[] {
  try {
    return dedicatedColumnsFromMeta(value);
  } catch (cause) {
    throw new AppError('corrupt_block', `block meta: dedicatedColumns: ${(cause as Error).message}`, { cause });
  }
}

const maxShown = 80;

function invalid(member: string, value: unknown): AppError {
  const shown = JSON.stringify(value) ?? 'nothing';
  const short = shown.length > maxShown ? `${shown.slice(0, maxShown)}…` : shown;
  return new AppError('corrupt_block', `block meta: ${member} is not valid: ${short}`);
}

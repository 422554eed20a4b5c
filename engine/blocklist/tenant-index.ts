import { promisify } from 'node:util';
import { gunzip, zstdDecompress } from 'node:zlib';
import { AppError } from '#engine/base/errors.ts';
import type { BlockId } from '#engine/base/units.ts';
import {
  type BlockMeta,
  blockMetaFromJson,
  type CompactedBlockMeta,
  checkMeta,
  type MetaParts,
  parseColumns,
  parseJsonBytes,
  parseTimeMs,
} from './meta.ts';
import { createMetaPool, type MetaPool } from './meta-pool.ts';
import { type ProtobufField, readProtobufFields } from './protobuf-reader.ts';

/** A tenant's list of blocks as an index builder wrote it (spec blocks §3). */
export interface TenantIndex {
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number;
  readonly metas: readonly BlockMeta[];
  readonly compacted: readonly CompactedBlockMeta[];
}

/** Object names below the tenant, in the order in which readers try them. */
export const tenantIndexNames = { protobuf: 'index.pb.zst', json: 'index.json.gz' } as const;

/** Most bytes that an index may have unpacked: with Tempo's default dedicated columns some 150 000 blocks in JSON and 500 000 in protobuf. */
export const maxIndexBytes = { protobuf: 256 * 1024 * 1024, json: 128 * 1024 * 1024 } as const;

const unpackGzip = promisify(gunzip);
const unpackZstd = promisify(zstdDecompress);

/** How an index is read. */
export interface DecodeOptions {
  /** {@link maxIndexBytes} without it. */
  readonly maxBytes?: number;
  readonly pool?: MetaPool;
  /** Blocks that were known before: one that looks the same keeps its object, so that polls leave no garbage behind. */
  readonly known?: ReadonlyMap<BlockId, BlockMeta>;
}

/** Blocks that are read in one go; then others get their turn, since an index may have hundreds of thousands. */
const blocksPerTurn = 4096;

/** Reads `index.json.gz`. Throws `corrupt_block`, or `resource_exhausted` when it unpacks to more than `maxBytes`. */
export async function decodeJsonIndex(packed: Uint8Array, options: DecodeOptions = {}): Promise<TenantIndex> {
  const { maxBytes = maxIndexBytes.json, pool = createMetaPool(), known } = options;
  const json = await unpack(() => unpackGzip(packed, { maxOutputLength: maxBytes }), tenantIndexNames.json, maxBytes);
  const value = parseJsonBytes(json, 'the tenant index');
  if (typeof value !== 'object' || value === null) throw new AppError('corrupt_block', 'the tenant index is no JSON object');
  const fields = value as Readonly<Record<string, unknown>>;
  const read = (entry: unknown): BlockMeta => settle(blockMetaFromJson(entry, pool), known);
  return {
    createdAtMs: parseTimeMs(fields.created_at, 'created_at'),
    metas: await mapInTurns(listOf(fields.meta, 'meta'), read),
    compacted: await mapInTurns(listOf(fields.compacted, 'compacted'), (entry) => {
      const { compactedTime } = (entry ?? {}) as Readonly<Record<string, unknown>>;
      return { meta: read(entry), compactedMs: compactedTime === undefined ? 0 : parseTimeMs(compactedTime, 'compactedTime') };
    }),
  };
}

async function mapInTurns<Entry, Result>(entries: readonly Entry[], map: (entry: Entry) => Result): Promise<Result[]> {
  const results: Result[] = [];
  for (const entry of entries) {
    results.push(map(entry));
    if (results.length % blocksPerTurn === 0) await nextTurn();
  }
  return results;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function settle(meta: BlockMeta, known: DecodeOptions['known']): BlockMeta {
  const held = known?.get(meta.blockId);
  return held !== undefined && held.sizeBytes === meta.sizeBytes && held.version === meta.version ? held : meta;
}

/** Reads `index.pb.zst`. Errors as {@link decodeJsonIndex}. */
export async function decodeProtobufIndex(packed: Uint8Array, options: DecodeOptions = {}): Promise<TenantIndex> {
  const { maxBytes = maxIndexBytes.protobuf, pool = createMetaPool(), known } = options;
  const message = await unpack(() => unpackZstd(packed, { maxOutputLength: maxBytes }), tenantIndexNames.protobuf, maxBytes);
  const metas: BlockMeta[] = [];
  const compacted: CompactedBlockMeta[] = [];
  let createdAtMs: number | undefined;
  let fields = 0;
  for (const field of readProtobufFields(message)) {
    if (field.number === 1) createdAtMs = timestampMs(field);
    else if (field.number === 2) metas.push(settle(blockMetaOf(field, pool), known));
    else if (field.number === 3) {
      const { meta, compactedMs } = compactedMetaOf(field, pool);
      compacted.push({ meta: settle(meta, known), compactedMs });
    }
    if (++fields % blocksPerTurn === 0) await nextTurn();
  }
  // Every writer sets it; without it an empty object would pass for a tenant without blocks.
  if (createdAtMs === undefined) throw new AppError('corrupt_block', 'the tenant index has no created_at');
  return { createdAtMs, metas, compacted };
}

async function unpack(run: () => Promise<Buffer>, name: string, maxBytes: number): Promise<Uint8Array> {
  try {
    return await run();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE') {
      throw new AppError('resource_exhausted', `${name} unpacks to more than the limit of ${maxBytes} bytes`, { cause });
    }
    throw new AppError('corrupt_block', `${name} cannot be unpacked: ${message}`, { cause });
  }
}

function listOf(value: unknown, member: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new AppError('corrupt_block', `the tenant index: ${member} is no list`);
  return value;
}

function compactedMetaOf(field: ProtobufField, pool: MetaPool): CompactedBlockMeta {
  let meta: BlockMeta | undefined;
  let compactedMs = 0;
  for (const inner of readProtobufFields(messageOf(field))) {
    if (inner.number === 1) meta = blockMetaOf(inner, pool);
    else if (inner.number === 2) compactedMs = timestampMs(inner);
  }
  if (meta === undefined) throw new AppError('corrupt_block', 'the tenant index has a compacted block without block_meta');
  return { meta, compactedMs };
}

/** The parts that are plain numbers, by their field number (spec blocks §3). */
const numberFields: Readonly<Record<number, keyof MetaParts>> = {
  8: 'totalTraces',
  9: 'sizeBytes',
  10: 'compactionLevel',
  13: 'totalRecords',
  15: 'bloomShards',
  16: 'footerBytes',
  18: 'replicationFactor',
};

function blockMetaOf(field: ProtobufField, pool: MetaPool): BlockMeta {
  const parts: { -readonly [Part in keyof MetaParts]?: MetaParts[Part] } = {};
  let columns: Uint8Array = new Uint8Array(0);
  for (const inner of readProtobufFields(messageOf(field))) {
    const part = numberFields[inner.number];
    if (part !== undefined) parts[part] = (inner.bytes === undefined ? inner.value : Number.NaN) as never;
    else if (inner.number === 1) parts.version = textOf(inner);
    else if (inner.number === 2) parts.blockId = uuidOf(inner);
    else if (inner.number === 5) parts.tenant = textOf(inner);
    else if (inner.number === 6) parts.startSeconds = Math.floor(timestampMs(inner) / 1000);
    else if (inner.number === 7) parts.endSeconds = Math.floor(timestampMs(inner) / 1000);
    else if (inner.number === 17) columns = messageOf(inner);
  }
  if (parts.startSeconds === undefined || parts.endSeconds === undefined) {
    throw new AppError('corrupt_block', 'the tenant index has a block without start_time or end_time');
  }
  // Written also when there are none.
  const text = Buffer.from(columns.buffer, columns.byteOffset, columns.byteLength).toString('latin1');
  const parse = () => parseColumns(text === '' ? undefined : parseJsonBytes(columns, 'dedicated_columns of the tenant index'));
  parts.dedicatedColumns = pool.columns(text, parse);
  return checkMeta(parts as MetaParts, pool);
}

function messageOf({ number, bytes }: ProtobufField): Uint8Array {
  if (bytes === undefined) throw new AppError('corrupt_block', `the tenant index: field ${number} has the wrong type`);
  return bytes;
}

function textOf(field: ProtobufField): string {
  return Buffer.from(messageOf(field)).toString('utf8');
}

function uuidOf(field: ProtobufField): string {
  const raw = messageOf(field);
  if (raw.length !== 16) throw new AppError('corrupt_block', `the tenant index has a block id of ${raw.length} bytes`);
  return Buffer.from(raw)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** The last second that a Date can show; what lies beyond is no time. */
const maxSeconds = 8.64e12;

function timestampMs(field: ProtobufField): number {
  let seconds = 0;
  let nanos = 0;
  for (const inner of readProtobufFields(messageOf(field))) {
    if (inner.number === 1) seconds = inner.value;
    else if (inner.number === 2) nanos = inner.value;
  }
  const good = Number.isInteger(seconds) && Math.abs(seconds) <= maxSeconds && Number.isInteger(nanos) && nanos >= 0 && nanos < 1e9;
  if (!good) throw new AppError('corrupt_block', 'the tenant index has a time that is none');
  return seconds * 1000 + Math.floor(nanos / 1e6);
}

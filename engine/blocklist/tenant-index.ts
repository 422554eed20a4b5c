import { promisify } from 'node:util';
import { gunzip, zstdDecompress } from 'node:zlib';
import type { DedicatedColumn } from '#engine/api/dedicated-columns.ts';
import { AppError } from '#engine/base/errors.ts';
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

/** Most bytes that an index may have unpacked: some 300 000 blocks in JSON, and a million in protobuf. */
export const maxIndexBytes = 128 * 1024 * 1024;

const unpackGzip = promisify(gunzip);
const unpackZstd = promisify(zstdDecompress);

/** Reads `index.json.gz`. Throws `corrupt_block`, or `resource_exhausted` when it unpacks to more than `maxBytes`. */
export async function decodeJsonIndex(packed: Uint8Array, maxBytes = maxIndexBytes): Promise<TenantIndex> {
  const json = await unpack(() => unpackGzip(packed, { maxOutputLength: maxBytes }), tenantIndexNames.json, maxBytes);
  const value = parseJsonBytes(json, 'the tenant index');
  if (typeof value !== 'object' || value === null) throw new AppError('corrupt_block', 'the tenant index is no JSON object');
  const fields = value as Readonly<Record<string, unknown>>;
  const store = createColumnStore();
  const share = (columns: unknown) => store(JSON.stringify(columns) ?? '', () => parseColumns(columns));
  return {
    createdAtMs: parseTimeMs(fields.created_at, 'created_at'),
    metas: listOf(fields.meta, 'meta').map((entry) => blockMetaFromJson(entry, share)),
    compacted: listOf(fields.compacted, 'compacted').map((entry) => {
      const { compactedTime } = (entry ?? {}) as Readonly<Record<string, unknown>>;
      return {
        meta: blockMetaFromJson(entry, share),
        compactedMs: compactedTime === undefined ? 0 : parseTimeMs(compactedTime, 'compactedTime'),
      };
    }),
  };
}

/** Reads `index.pb.zst`. Errors as {@link decodeJsonIndex}. */
export async function decodeProtobufIndex(packed: Uint8Array, maxBytes = maxIndexBytes): Promise<TenantIndex> {
  const message = await unpack(() => unpackZstd(packed, { maxOutputLength: maxBytes }), tenantIndexNames.protobuf, maxBytes);
  const store = createColumnStore();
  const metas: BlockMeta[] = [];
  const compacted: CompactedBlockMeta[] = [];
  let createdAtMs: number | undefined;
  for (const field of readProtobufFields(message)) {
    if (field.number === 1) createdAtMs = timestampMs(field);
    else if (field.number === 2) metas.push(blockMetaOf(field, store));
    else if (field.number === 3) compacted.push(compactedMetaOf(field, store));
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

/** Gives the columns of a text, which `parse` reads when it is a new one. */
type ColumnStore = (text: string, parse: () => readonly DedicatedColumn[]) => readonly DedicatedColumn[];

/** Blocks of a tenant mostly have the same columns: one array for all of them saves most of the list's memory, and parsing them once most of the time. */
function createColumnStore(): ColumnStore {
  const known = new Map<string, readonly DedicatedColumn[]>();
  return (text, parse) => {
    const held = known.get(text) ?? parse();
    known.set(text, held);
    return held;
  };
}

function compactedMetaOf(field: ProtobufField, store: ColumnStore): CompactedBlockMeta {
  let meta: BlockMeta | undefined;
  let compactedMs = 0;
  for (const inner of readProtobufFields(messageOf(field))) {
    if (inner.number === 1) meta = blockMetaOf(inner, store);
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

function blockMetaOf(field: ProtobufField, store: ColumnStore): BlockMeta {
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
  parts.dedicatedColumns = store(text, parse);
  return checkMeta(parts as MetaParts);
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

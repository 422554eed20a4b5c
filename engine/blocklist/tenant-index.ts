import { promisify } from 'node:util';
import { gunzip, zstdDecompress } from 'node:zlib';
import { AppError } from '#engine/base/errors.ts';
import type { BlockId } from '#engine/base/units.ts';
import { type BlockMeta, blockMetaFromJson, type CompactedBlockMeta, parseJsonBytes, parseTimeMs } from './meta.ts';
import { createMetaPool, type MetaPool } from './meta-pool.ts';
import { createMetaReaders, readTimeMs } from './protobuf-meta.ts';
import { nextField, readMessage } from './protobuf-reader.ts';

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
  const reader = readMessage(message);
  const readers = createMetaReaders(pool, known);
  const metas: BlockMeta[] = [];
  const compacted: CompactedBlockMeta[] = [];
  let createdAtMs: number | undefined;
  for (let fields = 1; nextField(reader); fields++) {
    if (reader.number === 1) createdAtMs = readTimeMs(reader);
    else if (reader.number === 2) metas.push(readers.readMeta(reader));
    else if (reader.number === 3) compacted.push(readers.readCompacted(reader));
    if (fields % blocksPerTurn === 0) await nextTurn();
  }
  // Every writer sets it; without it an empty object would pass for a tenant without blocks.
  if (createdAtMs === undefined) throw new AppError('corrupt_block', 'the tenant index has no created_at');
  return { createdAtMs, metas, compacted };
}

async function unpack(run: () => Promise<Buffer>, name: string, maxBytes: number): Promise<Buffer> {
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

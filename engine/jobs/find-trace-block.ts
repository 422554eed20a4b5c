import type { Trace } from '#engine/api/otlp.ts';
import type { TraceBlockPart } from '#engine/api/trace-block-params.ts';
import { blockObjectKey } from '#engine/backend/keys.ts';
import { AppError, throwIfAborted, toAppError } from '#engine/base/errors.ts';
import type { TenantId } from '#engine/base/units.ts';
import type { BlockCache, BloomAge } from '#engine/cache/block-cache.ts';
import { type BloomFilter, bloomKey, bloomShard, mayContain, parseBloom } from '#engine/vparquet/bloom.ts';
import { reconstructTrace } from '#engine/vparquet/reconstruct.ts';
import { type BlockVersion, blockVersion } from '#engine/vparquet/versions.ts';
import type { JobEnvironment } from './environment.ts';
import { locateTrace } from './locate-trace.ts';
import { createBlockReader, openBlock } from './open-block.ts';
import { readTraceRow } from './read-trace-row.ts';

/** What a lookup needs to know of a block. */
export type TraceBlock = Omit<TraceBlockPart, 'totalRecords'> & BloomAge;

/** The part of a trace that a block holds, if any, and what the lookup read of data.parquet. */
export interface TraceLookup {
  readonly trace: Trace | undefined;
  readonly inspectedBytes: number;
}

const nothing: TraceLookup = { trace: undefined, inspectedBytes: 0 };

/**
 * Looks for a trace (id of 16 bytes) in one block: bloom filter, row group and page by their bounds, then the pages that hold the row (spec read-path §2.2).
 *
 * Throws `internal` for an unknown block version, `corrupt_block`, `not_found` when an object of the block is missing, and what the signal says.
 */
export async function findTraceInBlock(
  environment: JobEnvironment,
  tenant: TenantId,
  block: TraceBlock,
  traceId: Uint8Array,
  signal?: AbortSignal,
): Promise<TraceLookup> {
  throwIfAborted(signal);
  if (block.version.includes('preview')) return nothing;
  const version = readableVersion(block);
  const filter = await readBloom(environment, tenant, block, traceId, signal);
  if (!mayContain(filter, bloomKey(traceId))) return nothing;
  return environment.kernels.use(async (kernels) => {
    const location = { tenant, blockId: block.blockId, sizeBytes: block.sizeBytes, footerBytes: block.footerBytes };
    const open = await openBlock(environment, kernels, location, signal);
    const { reader, bytesRead } = createBlockReader(environment, open, location, signal);
    const { file } = open;
    const found = await locateTrace(kernels, reader, file, traceId);
    if (found === undefined) return { trace: undefined, inspectedBytes: bytesRead() };
    const schema = { version, columns: file.columns, dedicatedColumns: block.dedicatedColumns };
    const row = await readTraceRow({ kernels, reader, file, schema, location: found, signal });
    return { trace: reconstructTrace(schema, traceId, row), inspectedBytes: bytesRead() };
  }, signal);
}

function readableVersion({ version, blockId }: TraceBlock): BlockVersion {
  try {
    return blockVersion(version);
  } catch (thrown) {
    const error = toAppError(thrown);
    throw new AppError(error.code, `error opening block for reading, blockID: ${blockId}: ${error.message}`, { cause: thrown });
  }
}

async function readBloom(
  environment: JobEnvironment,
  tenant: TenantId,
  block: TraceBlock,
  traceId: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<BloomFilter> {
  const { blockId, bloomShards } = block;
  const name = `bloom-${bloomShard(traceId, bloomShards)}` as const;
  const key = blockObjectKey(tenant, blockId, name);
  const known = environment.blooms.get(key);
  if (known !== undefined) return known;
  const cache = environment.blockCache?.keepsBloom(block) ? environment.blockCache : undefined;
  const cached = await readCachedBloom(cache, key, signal);
  if (cached !== undefined) {
    environment.blooms.set(key, cached, cached.words.byteLength);
    return cached;
  }
  const bytes = await environment.backend.read(key, signal);
  try {
    const filter = parseBloom(bytes);
    environment.blooms.set(key, filter, bytes.byteLength);
    cache?.setObject('bloom', key, bytes);
    return filter;
  } catch (thrown) {
    throw new AppError('corrupt_block', `block ${blockId}, ${name}: ${toAppError(thrown).message}`, { cause: thrown });
  }
}

/** The filter from a cache; undefined where it is not there, or is none. */
async function readCachedBloom(
  cache: BlockCache | undefined,
  key: string,
  signal: AbortSignal | undefined,
): Promise<BloomFilter | undefined> {
  const bytes = await cache?.getObject('bloom', key, signal);
  if (bytes === undefined) return undefined;
  try {
    return parseBloom(bytes);
  } catch {
    return undefined;
  }
}

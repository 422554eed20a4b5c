import { readRanges } from '#engine/backend/coalesce.ts';
import { blockObjectKey } from '#engine/backend/keys.ts';
import { AppError } from '#engine/base/errors.ts';
import type { BlockId, TenantId } from '#engine/base/units.ts';
import type { Kernels, PlainDictionary } from '#engine/kernels/kernels.ts';
import { footerLength, type ParquetFile, parseParquetTail } from '#engine/parquet/file.ts';
import type { BlockReader, PlainCache } from '#engine/scan/row-group.ts';
import type { JobEnvironment } from './environment.ts';

/** A block whose footer is known. */
export interface OpenBlock {
  readonly file: ParquetFile;
  /** The end of data.parquet from this offset on: column and offset indexes stand in front of the footer. */
  readonly tailStart: number;
  readonly tail: Uint8Array;
}

/** What it takes to open a block: data.parquet's size and the footer's, 0 where unknown (spec blocks §2). */
export interface BlockLocation {
  readonly tenant: TenantId;
  readonly blockId: BlockId;
  readonly sizeBytes: number;
  readonly footerBytes: number;
}

const tailEndBytes = 8;
/** Room for the column and offset indexes, which are wanted by most jobs and cost nothing when they come with the footer. */
const indexBytes = 64 * 1024;
const unknownFooterBytes = 256 * 1024;
/** A footer of Tempo's has a few hundred KiB at most. */
const maxFooterBytes = 256 * 1024 * 1024;
/** Longer ranges (dictionaries of high cardinality) would push everything else out of the cache. */
const maxCachedRangeBytes = 1024 * 1024;

/** Reads and decodes a block's footer, or takes it from the cache. Throws `corrupt_block` naming the block. */
export async function openBlock(
  environment: JobEnvironment,
  kernels: Kernels,
  location: BlockLocation,
  signal?: AbortSignal,
): Promise<OpenBlock> {
  const { blockId, sizeBytes } = location;
  const key = blockObjectKey(location.tenant, blockId, 'data.parquet');
  const cacheKey = `${key}:${sizeBytes}`;
  const known = environment.blocks.get(cacheKey);
  if (known !== undefined) return known;
  try {
    const block = await readTail(environment, kernels, key, location, signal);
    environment.blocks.set(cacheKey, block, block.tail.byteLength + block.file.footer.chunks.byteLength + 16_384);
    return block;
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.code !== 'corrupt_block') throw thrown;
    throw new AppError('corrupt_block', `block ${blockId}: reading footer of parquet file: ${thrown.message}`, { cause: thrown });
  }
}

async function readTail(
  environment: JobEnvironment,
  kernels: Kernels,
  key: string,
  { sizeBytes, footerBytes }: BlockLocation,
  signal: AbortSignal | undefined,
): Promise<OpenBlock> {
  const { backend } = environment;
  const wanted = (footerBytes === 0 ? unknownFooterBytes : footerBytes) + tailEndBytes + (backend.coalesceGapBytes > 0 ? indexBytes : 0);
  let tailStart = Math.max(0, sizeBytes - wanted);
  let tail = await backend.readRange(key, tailStart, sizeBytes, signal);
  const length = footerLength(tail);
  if (length + tailEndBytes > tail.length) {
    if (length > Math.min(maxFooterBytes, sizeBytes - tailEndBytes))
      throw new AppError('corrupt_block', `it claims a footer of ${length} bytes`);
    tailStart = sizeBytes - tailEndBytes - length;
    tail = await backend.readRange(key, tailStart, sizeBytes, signal);
  }
  return { file: parseParquetTail(kernels, tail, sizeBytes), tailStart, tail };
}

/** A reader of one block's data, with what it has read from the store so far. */
export interface MeasuredReader {
  readonly reader: BlockReader;
  readonly bytesRead: () => number;
}

/** Reads data.parquet for a scan: small ranges through the cache, everything else from the store. */
export function createBlockReader(
  environment: JobEnvironment,
  block: OpenBlock,
  { tenant, blockId }: BlockLocation,
  signal?: AbortSignal,
): MeasuredReader {
  const { backend, ranges } = environment;
  const key = blockObjectKey(tenant, blockId, 'data.parquet');
  let bytesRead = 0;
  const read = async (start: number, end: number): Promise<Uint8Array> => {
    if (start >= block.tailStart) return block.tail.subarray(start - block.tailStart, end - block.tailStart);
    bytesRead += end - start;
    return backend.readRange(key, start, end, signal);
  };
  const reader: BlockReader = {
    name: blockId,
    read,
    readCached: async (start, end) => {
      if (start >= block.tailStart || end - start > maxCachedRangeBytes) return read(start, end);
      const held = ranges.get(key, start, end);
      if (held !== undefined) return held;
      const content = await read(start, end);
      ranges.set(key, start, end, content);
      return content;
    },
    load: async (kernels, start, end) => {
      if (start >= block.tailStart || backend.readInto === undefined) return kernels.put(await read(start, end));
      bytesRead += end - start;
      const at = kernels.alloc(end - start);
      const pending = backend.readInto(key, start, kernels.u8(at, end - start), signal);
      if (pending !== undefined) await pending;
      return at;
    },
    readMany: async (wanted) => {
      for (const { start, end } of wanted) bytesRead += end - start;
      return readRanges(backend, key, wanted, signal);
    },
    plain: createPlainCache(environment.plain, key),
    roundTripsMatter: backend.coalesceGapBytes > 0,
  };
  return { reader, bytesRead: () => bytesRead };
}

/** A Map entry and its key, roughly. */
const entryOverheadBytes = 256;

function createPlainCache(cache: JobEnvironment['plain'], block: string): PlainCache {
  const keep = (name: string, plain: PlainDictionary) => cache.set(name, plain, plain.bytes.length + entryOverheadBytes);
  return {
    dictionary: (start) => cache.get(`${block}:${start}`),
    keepDictionary: (start, plain) => keep(`${block}:${start}`, plain),
    pages: (dataStart) => ({
      get: (page) => cache.get(`${block}:${dataStart}:${page}`)?.bytes,
      set: (page, bytes) => keep(`${block}:${dataStart}:${page}`, { bytes, count: 0 }),
    }),
  };
}

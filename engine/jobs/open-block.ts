import { readRanges } from '#engine/backend/coalesce.ts';
import { blockObjectKey } from '#engine/backend/keys.ts';
import { AppError } from '#engine/base/errors.ts';
import type { BlockId, TenantId } from '#engine/base/units.ts';
import type { Kernels, PlainDictionary } from '#engine/kernels/kernels.ts';
import { footerLength, type ParquetFile, parseParquetTail } from '#engine/parquet/file.ts';
import type { BlockReader, PlainCache } from '#engine/scan/row-group.ts';
import { readPages } from './cached-pages.ts';
import { type CachedIndexes, cachedIndexes, keepTail, readCachedTail } from './cached-tail.ts';
import type { JobEnvironment } from './environment.ts';

/** A block whose footer is known. */
export interface OpenBlock {
  readonly file: ParquetFile;
  /** The end of data.parquet from this offset on: column and offset indexes stand in front of the footer. */
  readonly tailStart: number;
  readonly tail: Uint8Array;
  /** Indexes that come from caches as a whole. */
  readonly cachedIndexes: CachedIndexes;
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
    const block =
      (await openCached(environment, kernels, key, location, signal)) ?? (await readTail(environment, kernels, key, location, signal));
    environment.blocks.set(cacheKey, block, block.tail.byteLength + block.file.footer.chunks.byteLength + 16_384);
    return block;
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.code !== 'corrupt_block') throw thrown;
    throw new AppError('corrupt_block', `block ${blockId}: reading footer of parquet file: ${thrown.message}`, { cause: thrown });
  }
}

/** With the footer from a cache; undefined where it is in none, or of no use. */
async function openCached(
  { blockCache }: JobEnvironment,
  kernels: Kernels,
  key: string,
  location: BlockLocation,
  signal: AbortSignal | undefined,
): Promise<OpenBlock | undefined> {
  const cached = await readCachedTail(blockCache, key, location, signal);
  if (blockCache === undefined || cached === undefined) return undefined;
  try {
    const file = parseParquetTail(kernels, cached.tail, location.sizeBytes);
    return { file, ...cached, cachedIndexes: cachedIndexes(blockCache, file) };
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === 'corrupt_block') return undefined;
    throw thrown;
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
  const file = parseParquetTail(kernels, tail, sizeBytes);
  const { blockCache } = environment;
  const block = { file, tailStart, tail, cachedIndexes: blockCache === undefined ? [] : cachedIndexes(blockCache, file) };
  keepTail(blockCache, key, block, length);
  return block;
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
  const { backend, ranges, blockCache } = environment;
  const pageCache = blockCache?.holds('parquet-page') ? blockCache : undefined;
  const key = blockObjectKey(tenant, blockId, 'data.parquet');
  let bytesRead = 0;
  const read = async (start: number, end: number): Promise<Uint8Array> => {
    if (start >= block.tailStart) return block.tail.subarray(start - block.tailStart, end - block.tailStart);
    bytesRead += end - start;
    if (pageCache === undefined) return backend.readRange(key, start, end, signal);
    const [content] = await readPages(pageCache, backend, key, [{ start, end }], signal);
    return content!;
  };
  /** An index by way of all indexes of its kind, which are cached as one. */
  const readIndexes = async ({ role, range }: CachedIndexes[number]): Promise<Uint8Array> => {
    const held = ranges.get(key, range.start, range.end);
    if (held !== undefined) return held;
    const [cached] = await blockCache!.getRanges(role, key, [range], signal);
    const content = cached ?? (await backend.readRange(key, range.start, range.end, signal));
    if (cached === undefined) blockCache!.setRange(role, key, range, content);
    ranges.set(key, range.start, range.end, content);
    return content;
  };
  const reader: BlockReader = {
    name: blockId,
    read,
    readCached: async (start, end) => {
      if (start >= block.tailStart || end - start > maxCachedRangeBytes) return read(start, end);
      const whole = block.cachedIndexes.find(({ range }) => range.start <= start && end <= range.end);
      if (whole !== undefined) {
        bytesRead += end - start;
        return (await readIndexes(whole)).subarray(start - whole.range.start, end - whole.range.start);
      }
      const held = ranges.get(key, start, end);
      if (held !== undefined) return held;
      const content = await read(start, end);
      ranges.set(key, start, end, content);
      return content;
    },
    load: async (kernels, start, end) => {
      const throughCache = pageCache?.fitsPage({ start, end }) === true;
      if (start >= block.tailStart || throughCache || backend.readInto === undefined) return kernels.put(await read(start, end));
      bytesRead += end - start;
      const at = kernels.alloc(end - start);
      const pending = backend.readInto(key, start, kernels.u8(at, end - start), signal);
      if (pending !== undefined) await pending;
      return at;
    },
    readMany: async (wanted) => {
      for (const { start, end } of wanted) bytesRead += end - start;
      return pageCache === undefined ? readRanges(backend, key, wanted, signal) : readPages(pageCache, backend, key, wanted, signal);
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

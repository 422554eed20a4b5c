import { AppError } from '#engine/base/errors.ts';
import type { BlockCache, BlockRole, CachedRange } from '#engine/cache/block-cache.ts';
import type { ParquetFile } from '#engine/parquet/file.ts';
import { indexRanges } from '#engine/parquet/index-ranges.ts';
import type { OpenBlock } from './open-block.ts';

/** The end of data.parquet behind the footer: its length and the magic, which are not cached (spec read-path §7.2). */
const tailEndBytes = 8;
const magic = 'PAR1';
/** Indexes of a whole file that are longer are read chunk by chunk. */
const maxIndexBytes = 8 * 1024 * 1024;

/** The end of data.parquet, made from a cached footer; undefined where there is none. The footer's length must be known. */
export async function readCachedTail(
  cache: BlockCache | undefined,
  key: string,
  { sizeBytes, footerBytes }: { readonly sizeBytes: number; readonly footerBytes: number },
  signal: AbortSignal | undefined,
): Promise<{ readonly tailStart: number; readonly tail: Uint8Array } | undefined> {
  const end = sizeBytes - tailEndBytes;
  if (!cache?.holds('parquet-footer') || footerBytes === 0 || footerBytes > end) return undefined;
  const tailStart = end - footerBytes;
  const [footer] = await cache.getRanges('parquet-footer', key, [{ start: tailStart, end }], signal);
  if (footer === undefined) return undefined;
  const tail = Buffer.concat([footer, Buffer.alloc(4), Buffer.from(magic)]);
  tail.writeUInt32LE(footerBytes, footerBytes);
  return { tailStart, tail: new Uint8Array(tail.buffer, tail.byteOffset, tail.length) };
}

/** Keeps the footer that a tail holds, and the indexes that lie in it as a whole. */
export function keepTail(cache: BlockCache | undefined, key: string, { file, tail, tailStart }: OpenBlock, footerBytes: number): void {
  if (cache === undefined) return;
  const end = file.sizeBytes - tailEndBytes;
  const keep = (role: BlockRole, range: CachedRange) => {
    if (cache.holds(role) && range.start >= tailStart)
      cache.setRange(role, key, range, tail.subarray(range.start - tailStart, range.end - tailStart));
  };
  keep('parquet-footer', { start: end - footerBytes, end });
  for (const { role, range } of cachedIndexes(cache, file)) keep(role, range);
}

/** The indexes of a file that a cache holds, each as one range. */
export type CachedIndexes = readonly { readonly role: BlockRole; readonly range: CachedRange }[];

/** Finds them from the footer; a footer that does not add up has none, so that the error comes from where it is read. */
export function cachedIndexes(cache: BlockCache, file: ParquetFile): CachedIndexes {
  if (!cache.holds('parquet-column-idx') && !cache.holds('parquet-offset-idx')) return [];
  try {
    const { columnIndexes, offsetIndexes } = indexRanges(file);
    const all = [
      { role: 'parquet-column-idx', range: columnIndexes },
      { role: 'parquet-offset-idx', range: offsetIndexes },
    ] as const;
    return all.flatMap(({ role, range }) =>
      range !== undefined && cache.holds(role) && range.end - range.start <= maxIndexBytes ? [{ role, range }] : [],
    );
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === 'corrupt_block') return [];
    throw thrown;
  }
}

import type { Backend } from '#engine/backend/backend.ts';
import { readRanges } from '#engine/backend/coalesce.ts';
import type { ByteRange } from '#engine/backend/range.ts';
import type { BlockCache } from '#engine/cache/block-cache.ts';

/** Reads ranges of data.parquet, those that a cache holds from there. What is read and fits is kept. */
export async function readPages(
  cache: BlockCache,
  backend: Backend,
  key: string,
  wanted: readonly ByteRange[],
  signal: AbortSignal | undefined,
): Promise<Uint8Array[]> {
  const isPage = wanted.map((range) => range.end > range.start && cache.fitsPage(range));
  const pages = wanted.filter((_, i) => isPage[i]);
  const found = pages.length === 0 ? [] : await cache.getRanges('parquet-page', key, pages, signal);
  let next = 0;
  const contents = wanted.map((_, i) => (isPage[i] ? found[next++] : undefined));
  const missing = wanted.flatMap((_, i) => (contents[i] === undefined ? [i] : []));
  if (missing.length === 0) return contents as Uint8Array[];
  const ranges = missing.map((i) => wanted[i]!);
  const read = await readRanges(backend, key, ranges, signal);
  for (const [position, i] of missing.entries()) {
    contents[i] = read[position]!;
    if (isPage[i]) cache.setRange('parquet-page', key, wanted[i]!, contents[i]);
  }
  return contents as Uint8Array[];
}

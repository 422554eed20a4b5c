import type { SearchBlockRequest } from '#engine/api/search-request.ts';
import type { BlockMeta } from '#engine/blocklist/meta.ts';

/** A search. */
export interface WholeBlockSearch {
  readonly query: string;
  /** Whole seconds since the epoch; 0 and 0 for all times. */
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly limit: number;
  readonly spansPerSpanset: number;
}

/** The job that searches all row groups of a block. */
export function wholeBlockRequest(meta: BlockMeta, search: WholeBlockSearch): SearchBlockRequest {
  const { blockId, version, sizeBytes, footerBytes, totalRecords, dedicatedColumns } = meta;
  const block = { blockId, version, sizeBytes, footerBytes, totalRecords, startPage: 0, pagesToSearch: totalRecords, dedicatedColumns };
  return { ...search, tags: new Map(), block };
}

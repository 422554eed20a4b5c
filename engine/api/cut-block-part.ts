import type { BlockPart } from './search-request.ts';

/**
 * Halves a part of a block by its row groups, the earlier ones first; undefined where it has only one. A part may name more row groups than the block has (spec
 * serverless §2): those that it has are halved, and the second half keeps the end as it was named. Pure.
 */
export function cutBlockPart(part: BlockPart): readonly [BlockPart, BlockPart] | undefined {
  const { startPage, pagesToSearch, totalRecords } = part;
  const count = Math.min(pagesToSearch, totalRecords - startPage);
  if (count < 2) return undefined;
  const first = Math.ceil(count / 2);
  return [
    { ...part, pagesToSearch: first },
    { ...part, startPage: startPage + first, pagesToSearch: pagesToSearch - first },
  ];
}

import type { BlockId } from '#engine/base/units.ts';
import type { BlockMeta, CompactedBlockMeta } from './meta.ts';

/** The blocks of one tenant at one moment. Never changed: a poll makes a new one. */
export interface TenantBlocklist {
  /** Live blocks, newest first, in the order of {@link compareNewestFirst}. */
  readonly metas: readonly BlockMeta[];
  /** Blocks that only a trace lookup may still need (spec read-path §1.4), in the same order. */
  readonly compacted: readonly CompactedBlockMeta[];
}

/** A tenant that has no blocks, or that nobody has heard of. */
export const emptyBlocklist: TenantBlocklist = { metas: [], compacted: [] };

/** Order of search jobs (spec read-path §3.2, v3): later end first, then block id ascending. */
export function compareNewestFirst(a: BlockMeta, b: BlockMeta): number {
  if (a.endSeconds !== b.endSeconds) return b.endSeconds - a.endSeconds;
  return a.blockId < b.blockId ? -1 : Number(a.blockId > b.blockId);
}

/** Makes a list from blocks in any order. A block given twice is kept once, and one that is also compacted counts as compacted. */
export function createBlocklist(metas: readonly BlockMeta[], compacted: readonly CompactedBlockMeta[]): TenantBlocklist {
  const ended = new Map(compacted.map((entry) => [entry.meta.blockId, entry]));
  const live = new Map(metas.filter((meta) => !ended.has(meta.blockId)).map((meta) => [meta.blockId, meta]));
  return {
    metas: [...live.values()].sort(compareNewestFirst),
    compacted: [...ended.values()].sort((a, b) => compareNewestFirst(a.meta, b.meta)),
  };
}

/** All metas of a list, live and compacted, by block. */
export function metasById(list: TenantBlocklist): ReadonlyMap<BlockId, BlockMeta> {
  const metas = new Map(list.metas.map((meta) => [meta.blockId, meta]));
  for (const { meta } of list.compacted) metas.set(meta.blockId, meta);
  return metas;
}

/** Live blocks that may hold something of the seconds `[startSeconds, endSeconds]`, both inclusive, in the list's order (spec read-path §3.2). */
export function selectBlocks(list: TenantBlocklist, startSeconds: number, endSeconds: number): readonly BlockMeta[] {
  return list.metas.filter((meta) => meta.startSeconds <= endSeconds && meta.endSeconds >= startSeconds);
}

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
  const ended = new Set(compacted.map(({ meta }) => meta.blockId));
  const live = ended.size === 0 ? [...metas] : metas.filter(({ blockId }) => !ended.has(blockId));
  return {
    metas: withoutRepeats(live.sort(compareNewestFirst), (meta) => meta.blockId),
    compacted: withoutRepeats(
      [...compacted].sort((a, b) => compareNewestFirst(a.meta, b.meta)),
      ({ meta }) => meta.blockId,
    ),
  };
}

/**
 * As {@link createBlocklist}, after a poll: `known` itself where nothing has changed, so that whatever was made of it is still good. Metas that `known` has must be
 * its very objects.
 */
export function updateBlocklist(
  known: TenantBlocklist,
  metas: readonly BlockMeta[],
  compacted: readonly CompactedBlockMeta[],
): TenantBlocklist {
  if (metas.length !== known.metas.length || compacted.length !== known.compacted.length) return createBlocklist(metas, compacted);
  const live = new Set(known.metas);
  const ended = new Map(known.compacted.map(({ meta, compactedMs }) => [meta, compactedMs]));
  // Of each there is one, so that as many that are all known are the same ones.
  const same = metas.every((meta) => live.delete(meta)) && compacted.every(({ meta, compactedMs }) => ended.get(meta) === compactedMs);
  return same ? known : createBlocklist(metas, compacted);
}

/** Keeps the first of each id. */
function withoutRepeats<Entry>(sorted: Entry[], idOf: (entry: Entry) => BlockId): Entry[] {
  const seen = new Set(sorted.map(idOf));
  if (seen.size === sorted.length) return sorted;
  return sorted.filter((entry) => seen.delete(idOf(entry)));
}

/** All metas of a list, live and compacted, by block. */
export function metasById(list: TenantBlocklist): ReadonlyMap<BlockId, BlockMeta> {
  const metas = new Map(list.metas.map((meta) => [meta.blockId, meta]));
  for (const { meta } of list.compacted) metas.set(meta.blockId, meta);
  return metas;
}

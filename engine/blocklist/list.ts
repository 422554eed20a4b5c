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

/** What helps to find blocks in a list; made with the first search after a poll. */
interface ListIndex {
  /** Of each run of {@link runLength} live blocks the earliest start: a run that starts after a query's end is passed over. */
  readonly earliestStarts: readonly number[];
  /** Live blocks in order of their ids. */
  byId?: readonly BlockMeta[];
}

const runLength = 256;
const indexes = new WeakMap<TenantBlocklist, ListIndex>();

function indexOf(list: TenantBlocklist): ListIndex {
  const made = indexes.get(list);
  if (made !== undefined) return made;
  const earliestStarts: number[] = [];
  for (const [at, { startSeconds }] of list.metas.entries()) {
    const run = Math.floor(at / runLength);
    earliestStarts[run] = Math.min(earliestStarts[run] ?? Number.POSITIVE_INFINITY, startSeconds);
  }
  const index = { earliestStarts };
  indexes.set(list, index);
  return index;
}

/** The first place of `[0, length)` for which `isAfter` holds; once true it stays true. */
function firstAfter(length: number, isAfter: (at: number) => boolean): number {
  let from = 0;
  let to = length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (isAfter(middle)) to = middle;
    else from = middle + 1;
  }
  return from;
}

/**
 * Live blocks that may hold something of the seconds `[startSeconds, endSeconds]`, both inclusive, in the list's order (spec read-path §3.2). Costs little
 * more than the blocks it finds, also where a tenant has very many.
 */
export function selectBlocks(list: TenantBlocklist, startSeconds: number, endSeconds: number): readonly BlockMeta[] {
  const { metas } = list;
  // The latest end comes first, so that what ends too early is a tail.
  const tail = firstAfter(metas.length, (at) => metas[at].endSeconds < startSeconds);
  const { earliestStarts } = indexOf(list);
  const selected: BlockMeta[] = [];
  for (let run = 0; run * runLength < tail; run++) {
    if (earliestStarts[run] > endSeconds) continue;
    const end = Math.min(tail, (run + 1) * runLength);
    for (let at = run * runLength; at < end; at++) if (metas[at].startSeconds <= endSeconds) selected.push(metas[at]);
  }
  return selected;
}

/** Live blocks whose id, without dashes, lies between two texts of 32 hex digits, both inclusive; in order of their ids (spec read-path §2.1). */
export function selectBlocksById(list: TenantBlocklist, firstId: string, lastId: string): readonly BlockMeta[] {
  const index = indexOf(list);
  index.byId ??= [...list.metas].sort((a, b) => (a.blockId < b.blockId ? -1 : 1));
  const { byId } = index;
  const first = withDashes(firstId);
  const last = withDashes(lastId);
  const from = firstAfter(byId.length, (at) => byId[at].blockId >= first);
  const to = firstAfter(byId.length, (at) => byId[at].blockId > last);
  return byId.slice(from, to);
}

/** In the spelling of block ids, so that texts compare as ids do. */
function withDashes(id: string): string {
  return id.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

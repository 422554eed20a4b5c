import type { TenantBlocklist } from './list.ts';
import { compareNewestFirst } from './list.ts';
import type { BlockMeta } from './meta.ts';

/** What planning needs to know of a block, apart from its meta: reading a value here and there in hundreds of thousands of metas is what a plan would spend its time on. */
export interface BlockFacts {
  readonly sizeBytes: number;
  readonly totalRecords: number;
  readonly replicationFactor: number;
}

/** Blocks of one or more tenants, newest first; the arrays have one entry per block. */
export interface Selection {
  readonly blocks: readonly BlockMeta[];
  readonly startSeconds: readonly number[];
  readonly endSeconds: readonly number[];
  readonly sizeBytes: readonly number[];
  readonly totalRecords: readonly number[];
}

/** Which blocks {@link selectFromLists} takes. */
export interface SelectOptions {
  /** Blocks that may hold something of the seconds `[startSeconds, endSeconds]`, both inclusive (spec read-path §3.2). */
  readonly startSeconds: number;
  readonly endSeconds: number;
  /** Called with the same object every time. All blocks without it. */
  readonly accept?: (facts: BlockFacts) => boolean;
  /** Of each list only so many, the newest; 0 is all. */
  readonly maxPerList?: number;
}

/** What is made of a list with its first search, and good until it changes. */
interface ListIndex {
  readonly starts: Float64Array;
  readonly ends: Float64Array;
  readonly sizes: Float64Array;
  readonly records: Float64Array;
  readonly replicationFactors: Float64Array;
  /** Of each run of {@link runLength} live blocks the earliest start: a run that starts after a query's end is passed over. */
  readonly earliestStarts: Float64Array;
  /** Live blocks in order of their ids. */
  byId?: readonly BlockMeta[];
}

const runLength = 256;
const indexes = new WeakMap<TenantBlocklist, ListIndex>();

function indexOf(list: TenantBlocklist): ListIndex {
  const made = indexes.get(list);
  if (made !== undefined) return made;
  const { metas } = list;
  const column = (length = metas.length): Float64Array => new Float64Array(length);
  const index: ListIndex = {
    starts: column(),
    ends: column(),
    sizes: column(),
    records: column(),
    replicationFactors: column(),
    earliestStarts: column(Math.ceil(metas.length / runLength)).fill(Number.POSITIVE_INFINITY),
  };
  for (let at = 0; at < metas.length; at++) {
    const meta = metas[at];
    index.starts[at] = meta.startSeconds;
    index.ends[at] = meta.endSeconds;
    index.sizes[at] = meta.sizeBytes;
    index.records[at] = meta.totalRecords;
    index.replicationFactors[at] = meta.replicationFactor;
    const run = Math.floor(at / runLength);
    index.earliestStarts[run] = Math.min(index.earliestStarts[run], meta.startSeconds);
  }
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

interface GrowingSelection {
  readonly blocks: BlockMeta[];
  readonly startSeconds: number[];
  readonly endSeconds: number[];
  readonly sizeBytes: number[];
  readonly totalRecords: number[];
}

function addFromList(list: TenantBlocklist, options: SelectOptions, selection: GrowingSelection): void {
  const { startSeconds, endSeconds, accept, maxPerList = 0 } = options;
  const { metas } = list;
  const { starts, ends, sizes, records, replicationFactors, earliestStarts } = indexOf(list);
  // The latest end comes first, so that what ends too early is a tail.
  const tail = firstAfter(metas.length, (at) => ends[at] < startSeconds);
  const most = maxPerList > 0 ? selection.blocks.length + maxPerList : Number.POSITIVE_INFINITY;
  const facts = { sizeBytes: 0, totalRecords: 0, replicationFactor: 0 };
  for (let run = 0; run * runLength < tail; run++) {
    if (earliestStarts[run] > endSeconds) continue;
    const end = Math.min(tail, (run + 1) * runLength);
    for (let at = run * runLength; at < end; at++) {
      if (starts[at] > endSeconds) continue;
      facts.sizeBytes = sizes[at];
      facts.totalRecords = records[at];
      facts.replicationFactor = replicationFactors[at];
      if (accept !== undefined && !accept(facts)) continue;
      if (selection.blocks.length >= most) return;
      selection.blocks.push(metas[at]);
      selection.startSeconds.push(starts[at]);
      selection.endSeconds.push(ends[at]);
      selection.sizeBytes.push(sizes[at]);
      selection.totalRecords.push(records[at]);
    }
  }
}

/** Live blocks of one or more lists, newest first. Costs little more than the blocks it finds, also where a tenant has very many. */
export function selectFromLists(lists: readonly TenantBlocklist[], options: SelectOptions): Selection {
  const selection: GrowingSelection = { blocks: [], startSeconds: [], endSeconds: [], sizeBytes: [], totalRecords: [] };
  for (const list of lists) addFromList(list, options, selection);
  if (lists.length < 2) return selection;
  const order = newestFirst(selection);
  const { blocks, startSeconds, endSeconds, sizeBytes, totalRecords } = selection;
  const inOrder = <Value>(values: readonly Value[]): Value[] => {
    const sorted: Value[] = [];
    for (let at = 0; at < order.length; at++) sorted.push(values[order[at]]);
    return sorted;
  };
  return {
    blocks: inOrder(blocks),
    startSeconds: inOrder(startSeconds),
    endSeconds: inOrder(endSeconds),
    sizeBytes: inOrder(sizeBytes),
    totalRecords: inOrder(totalRecords),
  };
}

/** No blocks. */
export const emptySelection: Selection = { blocks: [], startSeconds: [], endSeconds: [], sizeBytes: [], totalRecords: [] };

/** The same of one list, for its blocks alone. */
export function selectBlocks(list: TenantBlocklist, startSeconds: number, endSeconds: number): readonly BlockMeta[] {
  return selectFromLists([list], { startSeconds, endSeconds }).blocks;
}

const placeCount = 2 ** 21;
const maxKeySeconds = 2 ** 32 - 1;

/** Places in the order of `compareNewestFirst`. Sorting numbers takes a fraction of what comparing blocks takes: 32 bits for the time, 21 for the place. */
function newestFirst({ blocks, endSeconds }: Selection): Uint32Array {
  const order = new Uint32Array(blocks.length);
  const keys = new Float64Array(blocks.length);
  let fits = blocks.length <= placeCount;
  for (let at = 0; at < blocks.length; at++) {
    const seconds = endSeconds[at];
    fits &&= seconds >= 0 && seconds <= maxKeySeconds;
    keys[at] = (maxKeySeconds - seconds) * placeCount + at;
    order[at] = at;
  }
  const compare = (a: number, b: number): number => compareNewestFirst(blocks[a], blocks[b]);
  if (!fits) return order.sort(compare);
  keys.sort();
  for (let at = 0; at < keys.length; at++) order[at] = keys[at] % placeCount;
  for (let first = 0; first < order.length; ) {
    let end = first + 1;
    while (end < order.length && endSeconds[order[end]] === endSeconds[order[first]]) end++;
    if (end - first > 1) order.subarray(first, end).sort(compare);
    first = end;
  }
  return order;
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

import { AppError } from '#engine/base/errors.ts';
import type { Combination, Relation } from '#engine/traceql/plan.ts';

/** Nested-set numbers of span slots (spec traceql §5.1): −1 as parent for roots, 0 where unknown. */
export interface TreeNumbers {
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly parent: Int32Array;
}

/** Spans in sets: those of set s are `members[starts[s]]` to `members[starts[s + 1] - 1]`, or these very slots where there are no members. */
export interface SpanSets {
  readonly count: number;
  readonly starts: Uint32Array;
  readonly members: Uint32Array | undefined;
}

/** The spans on both sides of an operator: byte maps over span slots. */
export interface Sides {
  readonly left: Uint8Array;
  readonly right: Uint8Array;
}

/** Spans of one set that can be told apart while keys are sorted as doubles: numbers have 31 bits, a double 53. */
const maxSetSpans = 2 ** 22;
const inverse: Readonly<Record<Relation, Relation>> = {
  child: 'parent',
  parent: 'child',
  descendant: 'ancestor',
  ancestor: 'descendant',
  sibling: 'sibling',
};

/**
 * Sets `out` (a byte map, zeroed before) for what a structural operator keeps of each set (spec traceql §5.2, §5.3). Takes time in proportion to
 * n log n of the spans on both sides of a set. Throws `resource_exhausted` for a set of more than 4 million spans.
 */
export function relate(
  { relation, keep }: Combination & { readonly kind: 'related' },
  sets: SpanSets,
  { left, right }: Sides,
  tree: TreeNumbers,
  out: Uint8Array,
): void {
  const room = longestSet(sets);
  const lefts = new Uint32Array(room);
  const rights = new Uint32Array(room);
  const partners: Partners = { keys: new Float64Array(room), ends: new Int32Array(room), count: 0, spans: lefts };
  const wanted = keep !== 'unrelated';
  for (let set = 0; set < sets.count; set++) {
    const rightCount = pick(sets, set, right, rights);
    if (rightCount === 0) continue;
    const leftCount = pick(sets, set, left, lefts);
    if (leftCount === 0 && wanted) continue;
    load(partners, relation, lefts.subarray(0, leftCount), tree);
    for (let i = 0; i < rightCount; i++) if (hasPartner(partners, relation, rights[i], tree) === wanted) out[rights[i]] = 1;
    if (keep !== 'pairs') continue;
    load(partners, inverse[relation], rights.subarray(0, rightCount), tree);
    for (let i = 0; i < leftCount; i++) if (hasPartner(partners, inverse[relation], lefts[i], tree)) out[lefts[i]] = 1;
  }
}

function longestSet({ count, starts }: SpanSets): number {
  let longest = 0;
  for (let set = 0; set < count; set++) longest = Math.max(longest, starts[set + 1] - starts[set]);
  if (longest > maxSetSpans) {
    throw new AppError('resource_exhausted', `a trace of ${longest} spans is too large for structural operators; leave them out`);
  }
  return longest;
}

/** The spans of a set that a byte map holds; returns how many. */
function pick({ starts, members }: SpanSets, set: number, map: Uint8Array, out: Uint32Array): number {
  let count = 0;
  for (let i = starts[set]; i < starts[set + 1]; i++) {
    const span = members === undefined ? i : members[i];
    if (map[span] === 1) out[count++] = span;
  }
  return count;
}

/** The spans of one side of a set, sorted so that a span of the other side finds out whether it has a partner among them. */
interface Partners {
  /** Ascending; for intervals the left numbers. */
  readonly keys: Float64Array;
  /** For intervals, beside each key the largest right number up to there, or the smallest from there on. */
  readonly ends: Int32Array;
  /** Keys in use. */
  count: number;
  spans: Uint32Array;
}

function load(partners: Partners, relation: Relation, spans: Uint32Array, { left, right, parent }: TreeNumbers): void {
  partners.spans = spans;
  if (relation === 'child') loadNumbers(partners, left);
  else if (relation === 'parent' || relation === 'sibling') loadNumbers(partners, parent);
  else loadIntervals(partners, left, right, relation === 'descendant');
}

function loadNumbers(partners: Partners, numbers: Int32Array): void {
  const { keys, spans } = partners;
  let count = 0;
  for (let i = 0; i < spans.length; i++) if (numbers[spans[i]] !== 0) keys[count++] = numbers[spans[i]];
  keys.subarray(0, count).sort();
  partners.count = count;
}

function loadIntervals(partners: Partners, left: Int32Array, right: Int32Array, largest: boolean): void {
  const { keys, ends, spans } = partners;
  let count = 0;
  for (let i = 0; i < spans.length; i++) {
    if (left[spans[i]] !== 0 && right[spans[i]] !== 0) keys[count++] = left[spans[i]] * maxSetSpans + i;
  }
  keys.subarray(0, count).sort();
  for (let i = 0; i < count; i++) {
    const start = Math.floor(keys[i] / maxSetSpans);
    ends[i] = right[spans[keys[i] - start * maxSetSpans]];
    keys[i] = start;
  }
  if (largest) for (let i = 1; i < count; i++) ends[i] = Math.max(ends[i], ends[i - 1]);
  else for (let i = count - 2; i >= 0; i--) ends[i] = Math.min(ends[i], ends[i + 1]);
  partners.count = count;
}

/** True when any loaded span has b as its child (descendant, …). */
function hasPartner(partners: Partners, relation: Relation, b: number, { left, right, parent }: TreeNumbers): boolean {
  switch (relation) {
    case 'child':
      return holdsNumber(partners, parent[b]);
    case 'parent':
      return holdsNumber(partners, left[b]);
    case 'sibling': {
      if (parent[b] === 0) return false;
      const same = rank(partners, parent[b], true) - rank(partners, parent[b], false);
      return same > 1 || (same === 1 && !holdsSpan(partners.spans, b));
    }
    case 'descendant': {
      const before = rank(partners, left[b], false);
      return left[b] !== 0 && right[b] !== 0 && before > 0 && partners.ends[before - 1] > right[b];
    }
    case 'ancestor': {
      const behind = rank(partners, left[b], true);
      return left[b] !== 0 && right[b] !== 0 && behind < partners.count && partners.ends[behind] < right[b];
    }
  }
}

function holdsNumber(partners: Partners, number: number): boolean {
  const at = rank(partners, number, false);
  return number !== 0 && at < partners.count && partners.keys[at] === number;
}

/** How many keys are below (or, with `orEqual`, up to) a number. */
function rank({ keys, count }: Partners, number: number, orEqual: boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle] < number || (orEqual && keys[middle] === number)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** True when an ascending list holds a span. */
function holdsSpan(spans: Uint32Array, span: number): boolean {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (spans[middle] < span) low = middle + 1;
    else high = middle;
  }
  return low < spans.length && spans[low] === span;
}

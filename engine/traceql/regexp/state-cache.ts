import { hasThread, type ThreadSet } from './thread-set.ts';

const maxStates = 4096;
/** Transition cells of all states, 4 bytes each. */
const maxCells = 1 << 20;
/** Instructions remembered by all states, 4 bytes each. */
const maxMembers = 1 << 20;
const unknown = -1;

/** The two states that end a match early. Real states have greater rows. */
export const deadRow = 0;

/**
 * States of a deterministic automaton met so far: sets of instructions, each with a row of transitions in one table. Bounded: when full, all are
 * forgotten. A state is named by the index of its row in the table.
 */
export interface StateCache {
  /** Cells of a row: one for each class of code points, one for the end of the value. */
  readonly stride: number;
  /** Row of the next state, or -1 when not known yet. */
  table: Int32Array;
  /** Members of state i are `members[offsets[i], offsets[i+1])`. */
  members: Uint32Array;
  readonly offsets: Uint32Array;
  /** What stands before the position, for states with undecided assertions; else 0. */
  readonly before: Uint8Array;
  readonly hashes: Uint32Array;
  /** Open addressing: state + 1, or 0. */
  readonly slots: Uint16Array;
  readonly capacity: number;
  count: number;
  /** How often the states were forgotten; rows are good for one generation. */
  generation: number;
}

/** Row of the state that matches whatever follows. */
export function matchRow(cache: StateCache): number {
  return cache.stride;
}

/** An empty cache for rows of `stride` cells and states of up to `programSize` members. */
export function createStateCache(stride: number, programSize: number): StateCache {
  const capacity = Math.max(8, Math.min(maxStates, Math.floor(maxCells / stride)));
  const cache: StateCache = {
    stride,
    table: new Int32Array(stride * 8),
    members: new Uint32Array(Math.max(programSize * 2, 256)),
    offsets: new Uint32Array(capacity + 1),
    before: new Uint8Array(capacity),
    hashes: new Uint32Array(capacity),
    slots: new Uint16Array(maxStates * 2),
    capacity,
    count: 0,
    generation: 0,
  };
  clearStates(cache);
  return cache;
}

/** Forgets all states but the dead one and the one that matches anything. */
export function clearStates(cache: StateCache): void {
  cache.slots.fill(0);
  cache.count = 2;
  cache.generation++;
  cache.offsets[1] = cache.offsets[2] = 0;
  cache.table.fill(deadRow, 0, cache.stride);
  cache.table.fill(cache.stride, cache.stride, cache.stride * 2);
}

/** Row of the state with these members, which is made if it is new; -1 when the cache is full. `set` holds members only. */
export function internState(cache: StateCache, set: ThreadSet, before: number): number {
  const hash = hashOf(set, before);
  const mask = cache.slots.length - 1;
  let slot = hash & mask;
  for (; cache.slots[slot] !== 0; slot = (slot + 1) & mask) {
    const state = cache.slots[slot] - 1;
    if (cache.hashes[state] === hash && cache.before[state] === before && isSame(cache, state, set)) return state * cache.stride;
  }
  const state = cache.count;
  const start = cache.offsets[state];
  if (state === cache.capacity || (start > 0 && start + set.count > maxMembers)) return -1;
  reserve(cache, state, start + set.count);
  cache.members.set(set.members.subarray(0, set.count), start);
  cache.offsets[state + 1] = start + set.count;
  cache.before[state] = before;
  cache.hashes[state] = hash;
  cache.slots[slot] = state + 1;
  cache.count++;
  const row = state * cache.stride;
  cache.table.fill(unknown, row, row + cache.stride);
  return row;
}

/** The order of members does not matter, so that equal sets reached in different ways are one state. */
function hashOf(set: ThreadSet, before: number): number {
  let hash = set.count * 31 + before;
  for (let i = 0; i < set.count; i++) {
    let mixed = Math.imul(set.members[i] + 1, 0x9e3779b1);
    mixed ^= mixed >>> 15;
    hash = (hash + Math.imul(mixed, 0x85ebca6b)) | 0;
  }
  hash ^= hash >>> 13;
  return hash >>> 0;
}

function isSame(cache: StateCache, state: number, set: ThreadSet): boolean {
  const start = cache.offsets[state];
  const end = cache.offsets[state + 1];
  if (end - start !== set.count) return false;
  for (let i = start; i < end; i++) if (!hasThread(set, cache.members[i])) return false;
  return true;
}

function reserve(cache: StateCache, state: number, memberCount: number): void {
  const cells = (state + 1) * cache.stride;
  if (cells > cache.table.length) {
    const table = new Int32Array(Math.max(cells, cache.table.length * 2));
    table.set(cache.table);
    cache.table = table;
  }
  if (memberCount > cache.members.length) {
    const members = new Uint32Array(Math.max(memberCount, cache.members.length * 2));
    members.set(cache.members);
    cache.members = members;
  }
}

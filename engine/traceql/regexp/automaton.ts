import { wordChars } from './ascii-class.ts';
import { type CharPartition, classesIn, classOf, partitionChars, tableEnd } from './char-partition.ts';
import { type CharSet, hasChar, singleChar } from './char-set.ts';
import { matchAt, matchRestAt, op, type Program } from './program.ts';
import { clearStates, createStateCache, deadRow, internState, matchRow, type StateCache } from './state-cache.ts';
import { addClosure, createThreadSet, hasThread, side, type ThreadSet, unknownSide } from './thread-set.ts';

const newline: CharSet = singleChar(0x0a);
const replacementChar = 0xfffd;
const noStart = -1;

/**
 * A program run as a deterministic automaton that is built while it reads: each position costs one table look-up, or, for a step not taken before,
 * work in proportion to the program. Time is linear in the value, memory is bounded (see StateCache).
 *
 * It reads code points, not bytes: ASCII through a table, the rest decoded as Go decodes (a byte that is no UTF-8 is U+FFFD), which keeps programs with
 * large Unicode classes small and makes invalid UTF-8 a matter of the decoder alone.
 */
export interface Automaton {
  readonly program: Program;
  readonly partition: CharPartition;
  /** Bit c of row s: class c is in set s. */
  readonly members: Uint32Array;
  readonly memberWords: number;
  /** Per class, which {@link side} its code points are; all `other` without assertions. */
  readonly sides: Uint8Array;
  readonly cache: StateCache;
  /** Row of the first state, or -1. */
  startRow: number;
  readonly here: ThreadSet;
  readonly next: ThreadSet;
  readonly stack: Uint32Array;
}

/** Makes the automaton of a program. Undefined when its sets split the code points into too many classes. */
export function createAutomaton(program: Program): Automaton | undefined {
  const sets = program.hasAssertions ? [...program.sets, wordChars, newline] : program.sets;
  const partition = partitionChars(sets);
  if (partition === undefined) return undefined;
  const memberWords = (partition.classCount + 31) >>> 5;
  const members = new Uint32Array(memberWords * program.sets.length);
  for (const [number, set] of program.sets.entries()) {
    for (const charClass of classesIn(partition, set)) members[number * memberWords + (charClass >>> 5)] |= 1 << (charClass & 31);
  }
  return {
    program,
    partition,
    members,
    memberWords,
    sides: sidesOf(program, partition),
    cache: createStateCache(partition.classCount + 1, program.size),
    startRow: noStart,
    here: createThreadSet(program.size),
    next: createThreadSet(program.size),
    stack: new Uint32Array(program.size * 2 + 2),
  };
}

/** Whether the whole of `bytes[start, end)` matches. */
export function runAutomaton(automaton: Automaton, bytes: Uint8Array, start: number, end: number): boolean {
  const { cache } = automaton;
  const charTable = automaton.partition.table;
  const endClass = automaton.partition.classCount;
  const match = matchRow(cache);
  let row = automaton.startRow === noStart ? startState(automaton) : automaton.startRow;
  let table = cache.table;
  let at = start;
  while (row > match && at < end) {
    let byte = bytes[at];
    // The common case on its own: ASCII, and a step to another real state.
    while (byte < 0x80) {
      const following = table[row + charTable[byte]];
      if (following <= match) break;
      row = following;
      if (++at === end) break;
      byte = bytes[at];
    }
    if (at === end) break;
    let charClass = charTable[byte & 0x7f];
    let width = 1;
    if (byte >= 0x80) {
      const decoded = decode(bytes, at, end);
      width = decoded & 7;
      charClass = decoded >>> 3 < tableEnd ? charTable[decoded >>> 3] : classOf(automaton.partition, decoded >>> 3);
    }
    at += width;
    const following = table[row + charClass];
    if (following >= 0) row = following;
    else {
      row = takeStep(automaton, row, charClass);
      table = cache.table;
    }
  }
  if (row <= match) return row === match;
  const last = table[row + endClass];
  return (last >= 0 ? last : takeLastStep(automaton, row)) === match;
}

/** The code point at a byte that is not ASCII, times 8, plus its width: one byte for what is no UTF-8, as Go decodes. */
function decode(bytes: Uint8Array, at: number, end: number): number {
  const lead = bytes[at];
  const invalid = (replacementChar << 3) | 1;
  if (lead < 0xc2 || lead > 0xf4 || at + 1 >= end) return invalid;
  const second = bytes[at + 1];
  if (lead < 0xe0) return (second & 0xc0) === 0x80 ? ((((lead & 0x1f) << 6) | (second & 0x3f)) << 3) | 2 : invalid;
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high || at + 2 >= end) return invalid;
  const third = bytes[at + 2];
  if ((third & 0xc0) !== 0x80) return invalid;
  const three = ((second & 0x3f) << 6) | (third & 0x3f);
  if (lead < 0xf0) return ((((lead & 0x0f) << 12) | three) << 3) | 3;
  if (at + 3 >= end) return invalid;
  const fourth = bytes[at + 3];
  if ((fourth & 0xc0) !== 0x80) return invalid;
  return ((((lead & 0x07) << 18) | (three << 6) | (fourth & 0x3f)) << 3) | 4;
}

function sidesOf(program: Program, partition: CharPartition): Uint8Array {
  const sides = new Uint8Array(partition.classCount).fill(side.other);
  if (!program.hasAssertions) return sides;
  for (let i = 0; i < partition.classCount; i++) {
    if (hasChar(wordChars, partition.samples[i])) sides[i] = side.word;
    else if (hasChar(newline, partition.samples[i])) sides[i] = side.newline;
  }
  return sides;
}

function startState(automaton: Automaton): number {
  const { program, next, stack } = automaton;
  next.count = 0;
  addClosure(program, next, stack, program.entry, side.edge, unknownSide);
  automaton.startRow = stateOf(automaton, side.edge);
  return automaton.startRow;
}

/** Fills in the transition of a state on a class, and returns the row it leads to. */
function takeStep(automaton: Automaton, row: number, charClass: number): number {
  const { program, cache, here, next, stack, members, memberWords, sides } = automaton;
  const { ops, x, y } = program;
  const after = sides[charClass];
  expand(automaton, row, after);
  let target: number;
  if (hasThread(here, matchRestAt)) target = matchRow(cache);
  else {
    next.count = 0;
    const word = charClass >>> 5;
    const bit = 1 << (charClass & 31);
    for (let i = 0; i < here.count; i++) {
      const at = here.members[i];
      if (ops[at] === op.chars && (members[y[at] * memberWords + word] & bit) !== 0) {
        addClosure(program, next, stack, x[at], after, unknownSide);
      }
    }
    const { generation } = cache;
    target = stateOf(automaton, after);
    // A flush has renumbered the states: the row that we come from is gone.
    if (cache.generation !== generation) return target;
  }
  cache.table[row + charClass] = target;
  return target;
}

/** Fills in what a state says at the end of the value: the matching or the dead row. */
function takeLastStep(automaton: Automaton, row: number): number {
  const { cache, here } = automaton;
  expand(automaton, row, side.edge);
  const isMatch = hasThread(here, matchAt) || hasThread(here, matchRestAt);
  const target = isMatch ? matchRow(cache) : deadRow;
  cache.table[row + cache.stride - 1] = target;
  return target;
}

/** Puts the members of a state into `here`, with assertions decided. */
function expand(automaton: Automaton, row: number, after: number): void {
  const { program, cache, here, stack } = automaton;
  const state = row / cache.stride;
  const end = cache.offsets[state + 1];
  here.count = 0;
  for (let i = cache.offsets[state]; i < end; i++) {
    addClosure(program, here, stack, cache.members[i], cache.before[state], after);
  }
}

/** The state of what is in `next`, after `before`. Empties the cache when it is full. */
function stateOf(automaton: Automaton, before: number): number {
  const { program, cache, next } = automaton;
  if (hasThread(next, matchRestAt)) return matchRow(cache);
  const isUndecided = keepMembers(program, next);
  if (next.count === 0) return deadRow;
  const row = internState(cache, next, isUndecided ? before : 0);
  if (row >= 0) return row;
  clearStates(cache);
  automaton.startRow = noStart;
  return internState(cache, next, isUndecided ? before : 0);
}

/** Drops the instructions that have done their work (splits). Returns whether an assertion is left. */
function keepMembers(program: Program, set: ThreadSet): boolean {
  let kept = 0;
  let isUndecided = false;
  for (let i = 0; i < set.count; i++) {
    const at = set.members[i];
    if (program.ops[at] === op.split) continue;
    if (program.ops[at] === op.assertion) isUndecided = true;
    set.members[kept] = at;
    set.positions[at] = kept++;
  }
  set.count = kept;
  return isUndecided;
}

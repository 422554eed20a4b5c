import { assertions, op, type Program } from './program.ts';
import type { Assertion } from './syntax-tree.ts';

/** What stands on one side of a position: nothing (an end of the value), a newline, an ASCII word character, anything else. */
export const side = { edge: 0, newline: 1, word: 2, other: 3 } as const;

/** Tells the assertions to wait: what comes next is not known yet. */
export const unknownSide = -1;

/** A set of instructions that are reached at one position: constant-time add and test, no clearing cost. */
export interface ThreadSet {
  readonly members: Uint32Array;
  readonly positions: Uint32Array;
  count: number;
}

/** An empty set for a program of that size. */
export function createThreadSet(size: number): ThreadSet {
  return { members: new Uint32Array(size), positions: new Uint32Array(size), count: 0 };
}

/** Whether the instruction is in the set. */
export function hasThread(set: ThreadSet, at: number): boolean {
  const position = set.positions[at];
  return position < set.count && set.members[position] === at;
}

function addThread(set: ThreadSet, at: number): boolean {
  if (hasThread(set, at)) return false;
  set.positions[at] = set.count;
  set.members[set.count++] = at;
  return true;
}

/**
 * Adds an instruction and all that it leads to without reading. Assertions are decided by what stands before and after; with
 * {@link unknownSide} after, they stay in the set, undecided. `stack` needs room for the program's size twice.
 */
export function addClosure(program: Program, set: ThreadSet, stack: Uint32Array, entry: number, before: number, after: number): void {
  const { ops, x, y } = program;
  if (ops[entry] === op.chars) {
    addThread(set, entry);
    return;
  }
  let depth = 0;
  stack[depth++] = entry;
  while (depth > 0) {
    const at = stack[--depth];
    if (!addThread(set, at)) continue;
    if (ops[at] === op.split) {
      stack[depth++] = y[at];
      stack[depth++] = x[at];
    } else if (ops[at] === op.assertion && after !== unknownSide && holds(assertions[y[at]], before, after)) {
      stack[depth++] = x[at];
    }
  }
}

function holds(assertion: Assertion, before: number, after: number): boolean {
  const isBoundary = (before === side.word) !== (after === side.word);
  switch (assertion) {
    case 'textStart':
      return before === side.edge;
    case 'textEnd':
      return after === side.edge;
    case 'lineStart':
      return before === side.edge || before === side.newline;
    case 'lineEnd':
      return after === side.edge || after === side.newline;
    case 'wordBoundary':
      return isBoundary;
    case 'notWordBoundary':
      return !isBoundary;
  }
}

import { type CharSet, charCount, codePointEnd } from './char-set.ts';
import type { Assertion, RegexpNode } from './syntax-tree.ts';

/** What an instruction does. `x` and `y` are the columns of {@link Program}. */
export const op = {
  /** Reads one code point of set `y`, goes on at `x`. */
  chars: 0,
  /** Goes on at `x` and at `y`. */
  split: 1,
  /** Goes on at `x` where assertion `y` holds. */
  assertion: 2,
  /** Matches at the end of the value. */
  match: 3,
  /** Matches whatever follows. */
  matchRest: 4,
} as const;

/** Assertions by their number in a program. */
export const assertions: readonly Assertion[] = ['textStart', 'textEnd', 'lineStart', 'lineEnd', 'wordBoundary', 'notWordBoundary'];

/** A pattern as a nondeterministic automaton over code points. */
export interface Program {
  readonly size: number;
  /** Where it starts. */
  readonly entry: number;
  readonly ops: Uint8Array;
  readonly x: Uint32Array;
  readonly y: Uint32Array;
  /** The distinct sets that `chars` instructions name. */
  readonly sets: readonly CharSet[];
  readonly hasAssertions: boolean;
}

/** Most instructions; repetitions are written out, so that this also bounds what a match may cost per byte. */
export const maxInstructions = 100_000;

interface Builder {
  readonly ops: number[];
  readonly x: number[];
  readonly y: number[];
  readonly sets: CharSet[];
  readonly setNumbers: Map<CharSet | number, number>;
}

/** The `match` instruction of every program. */
export const matchAt = 0;
/** The `matchRest` instruction of every program. */
export const matchRestAt = 1;

/** Compiles a tree. Undefined when the program would have more than {@link maxInstructions}. */
export function compileProgram(node: RegexpNode): Program | undefined {
  const builder: Builder = { ops: [op.match, op.matchRest], x: [0, 0], y: [0, 0], sets: [], setNumbers: new Map() };
  const entry = compile(builder, node, matchAt);
  if (entry < 0) return undefined;
  return {
    size: builder.ops.length,
    entry,
    ops: Uint8Array.from(builder.ops),
    x: Uint32Array.from(builder.x),
    y: Uint32Array.from(builder.y),
    sets: builder.sets,
    hasAssertions: builder.ops.includes(op.assertion),
  };
}

/** Compiles a node that is followed by instruction `next`, and returns where it starts; -1 when the program is too large. */
function compile(builder: Builder, node: RegexpNode, next: number): number {
  if (next < 0 || builder.ops.length > maxInstructions) return -1;
  switch (node.kind) {
    case 'empty':
      return next;
    case 'chars':
      return emit(builder, op.chars, next, setNumber(builder, node.set));
    case 'assertion':
      return emit(builder, op.assertion, next, assertions.indexOf(node.assertion));
    case 'group':
      return compile(builder, node.body, next);
    case 'concat': {
      let entry = next;
      for (let i = node.parts.length - 1; i >= 0 && entry >= 0; i--) entry = compile(builder, node.parts[i], entry);
      return entry;
    }
    case 'alternate': {
      let entry = compile(builder, node.parts[node.parts.length - 1], next);
      for (let i = node.parts.length - 2; i >= 0 && entry >= 0; i--) {
        const branch = compile(builder, node.parts[i], next);
        entry = branch < 0 ? -1 : emit(builder, op.split, branch, entry);
      }
      return entry;
    }
    case 'repeat':
      return compileRepeat(builder, node.body, node.min, node.max, next);
  }
}

function compileRepeat(builder: Builder, body: RegexpNode, min: number, max: number, next: number): number {
  let entry = next;
  let required = min;
  if (max === Number.POSITIVE_INFINITY) {
    if (next === matchAt && body.kind === 'chars' && charCount(body.set) === codePointEnd) entry = matchRestAt;
    else {
      const loop = emit(builder, op.split, next, next);
      const start = compile(builder, body, loop);
      if (start < 0) return -1;
      builder.x[loop] = start;
      // One run through the body comes before the loop's question whether there is another.
      entry = min === 0 ? loop : start;
      required = Math.max(0, min - 1);
    }
    if (entry === matchRestAt) required = min;
  } else {
    for (let i = min; i < max && entry >= 0; i++) {
      const start = compile(builder, body, entry);
      entry = start < 0 ? -1 : emit(builder, op.split, start, next);
    }
  }
  for (let i = 0; i < required && entry >= 0; i++) entry = compile(builder, body, entry);
  return entry;
}

function emit(builder: Builder, operation: number, x: number, y: number): number {
  builder.x.push(x);
  builder.y.push(y);
  return builder.ops.push(operation) - 1;
}

function setNumber(builder: Builder, set: CharSet): number {
  // Single code points by value, classes by identity: the parser shares equal ones.
  const key = charCount(set) === 1 ? set[0] : set;
  let number = builder.setNumbers.get(key);
  if (number === undefined) {
    number = builder.sets.push(set) - 1;
    builder.setNumbers.set(key, number);
  }
  return number;
}

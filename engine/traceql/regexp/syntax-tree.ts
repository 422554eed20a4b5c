import type { CharSet } from './char-set.ts';

/** What an empty-width test looks at. Line starts and ends are at `\n`; words are ASCII. */
export type Assertion = 'textStart' | 'textEnd' | 'lineStart' | 'lineEnd' | 'wordBoundary' | 'notWordBoundary';

/**
 * A pattern as a tree, reduced to what a yes-or-no match of whole values needs: no captures, no greediness. `height` counts the levels as Go does, for
 * the nesting limit.
 */
export type RegexpNode =
  | { readonly kind: 'empty'; readonly height: 1 }
  | { readonly kind: 'chars'; readonly set: CharSet; readonly height: 1 }
  | { readonly kind: 'assertion'; readonly assertion: Assertion; readonly height: 1 }
  | { readonly kind: 'group'; readonly body: RegexpNode; readonly height: number }
  | { readonly kind: 'concat'; readonly parts: readonly RegexpNode[]; readonly height: number }
  | { readonly kind: 'alternate'; readonly parts: readonly RegexpNode[]; readonly height: number }
  | { readonly kind: 'repeat'; readonly body: RegexpNode; readonly min: number; readonly max: number; readonly height: number };

/** Matches the empty text. */
export const emptyNode: RegexpNode = { kind: 'empty', height: 1 };

/** Matches one code point of the set. */
export function charsNode(set: CharSet): RegexpNode {
  return { kind: 'chars', set, height: 1 };
}

/** Matches the empty text where the assertion holds. */
export function assertionNode(assertion: Assertion): RegexpNode {
  return { kind: 'assertion', assertion, height: 1 };
}

/** A capturing group. */
export function groupNode(body: RegexpNode): RegexpNode {
  return { kind: 'group', body, height: body.height + 1 };
}

/** One after the other. Nested concatenations are joined. */
export function concatNode(parts: readonly RegexpNode[]): RegexpNode {
  if (parts.length === 0) return emptyNode;
  if (parts.length === 1) return parts[0];
  const flat = parts.some((part) => part.kind === 'concat') ? parts.flatMap((part) => (part.kind === 'concat' ? part.parts : part)) : parts;
  const isLiteral = flat.every((part) => part.kind === 'chars' && part.set.length === 2 && part.set[1] - part.set[0] === 1);
  return { kind: 'concat', parts: flat, height: isLiteral ? 1 : 1 + tallest(flat) };
}

/** One of them. Nested alternations are joined. */
export function alternateNode(parts: readonly RegexpNode[]): RegexpNode {
  if (parts.length === 1) return parts[0];
  const flat = parts.flatMap((part) => (part.kind === 'alternate' ? part.parts : part));
  return { kind: 'alternate', parts: flat, height: 1 + tallest(flat) };
}

/** `min` to `max` times; `max` may be Infinity. */
export function repeatNode(body: RegexpNode, min: number, max: number): RegexpNode {
  return { kind: 'repeat', body, min, max, height: body.height + 1 };
}

function tallest(parts: readonly RegexpNode[]): number {
  let height = 0;
  for (const part of parts) height = Math.max(height, part.height);
  return height;
}

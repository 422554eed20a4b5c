import { alternateNode, concatNode, emptyNode, groupNode, type RegexpNode } from './syntax-tree.ts';

/** Drops the anchors that always hold because the whole value must match: starts at its beginning, ends at its end. `^a|b$` becomes `a|b`. */
export function withoutOuterAnchors(node: RegexpNode): RegexpNode {
  return trimmed(trimmed(node, 'start'), 'end');
}

function trimmed(node: RegexpNode, side: 'start' | 'end'): RegexpNode {
  switch (node.kind) {
    case 'assertion':
      return isOuter(node.assertion, side) ? emptyNode : node;
    case 'group':
      return groupNode(trimmed(node.body, side));
    case 'alternate':
      return alternateNode(node.parts.map((part) => trimmed(part, side)));
    case 'concat':
      return trimmedConcat(node.parts, side);
    default:
      return node;
  }
}

function trimmedConcat(parts: readonly RegexpNode[], side: 'start' | 'end'): RegexpNode {
  let start = 0;
  let end = parts.length;
  while (start < end) {
    const outer = trimmed(parts[side === 'start' ? start : end - 1], side);
    if (outer.kind !== 'empty') {
      const rest = side === 'start' ? parts.slice(start + 1, end) : parts.slice(start, end - 1);
      return concatNode(side === 'start' ? [outer, ...rest] : [...rest, outer]);
    }
    if (side === 'start') start++;
    else end--;
  }
  return emptyNode;
}

function isOuter(assertion: string, side: 'start' | 'end'): boolean {
  return side === 'start' ? assertion === 'textStart' || assertion === 'lineStart' : assertion === 'textEnd' || assertion === 'lineEnd';
}

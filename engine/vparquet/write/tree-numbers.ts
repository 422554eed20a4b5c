import type { OtlpSpan } from './trace-model.ts';

/** Where a span stands in its trace's tree (spec blocks §4.7); all but `childCount` are 0 where a span is not below a root, all where the trace has no root or an id more than twice. */
export interface TreePosition {
  left: number;
  right: number;
  /** `left` of the parent, -1 for roots. */
  parent: number;
  childCount: number;
}

const serverKind = 2;
const clientKind = 3;

/** Numbers the spans of a trace, given in storage order: a walk down from each root, one number on entering and one on leaving a span. */
export function numberTree(spans: readonly OtlpSpan[]): readonly TreePosition[] {
  const positions = spans.map((): TreePosition => ({ left: 0, right: 0, parent: 0, childCount: 0 }));
  const byId = new Map<string, number[]>();
  spans.forEach((span, i) => {
    const id = idKey(span.spanId);
    byId.set(id, [...(byId.get(id) ?? []), i]);
  });
  if (spans.every((span) => span.parentSpanId.length > 0) || [...byId.values()].some((same) => same.length > 2)) return positions;
  const children: number[][] = spans.map(() => []);
  const roots: number[] = [];
  spans.forEach((span, i) => {
    if (span.parentSpanId.length === 0) {
      roots.push(i);
      return;
    }
    const parent = parentOf(spans, byId.get(idKey(span.parentSpanId)) ?? [], span);
    if (parent === undefined) return;
    children[parent]!.push(i);
    positions[parent]!.childCount++;
  });
  walk(roots, children, positions);
  return positions;
}

function idKey(id: Uint8Array): string {
  return Buffer.from(id).toString('latin1');
}

/** Two spans of one id are the client's and the server's: a server span belongs below the client's, any other below the server's. */
function parentOf(spans: readonly OtlpSpan[], candidates: readonly number[], child: OtlpSpan): number | undefined {
  if (candidates.length < 2) return candidates[0];
  const wanted = child.kind === serverKind ? clientKind : serverKind;
  return candidates.find((candidate) => spans[candidate]!.kind === wanted);
}

/** Without recursion: traces may be chains of any length. */
function walk(roots: readonly number[], children: readonly (readonly number[])[], positions: readonly TreePosition[]): void {
  let counter = 0;
  for (const root of roots) {
    const open: { readonly span: number; next: number }[] = [];
    const enter = (span: number, parent: number): void => {
      const position = positions[span]!;
      position.left = ++counter;
      position.parent = parent;
      open.push({ span, next: 0 });
    };
    enter(root, -1);
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const { left } = positions[top.span]!;
      const child = children[top.span]![top.next++];
      if (child !== undefined) {
        enter(child, left);
        continue;
      }
      positions[top.span]!.right = ++counter;
      open.pop();
    }
  }
}

import type { Comparison } from '#engine/kernels/kernels.ts';

/** Whether a value satisfies the comparison, as JavaScript compares. */
export function satisfies<T extends bigint | number | string | boolean>(value: T, comparison: Comparison, literal: T): boolean {
  if (comparison === '=') return value === literal;
  if (comparison === '!=') return value !== literal;
  if (comparison === '<') return value < literal;
  if (comparison === '<=') return value <= literal;
  return comparison === '>' ? value > literal : value >= literal;
}

/** Twin of `Kernels.starts`. */
export function startsTwin(repetitions: readonly number[], level: number): number[] {
  const starts = repetitions.flatMap((repetition, i) => (repetition <= level ? [i] : []));
  return [...starts, repetitions.length];
}

/** Children of each parent of a start list. */
export function childrenOf<T>(children: readonly T[], starts: readonly number[]): T[][] {
  return starts.slice(0, -1).map((start, p) => children.slice(start, starts[p + 1]));
}

/** Twin of `Kernels.expand`. */
export function expandTwin(parents: readonly number[], starts: readonly number[]): number[] {
  return parents.flatMap((parent, p) => Array.from({ length: starts[p + 1] - starts[p] }, () => parent));
}

/** Twin of `Kernels.anyChild`. */
export function anyChildTwin(children: readonly number[], starts: readonly number[]): number[] {
  return childrenOf(children, starts).map((group) => (group.includes(1) ? 1 : 0));
}

/** The owner of each entry of an attribute list at level `level`. */
export function ownersOf(repetitions: readonly number[], level: number): number[] {
  let owner = -1;
  return repetitions.map((repetition) => {
    if (repetition < level) owner++;
    return owner;
  });
}

/** Twin of `Kernels.pickSpans`: one group of four numbers for each trace, and the picked spans. */
export function pickSpansTwin(
  matched: readonly number[],
  starts: readonly number[],
  options: { readonly firstTrace: number; readonly spansPerTrace: number; readonly limit: number },
): { readonly traces: number[][]; readonly spans: number[] } {
  const traces: number[][] = [];
  const spans: number[] = [];
  for (let t = options.firstTrace; t < starts.length - 1 && traces.length < options.limit; t++) {
    const hits: number[] = [];
    for (let span = starts[t]; span < starts[t + 1]; span++) if (matched[span] === 1) hits.push(span);
    if (hits.length === 0) continue;
    const picked = hits.slice(0, options.spansPerTrace);
    traces.push([t, hits.length, spans.length, picked.length]);
    spans.push(...picked);
  }
  return { traces, spans };
}

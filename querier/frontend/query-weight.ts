import type { Query } from '#engine/traceql/ast.ts';

/** `query_frontend.weights`: how jobs count towards a batch (spec read-path §3.5). */
export interface WeightsConfig {
  /** Otherwise every job counts 1. */
  readonly requestWithWeights: boolean;
  readonly retryWithWeights: boolean;
  /** From so many conditions a query is complex. */
  readonly maxConditions: number;
  /** From so many regular expressions, too. */
  readonly maxRegexConditions: number;
}

/** What a lookup of a trace counts. */
export const traceWeight = 2;
/** What a job without a query of its own counts. */
export const plainWeight = 1;

interface Seen {
  conditions: number;
  regex: number;
  alternatives: boolean;
  structural: boolean;
  everything: boolean;
}

const comparisons = new Set(['=', '!=', '<', '<=', '>', '>=', '=~', '!~']);

/** Looks at every node of a syntax tree; values have no nodes below them. */
function look(node: unknown, seen: Seen): void {
  if (Array.isArray(node)) {
    for (const one of node) look(one, seen);
    return;
  }
  if (typeof node !== 'object' || node === null) return;
  const { kind, operator } = node as { readonly kind?: unknown; readonly operator?: unknown };
  if (kind === 'exists' || (kind === 'binary' && comparisons.has(operator as string))) seen.conditions++;
  if (operator === '=~' || operator === '!~') seen.regex++;
  if (operator === '||') seen.alternatives = true;
  if (kind === 'spansetOperation' && operator !== '&&' && operator !== '||') seen.structural = true;
  for (const child of Object.values(node)) look(child, seen);
}

/** What a job of a search or metrics query counts: 1, and 1 more for each thing that makes it costly. */
export function queryWeight(query: Query, { requestWithWeights, maxConditions, maxRegexConditions }: WeightsConfig): number {
  if (!requestWithWeights) return plainWeight;
  const everything = query.metrics?.function === 'compare';
  const seen: Seen = { conditions: 0, regex: 0, alternatives: false, structural: false, everything };
  look(query.pipeline, seen);
  look(query.metrics, seen);
  const complex = seen.conditions >= maxConditions || seen.regex >= maxRegexConditions;
  return plainWeight + [complex, seen.alternatives, seen.structural, seen.everything].filter(Boolean).length;
}

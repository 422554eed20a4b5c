import { AppError, toAppError } from '#engine/base/errors.ts';
import type { FieldExpression, Query, Reference } from './ast.ts';
import { parseQuery } from './parse.ts';
import { isReference } from './plan-filter.ts';
import { printField } from './print.ts';
import { repairFilter } from './repair-filter.ts';
import { validateQuery } from './validate.ts';

/** A condition of a tag filter: a comparison of a scoped attribute or an intrinsic with a constant. */
export interface TagCondition {
  readonly reference: Reference;
  readonly expression: FieldExpression;
}

/** Which spans count for tag names and values: those that satisfy all conditions of any group (spec traceql §9.3). */
export interface TagFilter {
  readonly groups: readonly (readonly TagCondition[])[];
}

/** Alternatives that are worked out at most, whatever is configured: every one is a pass over the block. */
const mostGroups = 1000;

/**
 * Reads the filter of a tag request. It comes from editors while somebody types: what cannot be read, even after repair, or says nothing that narrows the
 * search is no filter (undefined). Throws `bad_request` where it has more than `maxGroups` alternatives (0: the program's own limit).
 */
export function parseTagFilter(text: string, maxGroups: number): TagFilter | undefined {
  if (text.trim() === '') return undefined;
  const expression = filterOf(text);
  if (expression === undefined) return undefined;
  const limit = maxGroups > 0 ? Math.min(maxGroups, mostGroups) : mostGroups;
  if (countGroups(expression) > limit) {
    throw new AppError(
      'bad_request',
      `maximum condition groups reached (limit: ${limit}). Reduce the number of OR conditions in the query`,
    );
  }
  const groups = expand(expression);
  const unusable = groups.some((group) => group.length === 0 || group.some(({ reference }) => isUnscoped(reference)));
  return unusable ? undefined : { groups };
}

/** A filter's text, which {@link parseTagFilter} reads as the same filter. */
export function printTagFilter({ groups }: TagFilter): string {
  const texts = groups.map((group) => group.map(({ expression }) => `(${printField(expression, 'query')})`).join(' && '));
  return `{ ${texts.length === 1 ? texts[0]! : texts.map((text) => `(${text})`).join(' || ')} }`;
}

/** The query that finds the spans of one group. */
export function groupQuery(group: readonly TagCondition[]): Query {
  const expression = group
    .map((condition) => condition.expression)
    .reduce((left, right): FieldExpression => ({ kind: 'binary', operator: '&&', left, right }));
  return { pipeline: { kind: 'pipeline', stages: [{ kind: 'filter', expression }] }, secondStages: [], hints: [] };
}

function filterOf(text: string): FieldExpression | undefined {
  const query = compiled(text) ?? compiled(repairFilter(text));
  if (query === undefined || query.pipeline.kind !== 'pipeline') return undefined;
  const [first] = query.pipeline.stages;
  return first?.kind === 'filter' ? first.expression : undefined;
}

function compiled(text: string | undefined): Query | undefined {
  if (text === undefined) return undefined;
  try {
    const query = parseQuery(text);
    validateQuery(query);
    return query;
  } catch (thrown) {
    if (toAppError(thrown).code === 'bad_request') return undefined;
    throw thrown;
  }
}

function isUnscoped(reference: Reference): boolean {
  return reference.kind === 'attribute' && reference.scope === 'none';
}

function countGroups(expression: FieldExpression): number {
  if (expression.kind === 'unary') return countGroups(expression.operand);
  if (expression.kind !== 'binary') return 1;
  const { operator, left, right } = expression;
  if (operator === '&&') return countGroups(left) * countGroups(right);
  return operator === '||' ? countGroups(left) + countGroups(right) : 1;
}

/** The alternatives of an expression. What is no comparison is left out (`x != nil` too), a `!` is not looked at: as Tempo does. */
function expand(expression: FieldExpression): readonly (readonly TagCondition[])[] {
  switch (expression.kind) {
    case 'unary':
      return expression.operator === '!' ? expand(expression.operand) : [[]];
    case 'binary':
      return expandBinary(expression);
    default:
      return [[]];
  }
}

function expandBinary(expression: FieldExpression & { readonly kind: 'binary' }): readonly (readonly TagCondition[])[] {
  const { operator, left, right } = expression;
  if (operator === '||') return [...expand(left), ...expand(right)];
  if (operator === '&&') return expand(left).flatMap((a) => expand(right).map((b) => [...a, ...b]));
  if (isReference(left) && right.kind === 'literal') return [[{ reference: left, expression }]];
  if (isReference(right) && left.kind === 'literal') return [[{ reference: right, expression }]];
  return [[]];
}

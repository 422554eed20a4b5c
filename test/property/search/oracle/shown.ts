import type { FieldExpression, Pipeline, Query, Reference, SpansetExpression } from '#engine/traceql/ast.ts';
import { isBoolean, isReference, type Leaf, leafOf, satisfying, withoutNots } from './filter.ts';
import { type Found, isChildPlace, isPresent, lookUp } from './lookup.ts';
import { referencesOf } from './pipeline.ts';
import type { SpanView } from './traces.ts';
import { text, type Value } from './values.ts';

/** A reference of a query: shown wherever it has a value, or where its value satisfies one of the leaves (spec traceql §6.3). */
interface Mention {
  readonly reference: Reference;
  always: boolean;
  readonly leaves: Leaf[];
}

/** What a query shows of each span. */
export type Mentions = readonly Mention[];

/** An attribute as it is shown; the key of the intrinsic `name` is undefined. */
export interface ShownAttribute {
  readonly key: string | undefined;
  readonly value: Value;
}

const neverShown = new Set(['duration', 'traceDuration', 'rootName', 'rootServiceName', 'trace:id', 'span:id']);

/** Collects what a query mentions. */
export function mentionsOf({ pipeline, metrics }: Query): Mentions {
  const mentions = new Map<string, Mention>();
  const mention = (reference: Reference, leaf: Leaf | undefined) => {
    const key = JSON.stringify(reference);
    const known = mentions.get(key) ?? { reference, always: false, leaves: [] };
    mentions.set(key, known);
    if (leaf === undefined) known.always = true;
    else known.leaves.push(leaf);
  };
  const whole = (references: readonly Reference[]) => {
    for (const reference of references) mention(reference, undefined);
  };
  const inFilter = (expression: FieldExpression, negated: boolean): void => {
    const leaf = leafOf(expression);
    if (leaf !== undefined) {
      if (neverHolds(leaf)) return;
      const bare = isReference(withoutNots(expression).inner);
      mention(leaf.reference, bare || negated ? undefined : leaf);
      return;
    }
    const { nots, inner } = withoutNots(expression);
    if (nots > 0 && isBoolean(inner)) inFilter(inner, nots % 2 === 1 || negated);
    else if (expression.kind === 'binary' && (expression.operator === '&&' || expression.operator === '||')) {
      inFilter(expression.left, negated);
      inFilter(expression.right, negated);
    } else whole(referencesOf(expression));
  };
  const filters = filtersOf(pipeline);
  for (const filter of filters) inFilter(filter, false);
  whole([...otherReferences(pipeline), ...(metrics?.by ?? []), ...(metrics?.argument ? [metrics.argument] : [])]);
  if (isStructural(pipeline)) {
    const numbers = [...mentions.values()].filter(
      ({ reference }) => reference.kind === 'intrinsic' && reference.name.startsWith('nestedSet'),
    );
    for (const { reference } of numbers) mention(reference, undefined);
  }
  return [...mentions.values()];
}

/** Attributes are never stored as durations, statuses or kinds. */
function neverHolds({ reference, test }: Leaf): boolean {
  return test.kind === 'compare' && reference.kind === 'attribute' && ['duration', 'status', 'kind'].includes(test.literal.kind);
}

function filtersOf(pipeline: Pipeline): readonly FieldExpression[] {
  if (pipeline.kind === 'pipelineOperation') return [...filtersOf(pipeline.left), ...filtersOf(pipeline.right)];
  const inside = (expression: SpansetExpression): readonly FieldExpression[] =>
    expression.kind === 'filter' ? [expression.expression] : [...inside(expression.left), ...inside(expression.right)];
  return pipeline.stages.flatMap((stage) => (stage.kind === 'filter' || stage.kind === 'spansetOperation' ? inside(stage) : []));
}

function otherReferences(pipeline: Pipeline): readonly Reference[] {
  if (pipeline.kind === 'pipelineOperation') return [...otherReferences(pipeline.left), ...otherReferences(pipeline.right)];
  return pipeline.stages.flatMap((stage): readonly Reference[] => {
    if (stage.kind === 'groupBy') return referencesOf(stage.expression);
    if (stage.kind === 'select') return stage.references;
    return stage.kind === 'scalarFilter' && stage.left.kind === 'aggregate' && stage.left.operand ? referencesOf(stage.left.operand) : [];
  });
}

function isStructural(pipeline: Pipeline): boolean {
  if (pipeline.kind === 'pipelineOperation') {
    return !/^(&&|\|\|)$/.test(pipeline.operator) || isStructural(pipeline.left) || isStructural(pipeline.right);
  }
  const inside = (expression: SpansetExpression): boolean =>
    expression.kind !== 'filter' && (!/^(&&|\|\|)$/.test(expression.operator) || inside(expression.left) || inside(expression.right));
  return pipeline.stages.some((stage) => (stage.kind === 'filter' || stage.kind === 'spansetOperation') && inside(stage));
}

/** The attributes of a span that a query shows, in any order. */
export function shownOf(view: SpanView, mentions: Mentions): readonly ShownAttribute[] {
  const shown: ShownAttribute[] = [];
  const places = new Map<string, { readonly found: Found; readonly reference: Reference; readonly by: Mention[] }>();
  for (const mention of mentions) {
    const { reference } = mention;
    if (reference.kind === 'intrinsic' && neverShown.has(reference.name)) continue;
    for (const found of lookUp(view, reference)) {
      const key = `${reference.kind} ${found.place} ${reference.name}`;
      const place = places.get(key) ?? { found, reference, by: [] };
      places.set(key, place);
      place.by.push(mention);
    }
    if (showsNil(view, mention)) shown.push({ key: reference.name, value: text('nil') });
  }
  for (const { found, reference, by } of places.values()) {
    const value = shownValue(found, reference, by);
    const isName = reference.kind === 'intrinsic' && reference.name === 'name';
    if (value !== undefined) shown.push({ key: isName ? undefined : reference.name, value });
  }
  return shown;
}

function shownValue(found: Found, reference: Reference, by: readonly Mention[]): Value | undefined {
  const always = by.some((mention) => mention.always);
  const leaves = by.flatMap((mention) => mention.leaves);
  const parts = found.values.map((value) => {
    if (value === undefined) return undefined;
    if (always) return isPresent(found, value) ? value : undefined;
    return union(leaves, found, value);
  });
  const value = parts.findLast((part) => part !== undefined);
  if (value !== undefined || !always) return value;
  return showsMissing(found, reference) ? text('nil') : undefined;
}

/** Of an array the elements that satisfy any leaf. */
function union(leaves: readonly Leaf[], found: Found, value: Value): Value | undefined {
  const fit = leaves.filter(({ test }) => test.kind !== 'present' || isPresent(found, value));
  const elements = (value.kind === 'array' ? value.elements : [value]).filter((element) =>
    fit.some((leaf) => satisfying(leaf, element) !== undefined),
  );
  return elements.length < 2 ? elements[0] : { kind: 'array', elements };
}

/** Attributes with columns of their own show a missing value (spec traceql §13.2). */
function showsMissing(found: Found, reference: Reference): boolean {
  return reference.kind === 'attribute' && found.ownColumn && !found.emptyIsAbsent && !isChildPlace(found.place);
}

/** `x = nil` shows the text "nil" where x is missing. */
function showsNil(view: SpanView, { reference, always, leaves }: Mention): boolean {
  if (!leaves.some(({ test }) => test.kind === 'absent')) return false;
  const places = lookUp(view, reference);
  if (always && places.some((found) => showsMissing(found, reference))) return false;
  return places.every((found) => isChildPlace(found.place) || !found.values.some((value) => isPresent(found, value)));
}

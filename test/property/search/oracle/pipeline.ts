import type { Aggregate, FieldExpression, Pipeline, Reference, SpansetExpression, SpansetOperator, Stage } from '#engine/traceql/ast.ts';
import { printAggregate, printStage } from '#engine/traceql/print-query.ts';
import { aggregateOf } from './aggregates.ts';
import { evaluate, passes } from './filter.ts';
import { isPresent, lookUp } from './lookup.ts';
import type { SpanView, TraceView } from './traces.ts';
import { bool, compare, numeric, type Value, whole } from './values.ts';

/** Spans of one trace in storage order, and what stages have found out about them. */
export interface Spanset {
  readonly spans: readonly SpanView[];
  readonly attributes: readonly { readonly key: string; readonly value: Value }[];
}

/** The spansets that a pipeline leaves of a trace (spec traceql §6). Throws where Tempo fails at run time. */
export function runPipeline(pipeline: Pipeline, trace: TraceView): readonly Spanset[] {
  if (pipeline.kind === 'pipelineOperation') {
    const left = runPipeline(pipeline.left, trace);
    const right = runPipeline(pipeline.right, trace);
    const structural = pipeline.operator !== '&&' && pipeline.operator !== '||';
    if (structural && (left.length > 1 || right.length > 1)) {
      const needsRight = left.length > 0 || pipeline.operator.startsWith('!');
      if (right.length > 0 && (left.length > 1 || needsRight)) throw new Error('spanset operators are not supported for multiple spansets');
    }
    const all = (spansets: readonly Spanset[]) => spansets.flatMap(({ spans }) => spans);
    return spansetOf(trace.spans, combine(pipeline.operator, all(left), all(right)));
  }
  const [first] = pipeline.stages;
  const starts = first !== undefined && (first.kind === 'filter' || first.kind === 'spansetOperation');
  let spansets: readonly Spanset[] = [{ spans: starts ? trace.spans : candidates(pipeline.stages, trace), attributes: [] }];
  spansets = spansets.filter(({ spans }) => spans.length > 0);
  for (const stage of pipeline.stages) spansets = runStage(stage, spansets);
  return spansets;
}

function spansetOf(order: readonly SpanView[], spans: ReadonlySet<SpanView>): readonly Spanset[] {
  const kept = order.filter((view) => spans.has(view));
  return kept.length === 0 ? [] : [{ spans: kept, attributes: [] }];
}

/** A pipeline that begins without filter sees the spans that have a value that it needs, if it needs any (spec traceql §6.3). */
function candidates(stages: readonly (Stage | Aggregate)[], trace: TraceView): readonly SpanView[] {
  const needed = stages.flatMap((stage): readonly Reference[] => {
    if (stage.kind === 'groupBy') return referencesOf(stage.expression);
    return stage.kind === 'scalarFilter' && stage.left.kind === 'aggregate' && stage.left.operand ? referencesOf(stage.left.operand) : [];
  });
  const filtersLater = stages.some(({ kind }) => kind === 'filter' || kind === 'spansetOperation');
  if (needed.length === 0 || filtersLater) return trace.spans;
  const has = (view: SpanView, reference: Reference) =>
    lookUp(view, reference).some((found) => found.values.some((value) => isPresent(found, value)));
  return trace.spans.filter((view) => needed.some((reference) => has(view, reference)));
}

export function referencesOf(expression: FieldExpression): readonly Reference[] {
  if (expression.kind === 'attribute' || expression.kind === 'intrinsic') return [expression];
  if (expression.kind === 'binary') return [...referencesOf(expression.left), ...referencesOf(expression.right)];
  return expression.kind === 'literal' ? [] : referencesOf(expression.operand);
}

function runStage(stage: Stage | Aggregate, spansets: readonly Spanset[]): readonly Spanset[] {
  switch (stage.kind) {
    case 'filter':
    case 'spansetOperation':
      return spansets.flatMap(({ spans, attributes }) => {
        const kept = select(stage, spans);
        return kept.size === 0 ? [] : [{ spans: spans.filter((view) => kept.has(view)), attributes }];
      });
    case 'scalarFilter': {
      const { left, right, operator } = stage;
      if (left.kind !== 'aggregate' || right.kind !== 'literal') throw new Error('no such scalar filter');
      return spansets.flatMap(({ spans, attributes }) => {
        const values = left.operand && spans.map((view) => evaluate(view, left.operand!));
        const value = values === undefined ? whole(spans.length) : aggregateOf(left.function, values);
        if (value === undefined || numeric(value) === undefined || !compare(operator, value, right.value)) return [];
        return [{ spans, attributes: [...attributes, { key: printAggregate(left), value }] }];
      });
    }
    case 'groupBy':
      return spansets.flatMap((spanset) => groups(spanset, stage.expression, printStage(stage)));
    case 'coalesce': {
      const spans = new Set(spansets.flatMap((spanset) => spanset.spans));
      const order = [...spans][0]?.trace.spans ?? [];
      return spansetOf(order, spans);
    }
    default:
      return spansets;
  }
}

function groups({ spans, attributes }: Spanset, expression: FieldExpression, key: string): readonly Spanset[] {
  const found = new Map<string, { readonly value: Value; readonly spans: SpanView[] }>();
  const isArithmetic = expression.kind === 'binary' && '+-*/%^'.includes(expression.operator);
  for (const view of spans) {
    const result = evaluate(view, expression);
    const value = result.kind === 'nil' && isArithmetic ? bool(false) : result;
    const identity = JSON.stringify(value, (_, part) => (typeof part === 'bigint' || typeof part === 'number' ? `${part}` : part));
    const group = found.get(identity) ?? { value, spans: [] };
    found.set(identity, group);
    group.spans.push(view);
  }
  return [...found.values()].map((group) => ({ spans: group.spans, attributes: [...attributes, { key, value: group.value }] }));
}

/** The spans that a spanset expression picks. */
function select(expression: SpansetExpression, spans: readonly SpanView[]): ReadonlySet<SpanView> {
  if (expression.kind === 'filter') return new Set(spans.filter((view) => passes(view, expression.expression)));
  return combine(expression.operator, [...select(expression.left, spans)], [...select(expression.right, spans)]);
}

/** Spec traceql §5.3. */
function combine(operator: SpansetOperator, left: readonly SpanView[], right: readonly SpanView[]): ReadonlySet<SpanView> {
  if (operator === '||') return new Set([...left, ...right]);
  if (operator === '&&') return new Set(left.length > 0 && right.length > 0 ? [...left, ...right] : []);
  const relation = operator.replace(/^[!&]/, '');
  const related = (b: SpanView) => left.filter((a) => isRelated(relation, a, b));
  if (operator.startsWith('!')) return new Set(right.filter((b) => related(b).length === 0));
  const chosen = right.filter((b) => related(b).length > 0);
  return new Set(operator.startsWith('&') ? [...chosen, ...chosen.flatMap(related)] : chosen);
}

/** Whether b is a child, descendant, parent, ancestor or sibling of a (spec traceql §5.2). */
function isRelated(relation: string, a: SpanView, b: SpanView): boolean {
  if (!a.inTree || !b.inTree) return false;
  switch (relation) {
    case '>':
      return b.parent === a;
    case '<':
      return a.parent === b;
    case '>>':
      return isAbove(a, b);
    case '<<':
      return isAbove(b, a);
    default:
      return a !== b && a.parent === b.parent;
  }
}

function isAbove(a: SpanView, b: SpanView): boolean {
  for (let at = b.parent; at !== undefined; at = at.parent) if (at === a) return true;
  return false;
}

import type {
  Aggregate,
  MetricsFunction,
  Pipeline,
  Query,
  Reference,
  ScalarExpression,
  SecondStage,
  SpansetExpression,
  Stage,
} from './ast.ts';
import { isRightAssociative, scalarLevel, spansetLevel } from './precedence.ts';
import { type PrintStyle, printDouble, printField, printReference, printStatic } from './print.ts';

/** An aggregate: `count()`, `avg(.x)` (spec traceql §3.3). */
export function printAggregate(aggregate: Aggregate, style: PrintStyle = 'message'): string {
  return `${aggregate.function}(${aggregate.operand === undefined ? '' : printField(aggregate.operand, style)})`;
}

interface Operation<Node> {
  readonly operator: string;
  readonly left: Node;
  readonly right: Node;
}

/**
 * An operation and its operands with parentheses where the query would otherwise read differently: none on the left side at the same
 * level, which is walked without recursion, since chains may be long.
 */
function printChain<Node>(
  node: Node,
  operationOf: (node: Node) => Operation<Node> | undefined,
  levelOf: (operator: string) => number,
  print: (node: Node) => string,
): string {
  const spine: Operation<Node>[] = [];
  let first = node;
  for (let operation = operationOf(first); operation !== undefined; operation = operationOf(first)) {
    spine.push(operation);
    first = operation.left;
  }
  let text = print(first);
  let below: string | undefined;
  for (const { operator, right } of spine.reverse()) {
    const level = levelOf(operator);
    if (below !== undefined && (levelOf(below) !== level || isRightAssociative(operator))) text = `(${text})`;
    const inner = operationOf(right);
    const rightText = printChain(right, operationOf, levelOf, print);
    const bare = inner === undefined || (isRightAssociative(operator) && inner.operator === operator);
    text += ` ${operator} ${bare ? rightText : `(${rightText})`}`;
    below = operator;
  }
  return text;
}

/** A spanset expression: `{ … }` and operators between such (spec traceql §3.3). */
export function printSpansets(expression: SpansetExpression, style: PrintStyle = 'message'): string {
  return printChain(
    expression,
    (node) => (node.kind === 'spansetOperation' ? node : undefined),
    spansetLevel,
    (node) => (node.kind === 'filter' ? `{ ${printField(node.expression, style)} }` : ''),
  );
}

function printScalarLeaf(expression: ScalarExpression, style: PrintStyle): string {
  if (expression.kind === 'literal') return printStatic(expression.value, style);
  if (expression.kind === 'aggregate') return printAggregate(expression, style);
  return expression.kind === 'scalarPipeline' ? `(${printPipeline(expression.pipeline, style)})` : '';
}

/** A scalar expression: aggregates, numbers and arithmetic between them (spec traceql §3.3). */
export function printScalar(expression: ScalarExpression, style: PrintStyle = 'message'): string {
  return printChain(
    expression,
    (node) => (node.kind === 'scalarOperation' ? node : undefined),
    scalarLevel,
    (node) => printScalarLeaf(node, style),
  );
}

function printReferences(references: readonly Reference[], style: PrintStyle): string {
  return references.map((reference) => printReference(reference, style)).join(', ');
}

/** One stage of a pipeline; `by(…)` is also the key of a group's attribute in answers (spec traceql §3.3, §6.3). */
export function printStage(stage: Stage | Aggregate, style: PrintStyle = 'message'): string {
  switch (stage.kind) {
    case 'filter':
    case 'spansetOperation':
      return printSpansets(stage, style);
    case 'scalarFilter':
      return `${printScalar(stage.left, style)} ${stage.operator} ${printScalar(stage.right, style)}`;
    case 'groupBy':
      return `by(${printField(stage.expression, style)})`;
    case 'coalesce':
      return 'coalesce()';
    case 'select':
      return `select(${printReferences(stage.references, style)})`;
    case 'aggregate':
      return printAggregate(stage, style);
  }
}

/** A pipeline: stages joined by `|` without spaces (spec traceql §3.3), or parenthesised pipelines with operators between them. */
export function printPipeline(pipeline: Pipeline, style: PrintStyle = 'message'): string {
  return printChain(
    pipeline,
    (node) => (node.kind === 'pipelineOperation' ? node : undefined),
    spansetLevel,
    (node) => {
      if (node.kind !== 'pipeline') return '';
      const text = node.stages.map((stage) => printStage(stage, style)).join('|');
      return pipeline.kind === 'pipelineOperation' ? `(${text})` : text;
    },
  );
}

function printMetrics(metrics: MetricsFunction): string {
  const { argument, quantiles, compare } = metrics;
  const parts = [
    ...(argument === undefined ? [] : [printReference(argument, 'query')]),
    ...(quantiles ?? []).map(printDouble),
    ...(compare === undefined ? [] : [printSpansets(compare.selection, 'query'), String(compare.topN)]),
    ...(compare === undefined || (compare.start === 0n && compare.end === 0n) ? [] : [String(compare.start), String(compare.end)]),
  ];
  const by = metrics.by.length === 0 ? '' : ` by (${printReferences(metrics.by, 'query')})`;
  return `${metrics.function}(${parts.join(', ')})${by}`;
}

function printSecondStage(stage: SecondStage): string {
  if (stage.kind === 'metricsFilter') return ` ${stage.operator} ${printDouble(stage.value)}`;
  return ` | ${stage.kind}(${stage.limit})`;
}

/** Text that parses to the same query (spec traceql §2), as long as its nesting stays clear of the parser's limit. */
export function printQuery(query: Query): string {
  const hints = query.hints.map(({ name, value }) => `${name}=${printStatic(value, 'query')}`).join(', ');
  return [
    printPipeline(query.pipeline, 'query'),
    query.metrics === undefined ? '' : ` | ${printMetrics(query.metrics)}`,
    ...query.secondStages.map(printSecondStage),
    hints === '' ? '' : ` with(${hints})`,
  ].join('');
}

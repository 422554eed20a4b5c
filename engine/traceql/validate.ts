import type { Aggregate, MetricsFunction, Pipeline, Query, ScalarExpression, SecondStage, SpansetExpression, Stage } from './ast.ts';
import { printDouble, printField } from './print.ts';
import { printAggregate, printSpansets, printStage } from './print-query.ts';
import { binaryType, isNumeric, type StaticType } from './static-types.ts';
import { invalid, referencesSpan, validateField, validateOperator, validateReference } from './validate-field.ts';

function validateSpansets(expression: SpansetExpression): void {
  const rest: SpansetExpression[] = [expression];
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    if (next.kind === 'spansetOperation') {
      rest.push(next.right, next.left); // the left one is taken first
      continue;
    }
    const type = validateField(next.expression);
    if (type !== 'boolean' && type !== 'dynamic') {
      throw invalid(`span filter field expressions must resolve to a boolean: ${printSpansets(next)}`);
    }
  }
}

function validateAggregate(aggregate: Aggregate): StaticType {
  const { operand } = aggregate;
  if (operand === undefined) return 'int';
  const type = validateField(operand);
  if (type !== 'dynamic' && !isNumeric(type)) {
    throw invalid(`aggregate field expressions must resolve to a number type: ${printAggregate(aggregate)}`);
  }
  if (!referencesSpan(operand)) throw invalid(`aggregate field expressions must reference the span: ${printAggregate(aggregate)}`);
  return type;
}

function validateScalar(expression: ScalarExpression): StaticType {
  switch (expression.kind) {
    case 'literal':
      return expression.value.kind;
    case 'aggregate':
      return validateAggregate(expression);
    case 'scalarOperation':
      return validateScalarOperation(expression);
    case 'scalarPipeline':
      return validatePipeline(expression.pipeline) ?? 'dynamic';
  }
}

/** Operands before operators, from the left, without recursion along the left side. Numbers only: every operator fits. */
function validateScalarOperation(expression: ScalarExpression): StaticType {
  const spine: (ScalarExpression & { readonly kind: 'scalarOperation' })[] = [];
  let first = expression;
  for (; first.kind === 'scalarOperation'; first = first.left) spine.push(first);
  let type = validateScalar(first);
  for (const { operator, right } of spine.reverse()) {
    type = binaryType(operator, type, validateScalar(right));
  }
  return type;
}

/** Only one aggregate against one number is evaluated; other shapes are told apart after the type errors inside them. */
function validateScalarFilter(stage: Stage & { readonly kind: 'scalarFilter' }): void {
  const left = validateScalar(stage.left);
  const right = validateScalar(stage.right);
  validateOperator(stage.operator, left, right, () => printStage(stage));
  if (stage.left.kind !== 'aggregate') throw invalid('scalar filter lhs of type (%v) not yet supported');
  if (stage.right.kind !== 'literal') throw invalid('scalar filter rhs of type (%v) not yet supported');
}

function validateStage(stage: Stage): void {
  switch (stage.kind) {
    case 'filter':
    case 'spansetOperation':
      validateSpansets(stage);
      break;
    case 'scalarFilter':
      validateScalarFilter(stage);
      break;
    case 'groupBy':
      validateField(stage.expression);
      if (!referencesSpan(stage.expression)) {
        throw invalid(`grouping field expressions must reference the span: by(${printField(stage.expression)})`);
      }
      break;
    case 'select':
      stage.references.forEach(validateReference);
      break;
    case 'coalesce':
      break;
  }
}

/** Validates stage by stage; the static type of the aggregate that ends it, if one does. */
function validatePipeline(pipeline: Pipeline): StaticType | undefined {
  const rest: Pipeline[] = [pipeline];
  let type: StaticType | undefined;
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    if (next.kind === 'pipelineOperation') {
      rest.push(next.right, next.left); // the left one is taken first
      continue;
    }
    for (const stage of next.stages) {
      if (stage.kind === 'aggregate') type = validateAggregate(stage);
      else validateStage(stage);
    }
  }
  return type;
}

/** How many labels `by (…)` may have; functions with a label of their own, and avg, have one less (spec traceql §3.5). */
function maxGroupBy(name: MetricsFunction['function']): number {
  return name === 'quantile_over_time' || name === 'histogram_over_time' || name === 'avg_over_time' ? 4 : 5;
}

function validateCompare({ selection, topN, start, end }: NonNullable<MetricsFunction['compare']>): void {
  validateSpansets(selection);
  if (topN <= 0n) throw invalid('compare() top number of values must be integer greater than 0');
  if (start === 0n && end === 0n) return;
  if (start <= 0n || end <= 0n) throw invalid('compare() timestamps must be positive integer unix nanoseconds');
  if (end <= start) throw invalid('compare() end timestamp must be greater than start timestamp');
}

function validateMetrics(metrics: MetricsFunction): void {
  if (metrics.argument !== undefined) validateReference(metrics.argument);
  metrics.by.forEach(validateReference);
  if (metrics.by.length > maxGroupBy(metrics.function)) throw invalid(`metrics group by ${metrics.by.length} values not yet supported`);
  for (const quantile of metrics.quantiles ?? []) {
    if (quantile < 0 || quantile > 1) throw invalid(`quantile must be between 0 and 1: ${printDouble(quantile)}`);
  }
  if (metrics.compare !== undefined) validateCompare(metrics.compare);
}

function validateSecondStage(stage: SecondStage): void {
  if (stage.kind !== 'metricsFilter' && stage.limit <= 0n) throw invalid('limit must be greater than 0');
}

/**
 * Validates a parsed query: the pipeline from left to right, operands before operators, then the metrics function, then what follows it.
 * Throws `bad_request` with the first of Tempo's messages, without any prefix (spec traceql §3.2, §3.5). Refuses the parent scope in
 * metrics too, which Tempo silently ignores (§1.8).
 */
export function validateQuery(query: Query): void {
  validatePipeline(query.pipeline);
  if (query.metrics !== undefined) validateMetrics(query.metrics);
  query.secondStages.forEach(validateSecondStage);
  if (query.metrics?.compare !== undefined && query.secondStages.length > 0) {
    throw invalid('`compare()` cannot be used with second stage functions');
  }
}

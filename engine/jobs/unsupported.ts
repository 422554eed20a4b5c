import type { FieldExpression, Pipeline, Query, Reference, SpansetExpression } from '#engine/traceql/ast.ts';
import { compileQuery } from '#engine/traceql/compile.ts';
import { referencesIn } from '#engine/traceql/plan-filter.ts';
import { levelOf } from '#engine/vparquet/sources.ts';
import { blockVersion } from '#engine/vparquet/versions.ts';

/**
 * Why a function of Tempo 2.7.2 refuses to search a block of that version, or undefined when it does not: vParquet2 and vParquet3 have no events,
 * links and instrumentation scopes that TraceQL could see (spec traceql §13.4). A real function has opened data.parquet by then. Searches without this
 * check find nothing by such conditions.
 *
 * Throws `bad_request` for a query that does not compile, `internal` for an unknown version.
 */
export function unsupportedIn(version: string, query: string): string | undefined {
  const { events, instrumentation } = blockVersion(version);
  const isMissing = (reference: Reference) => {
    const level = levelOf(reference);
    return ((level === 'event' || level === 'link') && !events) || (level === 'scope' && !instrumentation);
  };
  const compiled = compileQuery(query);
  const condition = conditionReferences(compiled.pipeline).find(isMissing);
  if (condition !== undefined) return `conditions invalid: ${described(condition)} not supported in ${version}: unsupported`;
  const selected = selectedReferences(compiled).find(isMissing);
  if (selected === undefined) return undefined;
  return `creating fetch iter: error creating second pass iterator: unsupported traceql scope: ${printed(selected)}`;
}

function described(reference: Reference): string {
  return reference.kind === 'intrinsic' ? `intrinsic '${reference.name}'` : `scope '${reference.scope}'`;
}

function printed(reference: Reference): string {
  return reference.kind === 'intrinsic' ? reference.name : `${reference.scope}.${reference.name}`;
}

/** What filters, groups and aggregates look at, in order of appearance. */
function conditionReferences(pipeline: Pipeline): readonly Reference[] {
  return expressionsIn(pipeline).flatMap(referencesIn);
}

function expressionsIn(pipeline: Pipeline): readonly FieldExpression[] {
  if (pipeline.kind === 'pipelineOperation') return [...expressionsIn(pipeline.left), ...expressionsIn(pipeline.right)];
  return pipeline.stages.flatMap((stage): readonly FieldExpression[] => {
    switch (stage.kind) {
      case 'filter':
      case 'spansetOperation':
        return filtersIn(stage);
      case 'groupBy':
        return [stage.expression];
      case 'scalarFilter':
        return stage.left.kind === 'aggregate' && stage.left.operand !== undefined ? [stage.left.operand] : [];
      default:
        return [];
    }
  });
}

function filtersIn(expression: SpansetExpression): readonly FieldExpression[] {
  if (expression.kind === 'filter') return [expression.expression];
  return [...filtersIn(expression.left), ...filtersIn(expression.right)];
}

/** What is read for the answer only. */
function selectedReferences({ pipeline, metrics }: Query): readonly Reference[] {
  return [...selectsIn(pipeline), ...(metrics?.by ?? []), ...(metrics?.argument ? [metrics.argument] : [])];
}

function selectsIn(pipeline: Pipeline): readonly Reference[] {
  if (pipeline.kind === 'pipelineOperation') return [...selectsIn(pipeline.left), ...selectsIn(pipeline.right)];
  return pipeline.stages.flatMap((stage) => (stage.kind === 'select' ? stage.references : []));
}

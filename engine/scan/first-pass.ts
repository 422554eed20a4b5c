import type { LeafColumn } from '#engine/parquet/schema.ts';
import type { Reference } from '#engine/traceql/ast.ts';
import type { Combination, Condition, PipelinePlan, SpansetPlan, StagePlan } from '#engine/traceql/plan.ts';
import { referencesIn } from '#engine/traceql/plan-filter.ts';
import { type ListSource, sourcesOf } from '#engine/vparquet/sources.ts';
import { treeColumns } from './combine.ts';
import type { PreparedPlan } from './scan-state.ts';

/** Columns that the first pass and the stages may read, for fetching them together. */
export function firstPassColumns({ tests, plan, schema }: PreparedPlan): readonly LeafColumn[] {
  const columns = new Set<LeafColumn>();
  for (const { test, groups } of tests) {
    for (const source of groups.flatMap((group) => group.sources)) {
      if (source.kind === 'column') columns.add(source.column);
      else for (const column of [source.key, ...listColumns(source, test.predicate.kind)]) if (column) columns.add(column);
    }
  }
  const needs = needsOfPipeline(plan);
  for (const column of needs.references.flatMap((reference) => valueColumns({ tests, plan, schema }, reference))) columns.add(column);
  for (const path of needs.combinations.flatMap(treeColumns)) {
    const column = schema.columns.get(path);
    if (column !== undefined) columns.add(column);
  }
  return [...columns];
}

/** Columns that hold the values of a reference. */
export function valueColumns({ schema }: PreparedPlan, reference: Reference): readonly LeafColumn[] {
  return sourcesOf(schema, reference)
    .flatMap((group) => group.sources)
    .flatMap((source) => (source.kind === 'column' ? [source.column] : [source.key, ...listColumns(source, 'present')]))
    .filter((column) => column !== undefined);
}

/** The value columns of an attribute list that a predicate of that kind reads; undefined where the block lacks one. */
export function listColumns(source: ListSource, predicate: string): readonly (LeafColumn | undefined)[] {
  switch (predicate) {
    case 'int':
      return [source.ints];
    case 'double':
      return [source.doubles];
    case 'boolean':
      return [source.booleans];
    case 'present':
    case 'absent':
      return [source.strings, source.ints, source.doubles, source.booleans];
    default:
      return [source.strings];
  }
}

/** What is read beside the columns of tests: values of references, and tree numbers. */
interface Needs {
  readonly references: readonly Reference[];
  readonly combinations: readonly Combination[];
}

function join(all: readonly Needs[]): Needs {
  return { references: all.flatMap(({ references }) => references), combinations: all.flatMap(({ combinations }) => combinations) };
}

function needsOfPipeline({ spansets, stages }: PipelinePlan): Needs {
  return join([needsOfSpansets(spansets), ...stages.map(needsOfStage)]);
}

function needsOfStage(stage: StagePlan): Needs {
  switch (stage.kind) {
    case 'spansets':
      return needsOfSpansets(stage.spansets);
    case 'scalarFilter':
      return { references: stage.aggregate.operand === undefined ? [] : referencesIn(stage.aggregate.operand), combinations: [] };
    case 'groupBy':
      return { references: referencesIn(stage.expression), combinations: [] };
    case 'coalesce':
      return { references: [], combinations: [] };
    case 'pipelines':
      return join([needsOfPipeline(stage.left), needsOfPipeline(stage.right), { references: [], combinations: [stage.combination] }]);
  }
}

function needsOfSpansets(plan: SpansetPlan): Needs {
  if (plan.kind === 'filter') return { references: generalReferences(plan.condition), combinations: [] };
  return join([needsOfSpansets(plan.left), needsOfSpansets(plan.right), { references: [], combinations: [plan] }]);
}

function generalReferences(condition: Condition): readonly Reference[] {
  switch (condition.kind) {
    case 'general':
      return referencesIn(condition.expression);
    case 'not':
      return generalReferences(condition.operand);
    case 'and':
    case 'or':
      return condition.operands.flatMap(generalReferences);
    default:
      return [];
  }
}

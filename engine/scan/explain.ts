import { planMergedReads } from '#engine/backend/coalesce.ts';
import { columnChunk, type ParquetFile } from '#engine/parquet/file.ts';
import type { LeafColumn } from '#engine/parquet/schema.ts';
import type { FieldExpression, Reference } from '#engine/traceql/ast.ts';
import type { Condition, PipelinePlan, SpansetPlan, StagePlan } from '#engine/traceql/plan.ts';
import { referencesIn } from '#engine/traceql/plan-filter.ts';
import { printField, printReference } from '#engine/traceql/print.ts';
import { printTest } from '#engine/traceql/print-plan.ts';
import { type ListSource, sourcesOf } from '#engine/vparquet/sources.ts';
import type { Level } from '#engine/vparquet/versions.ts';
import { columnPaths } from './answer.ts';
import { treeColumns } from './combine.ts';
import { byCost } from './evaluate.ts';
import { listColumns } from './first-pass.ts';
import type { PreparedPlan, PreparedTest } from './scan-state.ts';
import { type BlockScan, traceEndColumn, traceStartColumn, windowSizes } from './search.ts';
import { fixedMembers } from './shown-attributes.ts';
import { structureColumn } from './structure.ts';

/** A column that a scan may read, by its path, and what for. */
export interface ExplainedColumn {
  readonly column: string;
  readonly purposes: readonly string[];
}

/** Columns in the order in which a scan asks for them. The second pass lists only columns that the first has not read. */
export interface ExplainedColumns {
  readonly firstPass: readonly ExplainedColumn[];
  readonly secondPass: readonly ExplainedColumn[];
}

/** Reads of the store. */
export interface ReadCost {
  readonly bytes: number;
  readonly requests: number;
}

/** What scanning all of a row group should read, by the footer: each pass in one round of requests where these are worth merging. */
export interface ExpectedRowGroup {
  readonly rowGroup: number;
  /** Traces. */
  readonly rows: number;
  /** Traces of the windows that are looked at one after the other until the limit is reached. */
  readonly windows: readonly number[];
  /** Where a dictionary rules the row group out, less than that. `dictionaryBytes` is the dictionaries' share of `bytes`. */
  readonly firstPass: ReadCost & { readonly dictionaryBytes: number };
  /** Only where something matches. */
  readonly secondPass: ReadCost;
}

type Uses = Map<LeafColumn, Set<string>>;

interface Walk {
  readonly prepared: PreparedPlan;
  readonly uses: Uses;
}

const maxMergedBytes = 16 * 1024 * 1024;
const childColumns: Partial<Readonly<Record<Level, string>>> = { event: 'rs.ss.Spans.Events.Name', link: 'rs.ss.Spans.Links.SpanID' };

/** The columns of both passes of a scan, in evaluation order: conjunctions are evaluated cheapest first, and end at the first test that holds nowhere. */
export function explainColumns(scan: Pick<BlockScan, 'prepared' | 'timeRange'>): ExplainedColumns {
  const { firstPass, secondPass } = columnsByPass(scan);
  return { firstPass: explained(firstPass), secondPass: explained(secondPass) };
}

/** What each row group of a scan should read. `coalesceGapBytes` is the backend's; 0: a request per dictionary and per column. */
export function explainRowGroups(scan: BlockScan, coalesceGapBytes: number): readonly ExpectedRowGroup[] {
  const { firstPass, secondPass } = columnsByPass(scan);
  const { file, fromRowGroup, toRowGroup } = scan;
  return Array.from({ length: toRowGroup - fromRowGroup }, (_, i): ExpectedRowGroup => {
    const rowGroup = fromRowGroup + i;
    const first = [...firstPass.keys()];
    const chunks = first.map((column) => columnChunk(file, rowGroup, column));
    const rows = file.footer.rowGroupRows[rowGroup];
    return {
      rowGroup,
      rows,
      windows: windowSizes(rows, scan.limit, scan.firstWindowRows),
      firstPass: {
        ...readCost(file, rowGroup, first, coalesceGapBytes),
        dictionaryBytes: chunks.reduce((sum, { dictionaryStart, dataStart }) => sum + dataStart - dictionaryStart, 0),
      },
      secondPass: readCost(file, rowGroup, [...secondPass.keys()], coalesceGapBytes),
    };
  });
}

function readCost(file: ParquetFile, rowGroup: number, columns: readonly LeafColumn[], coalesceGapBytes: number): ReadCost {
  const ranges = columns.flatMap((column) => {
    const { dictionaryStart, dataStart, end, hasDictionary } = columnChunk(file, rowGroup, column);
    if (coalesceGapBytes > 0) return [{ start: dictionaryStart, end }];
    return [...(hasDictionary ? [{ start: dictionaryStart, end: dataStart }] : []), { start: dataStart, end }];
  });
  const reads = coalesceGapBytes > 0 ? planMergedReads(ranges, coalesceGapBytes, maxMergedBytes) : ranges;
  return { bytes: reads.reduce((sum, { start, end }) => sum + end - start, 0), requests: reads.length };
}

function explained(uses: Uses): readonly ExplainedColumn[] {
  return [...uses].map(([column, purposes]) => ({ column: column.path, purposes: [...purposes] }));
}

function columnsByPass({ prepared, timeRange }: Pick<BlockScan, 'prepared' | 'timeRange'>) {
  const firstPass: Uses = new Map();
  const walk = { prepared, uses: firstPass };
  walkSpansets(walk, prepared.plan.spansets);
  if (timeRange !== undefined) for (const path of [traceStartColumn, traceEndColumn]) usePath(walk, path, 'time range');
  for (const stage of prepared.plan.stages) walkStage(walk, stage);
  const shown: Uses = new Map();
  walkAnswer({ prepared, uses: shown });
  const secondPass: Uses = new Map();
  for (const [column, purposes] of shown) {
    const earlier = firstPass.get(column);
    if (earlier === undefined) secondPass.set(column, purposes);
    else for (const purpose of purposes) earlier.add(purpose);
  }
  return { firstPass, secondPass };
}

function use({ uses }: Walk, column: LeafColumn | undefined, purpose: string): void {
  if (column === undefined) return;
  const purposes = uses.get(column);
  if (purposes === undefined) uses.set(column, new Set([purpose]));
  else purposes.add(purpose);
}

function usePath(walk: Walk, path: string | undefined, purpose: string): void {
  if (path !== undefined) use(walk, walk.prepared.schema.columns.get(path), purpose);
}

function walkSpansets(walk: Walk, plan: SpansetPlan): void {
  if (plan.kind === 'filter') {
    walkCondition(walk, plan.condition);
    usePath(walk, structureColumn, 'structure');
    return;
  }
  walkSpansets(walk, plan.left);
  walkSpansets(walk, plan.right);
  for (const path of treeColumns(plan)) usePath(walk, path, 'structural operator');
}

function walkCondition(walk: Walk, condition: Condition): void {
  const { tests } = walk.prepared;
  switch (condition.kind) {
    case 'constant':
      return;
    case 'test':
      walkTest(walk, tests[condition.test]);
      return;
    case 'sameChild':
      for (const test of condition.tests) walkTest(walk, tests[test]);
      return;
    case 'not':
      walkCondition(walk, condition.operand);
      return;
    case 'and':
      for (const operand of byCost(tests, condition.operands)) walkCondition(walk, operand);
      return;
    case 'or':
      for (const operand of condition.operands) walkCondition(walk, operand);
      return;
    case 'general':
      walkExpression(walk, condition.expression, printField(condition.expression));
      return;
  }
}

function walkTest(walk: Walk, { test, groups }: PreparedTest): void {
  const purpose = printTest(test);
  for (const { level, sources } of groups) {
    for (const source of sources) {
      if (source.kind === 'column') use(walk, source.column, purpose);
      else useList(walk, source, test.predicate.kind, purpose);
    }
    usePath(walk, childColumns[level], purpose);
  }
}

function useList(walk: Walk, source: ListSource, predicate: string, purpose: string): void {
  for (const column of [source.key, ...listColumns(source, predicate)]) use(walk, column, purpose);
}

function walkExpression(walk: Walk, expression: FieldExpression, purpose: string): void {
  usePath(walk, structureColumn, 'structure');
  for (const reference of referencesIn(expression)) walkReference(walk, reference, purpose);
}

/** All that a reference's value may be stored in. */
function walkReference(walk: Walk, reference: Reference, purpose: string): void {
  for (const { level, sources } of sourcesOf(walk.prepared.schema, reference)) {
    for (const source of sources) {
      if (source.kind === 'column') use(walk, source.column, purpose);
      else useList(walk, source, 'present', purpose);
    }
    usePath(walk, childColumns[level], purpose);
  }
}

function walkPipeline(walk: Walk, { spansets, stages }: PipelinePlan): void {
  walkSpansets(walk, spansets);
  for (const stage of stages) walkStage(walk, stage);
}

function walkStage(walk: Walk, stage: StagePlan): void {
  switch (stage.kind) {
    case 'spansets':
      walkSpansets(walk, stage.spansets);
      return;
    case 'scalarFilter':
      if (stage.aggregate.operand !== undefined) walkExpression(walk, stage.aggregate.operand, stage.key);
      return;
    case 'groupBy':
      walkExpression(walk, stage.expression, stage.key);
      return;
    case 'coalesce':
      return;
    case 'pipelines':
      walkPipeline(walk, stage.left);
      walkPipeline(walk, stage.right);
      for (const path of treeColumns(stage.combination)) usePath(walk, path, 'structural operator');
  }
}

function walkAnswer(walk: Walk): void {
  const { plan, schema } = walk.prepared;
  for (const path of Object.values(columnPaths)) usePath(walk, path, 'answer');
  for (const { reference, always, tests } of plan.shown) {
    if (reference.kind === 'intrinsic' && fixedMembers.has(reference.name)) continue;
    const purpose = `answer: ${printReference(reference)}`;
    if (always) walkReference(walk, reference, purpose);
    else walkShown(walk, tests, purpose);
  }
  const stats = plan.result === 'traces' ? undefined : schema.version.serviceStats;
  for (const path of stats === undefined ? [] : [stats.name, stats.spanCount, stats.errorCount]) {
    usePath(walk, path, 'answer: service statistics');
  }
}

/** Values are shown where they satisfied a test, so only places that the tests looked at are read. */
function walkShown(walk: Walk, tests: readonly number[], purpose: string): void {
  for (const index of tests) {
    const { test, groups } = walk.prepared.tests[index];
    for (const source of groups.flatMap((group) => group.sources)) {
      if (source.kind === 'column') use(walk, source.column, purpose);
      else useList(walk, source, test.predicate.kind, purpose);
    }
  }
}

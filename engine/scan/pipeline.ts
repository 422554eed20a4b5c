import { AppError, throwIfAborted } from '#engine/base/errors.ts';
import type { AggregatePlan, PipelinePlan, StagePlan } from '#engine/traceql/plan.ts';
import { aggregate } from './aggregate.ts';
import { combine } from './combine.ts';
import { evaluateSpansets } from './evaluate.ts';
import { compareOperands, type Operand } from './expressions.ts';
import { groupBy } from './groups.ts';
import type { ScanState } from './scan-state.ts';
import { groupValues, type SpanValues, spanValues } from './span-values.ts';
import { coalesce, keepSpans, keepSpansets, type Spansets, spansetsMap, spansetsOf, tracesMap } from './spansets.ts';

/** Where a pipeline runs. */
export interface PipelineRun {
  readonly state: ScanState;
  /** Traces before this one do not matter. */
  readonly firstTrace: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Runs the stages after the first on the spans that the first has matched (a byte map), and returns what is left; perhaps nothing.
 *
 * Throws `internal` with Tempo's texts for run-time errors (spec traceql §3.6), and what the signal says.
 */
export async function runStages(run: PipelineRun, stages: readonly StagePlan[], matched: number): Promise<Spansets> {
  let spansets = await spansetsOf(run.state, matched, run.firstTrace);
  for (const stage of stages) {
    if (spansets.count === 0) break;
    throwIfAborted(run.signal);
    spansets = await runStage(run, stage, spansets);
  }
  return spansets;
}

async function runStage(run: PipelineRun, stage: StagePlan, spansets: Spansets): Promise<Spansets> {
  const { state } = run;
  switch (stage.kind) {
    case 'spansets':
      return keep(state, spansets, await evaluateSpansets(state, stage.spansets, spansets));
    case 'scalarFilter':
      return filterByScalar(state, stage, spansets);
    case 'groupBy': {
      const { values, members } = await valuesOf(state, spansets, (spans) => groupValues(state, stage.expression, spans));
      return groupBy(spansets, stage.key, values, members);
    }
    case 'coalesce':
      return coalesce(spansets);
    case 'pipelines':
      return combinePipelines(run, stage, spansets);
  }
}

async function keep(state: ScanState, spansets: Spansets, map: number | undefined): Promise<Spansets> {
  if (map === undefined) return keepSpansets(spansets, new Uint32Array(0));
  const { spanCount } = await state.structure();
  return keepSpans(spansets, state.group.kernels.u8(map, spanCount));
}

/** Values for all spans, read in ascending order, and for each element of `spansets.spans` where its value is. */
async function valuesOf(state: ScanState, { spans }: Spansets, read: (spans: Uint32Array) => Promise<SpanValues>) {
  const ascending = spans.slice().sort();
  const values = await read(ascending);
  const { spanCount } = await state.structure();
  const positions = new Uint32Array(spanCount);
  for (let i = 0; i < ascending.length; i++) positions[ascending[i]] = i;
  return { values, members: spans.map((span) => positions[span]) };
}

async function filterByScalar(
  state: ScanState,
  stage: StagePlan & { readonly kind: 'scalarFilter' },
  spansets: Spansets,
): Promise<Spansets> {
  const { key, operator, literal } = stage;
  const results = await aggregates(state, stage.aggregate, spansets);
  const sets = new Uint32Array(spansets.count);
  const kept: Operand[] = [];
  for (let set = 0; set < spansets.count; set++) {
    const result = results[set];
    if (result === undefined || !isNumber(result) || !compareOperands(operator, result, literal)) continue;
    sets[kept.length] = set;
    kept.push(result);
  }
  const chosen = keepSpansets(spansets, sets.subarray(0, kept.length));
  return { ...chosen, attributes: [...chosen.attributes, { key, ids: Uint32Array.from(kept, (_, i) => i), values: kept }] };
}

/** The aggregate of each spanset; undefined where no span has a value. */
async function aggregates(state: ScanState, plan: AggregatePlan, spansets: Spansets): Promise<readonly (Operand | undefined)[]> {
  const { count, starts } = spansets;
  if (plan.operand === undefined) {
    return Array.from({ length: count }, (_, set): Operand => ({ kind: 'int', value: BigInt(starts[set + 1] - starts[set]) }));
  }
  const { operand } = plan;
  const { values, members } = await valuesOf(state, spansets, (spans) => spanValues(state, operand, spans));
  const results: (Operand | undefined)[] = [];
  for (let set = 0; set < count; set++) results.push(aggregate(plan.function, values, { members, from: starts[set], to: starts[set + 1] }));
  return results;
}

function isNumber({ kind }: Operand): boolean {
  return kind === 'int' || kind === 'float' || kind === 'duration';
}

/** Both pipelines run on the whole traces of the input, so that no other trace can make them fail; what they leave is combined per trace, and what they found out about spansets is lost (spec traceql §5.4). */
async function combinePipelines(run: PipelineRun, stage: StagePlan & { readonly kind: 'pipelines' }, input: Spansets): Promise<Spansets> {
  const { state } = run;
  const within = await tracesMap(state, input.traces);
  const left = await runPipeline(run, stage.left, within);
  const right = await runPipeline(run, stage.right, within);
  if (stage.combination.kind === 'related') refuseSeveralSpansets(left, right, stage.combination.keep === 'unrelated');
  const maps = { left: await mapOf(state, left), right: await mapOf(state, right) };
  const combined = await combine(state, stage.combination, maps.left, maps.right, undefined);
  if (combined === undefined) return keepSpansets(input, new Uint32Array(0));
  return spansetsOf(state, combined, run.firstTrace);
}

/** What a pipeline leaves of the spans of the byte map `within`. */
async function runPipeline(run: PipelineRun, { spansets, stages }: PipelinePlan, within: number): Promise<Spansets | undefined> {
  const matched = await evaluateSpansets(run.state, spansets);
  if (matched === undefined) return undefined;
  const { kernels } = run.state.group;
  const { spanCount } = await run.state.structure();
  const both = kernels.alloc(spanCount);
  kernels.and(matched, within, both, spanCount);
  return runStages(run, stages, both);
}

async function mapOf(state: ScanState, spansets: Spansets | undefined): Promise<number | undefined> {
  return spansets === undefined || spansets.count === 0 ? undefined : spansetsMap(state, spansets);
}

/** Structural operators relate one spanset of a trace to one; where a side has none there is nothing to relate. */
function refuseSeveralSpansets(left: Spansets | undefined, right: Spansets | undefined, worksWithoutLeft: boolean): void {
  const lefts = setsPerTrace(left);
  for (const [trace, count] of setsPerTrace(right)) {
    const ofLeft = lefts.get(trace) ?? 0;
    if (ofLeft > 1 || (count > 1 && (ofLeft > 0 || worksWithoutLeft))) {
      throw new AppError('internal', 'spanset operators are not supported for multiple spansets per trace. consider using coalesce()');
    }
  }
}

function setsPerTrace(spansets: Spansets | undefined): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const trace of spansets?.traces ?? []) counts.set(trace, (counts.get(trace) ?? 0) + 1);
  return counts;
}

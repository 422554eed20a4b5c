import type { SearchRequest } from '#engine/api/search-request.ts';
import { AppError } from '#engine/base/errors.ts';
import { mapParallel } from '#engine/base/parallel.ts';
import type { JobEnvironment } from '#engine/jobs/environment.ts';
import { type BlockExplanation, explainBlock, explainRun } from '#engine/jobs/explain-block.ts';
import type { ExplainedColumn, ReadCost } from '#engine/scan/explain.ts';
import type { Job, RunJob } from '../worker/job.ts';
import { planSearchCall, type SearchCall, type SearchEnvironment, type SearchOutcome, search } from './search.ts';
import type { SearchJob } from './sharder.ts';

/** How much is explained. */
export interface ExplainOptions {
  /** Blocks that are explained one by one, newest first. */
  readonly maxBlocks: number;
  /** Also run the whole search, and say what it has cost. */
  readonly run: boolean;
  /** Told of each job that has run. */
  readonly onJob?: (job: Job) => void;
}

/** A job of a block: some of its row groups. Without `actual` it has not run. */
export type ExplainedJob = Pick<BlockExplanation, 'fromRowGroup' | 'toRowGroup' | 'neverMatches' | 'rowGroups' | 'expected' | 'actual'>;

/** A block of a search, with the columns that all its jobs read. */
export interface ExplainedBlock {
  readonly tenant: string;
  readonly blockId: string;
  readonly version: string;
  readonly sizeBytes: number;
  readonly firstPass: readonly ExplainedColumn[];
  readonly secondPass: readonly ExplainedColumn[];
  readonly jobs: readonly ExplainedJob[];
}

/** The plan of a search, as `/api/explain` answers it. */
export interface SearchExplanation {
  readonly query: string;
  /** Whole seconds since the epoch. */
  readonly start: number;
  readonly end: number;
  readonly limit: number;
  readonly spss: number;
  readonly totalBlocks: number;
  readonly totalJobs: number;
  readonly totalBlockBytes: number;
  readonly blocks: readonly ExplainedBlock[];
  /** Blocks of the search that are not in `blocks`. */
  readonly moreBlocks: number;
  /** Only after a run: of all jobs that ran, also of blocks that are not in `blocks`. A search ends when its limit is reached. */
  readonly actual?: ReadCost & { readonly jobs: number; readonly traces: number };
}

/** An explanation, and how the search ended where it was run. */
export interface ExplainedSearch {
  readonly explanation: SearchExplanation;
  readonly outcome: SearchOutcome | undefined;
}

const openedAtOnce = 8;

/** What a run has found out about single jobs, and cost in all. */
interface Run {
  readonly explained: Map<string, BlockExplanation>;
  bytes: number;
  requests: number;
  jobs: number;
}

/**
 * Plans a search as `search` does and explains its first blocks; all of it happens in this process. Rejects as `search` does, and as opening a block does.
 */
export async function explainSearch(
  environment: SearchEnvironment,
  jobs: JobEnvironment,
  call: SearchCall,
  options: ExplainOptions,
  signal: AbortSignal,
): Promise<ExplainedSearch> {
  const { request, plan } = planSearchCall(environment, call);
  const blocks = firstBlocks(plan.jobs(), options.maxBlocks);
  const run: Run = { explained: new Map(), bytes: 0, requests: 0, jobs: 0 };
  const wanted = new Set(blocks.flatMap((block) => block.map(jobKey)));
  const runJob = runExplained(jobs, run, wanted, options.onJob);
  const outcome = options.run ? await search({ ...environment, runJob }, call, signal) : undefined;
  const explainJob = (job: SearchJob, inner: AbortSignal): Promise<BlockExplanation> => {
    const explain = () => explainBlock(jobs, { ...job, format: call.format }, inner);
    return environment.queue.run(call.tenantLabel, explain, inner);
  };
  const open = async (block: readonly SearchJob[], inner: AbortSignal): Promise<ExplainedBlock> => {
    const parts: BlockExplanation[] = [];
    for (const job of block) parts.push(run.explained.get(jobKey(job)) ?? (await explainJob(job, inner)));
    return joinJobs(block, parts);
  };
  const explained = await mapParallel(blocks, openedAtOnce, open, signal);
  const { totalBlocks, totalJobs, totalBlockBytes } = plan;
  const totals = { totalBlocks, totalJobs, totalBlockBytes, blocks: explained, moreBlocks: totalBlocks - blocks.length };
  return { explanation: { ...described(request), ...totals, ...(outcome && { actual: actualOf(run, outcome) }) }, outcome };
}

function actualOf({ bytes, requests, jobs }: Run, outcome: SearchOutcome) {
  return { bytes, requests, jobs, traces: outcome.kind === 'answered' ? outcome.answer.traces.count : 0 };
}

function described({ query, startSeconds, endSeconds, limit, spansPerSpanset }: SearchRequest) {
  return { query: query ?? '', start: startSeconds, end: endSeconds, limit, spss: spansPerSpanset };
}

function jobKey({ tenant, request }: Pick<SearchJob, 'tenant' | 'request'>): string {
  return `${tenant}/${request.block.blockId}/${request.block.startPage}`;
}

/** The jobs of the first blocks, by block. */
function firstBlocks(jobs: Iterable<SearchJob>, maxBlocks: number): readonly (readonly SearchJob[])[] {
  const blocks: SearchJob[][] = [];
  for (const job of jobs) {
    const last = blocks.at(-1)?.[0];
    if (last !== undefined && last.tenant === job.tenant && last.request.block.blockId === job.request.block.blockId) {
      blocks.at(-1)!.push(job);
    } else if (blocks.length === maxBlocks) break;
    else blocks.push([job]);
  }
  return blocks;
}

function runExplained(jobs: JobEnvironment, run: Run, wanted: ReadonlySet<string>, onJob: ExplainOptions['onJob']): RunJob {
  return async (job, signal) => {
    const { explanation, answer } = await explainRun(jobs, job, signal);
    run.jobs++;
    run.bytes += explanation.actual?.bytes ?? 0;
    run.requests += explanation.actual?.requests ?? 0;
    const key = jobKey(job);
    if (wanted.has(key)) run.explained.set(key, explanation);
    onJob?.(job);
    return answer;
  };
}

function joinJobs(jobs: readonly SearchJob[], parts: readonly BlockExplanation[]): ExplainedBlock {
  const [first] = parts;
  const [job] = jobs;
  if (first === undefined || job === undefined) throw new AppError('internal', 'a block without jobs');
  const { blockId, version, sizeBytes, firstPass, secondPass } = first;
  return {
    tenant: job.tenant,
    blockId,
    version,
    sizeBytes,
    firstPass,
    secondPass,
    jobs: parts.map(({ fromRowGroup, toRowGroup, neverMatches, rowGroups, expected, actual }) => ({
      fromRowGroup,
      toRowGroup,
      neverMatches,
      rowGroups,
      expected,
      ...(actual && { actual }),
    })),
  };
}

import type { AnswerFormat, SearchAnswer } from '#engine/api/search-answer.ts';
import type { SearchBlockRequest } from '#engine/api/search-request.ts';
import { type CountedRequest, countRequests } from '#engine/backend/counted.ts';
import { throwIfAborted } from '#engine/base/errors.ts';
import type { BlockId, TenantId } from '#engine/base/units.ts';
import { columnChunk, type ParquetFile } from '#engine/parquet/file.ts';
import { type ExpectedRowGroup, type ExplainedColumn, explainColumns, explainRowGroups, type ReadCost } from '#engine/scan/explain.ts';
import { collectOutcomes, type RowGroupOutcome } from '#engine/scan/row-group-outcomes.ts';
import { type BlockScan, scanBlock } from '#engine/scan/search.ts';
import type { JobEnvironment } from './environment.ts';
import { emptyAnswer, openScan, planJob, scanAnswer } from './search-block.ts';

/** A row group: what scanning it should cost, and after a run what became of it and what it did cost. */
export interface ExplainedRowGroup extends ExpectedRowGroup {
  readonly actual?: RowGroupOutcome & ReadCost;
}

/** What a job costs. Reads that a cache has answered cost nothing. */
export interface ActualCost extends ReadCost {
  /** The share of footer and indexes. */
  readonly footer: ReadCost;
  readonly traces: number;
  readonly inspectedTraces: number;
}

/** The plan of a search job as plain data. */
export interface BlockExplanation {
  readonly blockId: BlockId;
  readonly version: string;
  readonly sizeBytes: number;
  /** Row groups `[fromRowGroup, toRowGroup)`. */
  readonly fromRowGroup: number;
  readonly toRowGroup: number;
  /** True where it is known without a read that nothing can match; then there are no columns and row groups. */
  readonly neverMatches: boolean;
  readonly firstPass: readonly ExplainedColumn[];
  readonly secondPass: readonly ExplainedColumn[];
  readonly rowGroups: readonly ExplainedRowGroup[];
  /** All row groups with both passes, without the footer. */
  readonly expected: ReadCost;
  /** Only after a run. */
  readonly actual?: ActualCost;
}

/** A job to explain. */
export interface ExplainRequest {
  readonly tenant: TenantId;
  readonly request: SearchBlockRequest;
  readonly format: AnswerFormat;
}

interface MutableCost {
  bytes: number;
  requests: number;
}

/** Says what a job would read; only the footer is read for it. Errors as `searchBlock`. */
export async function explainBlock(environment: JobEnvironment, job: ExplainRequest, signal?: AbortSignal): Promise<BlockExplanation> {
  throwIfAborted(signal);
  const plan = planJob(job.request);
  if (plan === undefined) return neverMatches(job.request);
  return environment.kernels.use(async (kernels) => {
    const { scan } = await openScan(environment, kernels, { ...job, plan }, signal);
    return explainScan(environment, job.request, scan);
  }, signal);
}

/** Runs a job, and says what it has read and found besides its answer, which is that of `searchBlock`. Errors as there. */
export async function explainRun(
  environment: JobEnvironment,
  job: ExplainRequest,
  signal?: AbortSignal,
): Promise<{ readonly explanation: BlockExplanation; readonly answer: SearchAnswer }> {
  throwIfAborted(signal);
  const { request, format } = job;
  const plan = planJob(request);
  if (plan === undefined) return { explanation: neverMatches(request), answer: emptyAnswer(format) };
  const requests: CountedRequest[] = [];
  const backend = countRequests(environment.backend, (made) => requests.push(made));
  return environment.kernels.use(async (kernels) => {
    const { scan, bytesRead } = await openScan({ ...environment, backend }, kernels, { ...job, plan }, signal);
    const expected = explainScan(environment, request, scan);
    const collector = collectOutcomes(scan.prepared.tests);
    const result = await scanBlock({ ...scan, observe: collector.observe });
    const answer = scanAnswer(format, result, bytesRead());
    const costs = attribute(scan, requests);
    const rowGroups = expected.rowGroups.map((group) => ({
      ...group,
      actual: { ...collector.outcomeOf(group.rowGroup), ...costs.rowGroups[group.rowGroup - scan.fromRowGroup] },
    }));
    const actual = {
      ...total([costs.footer, ...costs.rowGroups]),
      footer: costs.footer,
      traces: answer.traces.count,
      inspectedTraces: result.inspectedTraces,
    };
    return { explanation: { ...expected, rowGroups, actual }, answer };
  }, signal);
}

function neverMatches({ block }: SearchBlockRequest): BlockExplanation {
  const { blockId, version, sizeBytes, startPage, pagesToSearch, totalRecords } = block;
  return {
    blockId,
    version,
    sizeBytes,
    fromRowGroup: startPage,
    toRowGroup: Math.max(startPage, Math.min(startPage + pagesToSearch, totalRecords)),
    neverMatches: true,
    firstPass: [],
    secondPass: [],
    rowGroups: [],
    expected: { bytes: 0, requests: 0 },
  };
}

function explainScan(environment: JobEnvironment, { block }: SearchBlockRequest, scan: BlockScan): BlockExplanation {
  const { blockId, version, sizeBytes } = block;
  const { fromRowGroup, toRowGroup } = scan;
  const rowGroups = explainRowGroups(scan, environment.backend.coalesceGapBytes);
  return {
    blockId,
    version,
    sizeBytes,
    fromRowGroup,
    toRowGroup,
    neverMatches: false,
    ...explainColumns(scan),
    rowGroups,
    expected: total(rowGroups.flatMap(({ firstPass, secondPass }) => [firstPass, secondPass])),
  };
}

function total(costs: readonly ReadCost[]): ReadCost {
  const sum: MutableCost = { bytes: 0, requests: 0 };
  for (const { bytes, requests } of costs) {
    sum.bytes += bytes;
    sum.requests += requests;
  }
  return sum;
}

/** Requests by the row group that their first byte lies in. The read of the footer goes to the file's end, and may begin in front of it, in data. */
function attribute({ file, fromRowGroup, toRowGroup }: BlockScan, requests: readonly CountedRequest[]) {
  const spans = Array.from({ length: toRowGroup - fromRowGroup }, (_, i) => extent(file, fromRowGroup + i));
  const rowGroups: MutableCost[] = spans.map(() => ({ bytes: 0, requests: 0 }));
  const footer: MutableCost = { bytes: 0, requests: 0 };
  for (const request of requests) {
    if (request.kind !== 'read') continue;
    const index = request.end === file.sizeBytes ? -1 : spans.findIndex(({ start, end }) => request.start >= start && request.start < end);
    const cost = rowGroups[index] ?? footer;
    cost.bytes += request.end - request.start;
    cost.requests++;
  }
  return { rowGroups, footer };
}

/** Where the chunks of a row group lie in the file. */
function extent(file: ParquetFile, rowGroup: number): { readonly start: number; readonly end: number } {
  let start = file.sizeBytes;
  let end = 0;
  for (const column of file.columns.values()) {
    const chunk = columnChunk(file, rowGroup, column);
    start = Math.min(start, chunk.dictionaryStart);
    end = Math.max(end, chunk.end);
  }
  return { start, end };
}

import type { AnswerFormat, EncodedTraces, SearchAnswer } from '#engine/api/search-answer.ts';
import { noMetrics } from '#engine/api/search-body-decode.ts';
import { takeLimit } from '#engine/api/search-combiner.ts';
import type { SearchBlockRequest } from '#engine/api/search-request.ts';
import { AppError, throwIfAborted } from '#engine/base/errors.ts';
import type { TenantId } from '#engine/base/units.ts';
import type { Kernels } from '#engine/kernels/kernels.ts';
import { rowGroupCount } from '#engine/parquet/file.ts';
import { preparePlan } from '#engine/scan/scan-state.ts';
import { type BlockScan, defaultWindowRows, type ScanResult, scanBlock } from '#engine/scan/search.ts';
import { compileQuery } from '#engine/traceql/compile.ts';
import { isConstantFalse, planSearch, type SearchPlan } from '#engine/traceql/plan.ts';
import { planTagSearch } from '#engine/traceql/plan-tags.ts';
import { type BlockVersion, blockVersion } from '#engine/vparquet/versions.ts';
import type { JobEnvironment } from './environment.ts';
import { createBlockReader, openBlock } from './open-block.ts';

const nanosPerSecond = 1_000_000_000n;

/**
 * Searches a part of one block: what a function runs and what a querier runs in-process.
 *
 * Throws `bad_request` for a query that does not parse or validate, `internal` for an unknown block version, `corrupt_block`, `unimplemented`,
 * `not_found` when data.parquet is missing, and what the signal says.
 */
export async function searchBlock(
  environment: JobEnvironment,
  tenant: TenantId,
  request: SearchBlockRequest,
  format: AnswerFormat,
  signal?: AbortSignal,
): Promise<SearchAnswer> {
  throwIfAborted(signal);
  const plan = planJob(request);
  if (plan === undefined) return emptyAnswer(format);
  return environment.kernels.use(async (kernels) => {
    const { scan, bytesRead } = await openScan(environment, kernels, { tenant, request, format, plan }, signal);
    const answer = scanAnswer(format, await scanBlock(scan), bytesRead());
    return plan.mostRecent ? { ...answer, traces: takeLimit(answer.traces, request.limit) } : answer;
  }, signal);
}

/** The plan of a job, or undefined where nothing need be read to know that nothing is found. Errors as {@link searchBlock}. */
export function planJob(request: SearchBlockRequest): SearchPlan | undefined {
  if (request.block.version.includes('preview')) return undefined;
  blockVersion(request.block.version);
  const plan = request.query === undefined ? planTagSearch(request) : planSearch(compileQuery(request.query));
  return isConstantFalse(plan.spansets) ? undefined : plan;
}

/** A job with its plan. */
export interface PlannedJob {
  readonly tenant: TenantId;
  readonly request: SearchBlockRequest;
  readonly format: AnswerFormat;
  readonly plan: SearchPlan;
}

/** Reads the footer of a job's block and says what to scan; nothing else is read yet. Errors as {@link searchBlock}. */
export async function openScan(
  environment: JobEnvironment,
  kernels: Kernels,
  { tenant, request, format, plan }: PlannedJob,
  signal: AbortSignal | undefined,
): Promise<{ readonly scan: BlockScan; readonly bytesRead: () => number }> {
  const { block } = request;
  const location = { tenant, blockId: block.blockId, sizeBytes: block.sizeBytes, footerBytes: block.footerBytes };
  const open = await openBlock(environment, kernels, location, signal);
  const { reader, bytesRead } = createBlockReader(environment, open, location, signal);
  const { file } = open;
  const version = layoutOf(blockVersion(block.version), block.blockId, file.columns);
  const groups = rowGroupCount(file);
  const scan: BlockScan = {
    kernels,
    reader,
    file,
    prepared: preparePlan(plan, { version, columns: file.columns, dedicatedColumns: block.dedicatedColumns }),
    fromRowGroup: Math.min(block.startPage, groups),
    toRowGroup: Math.min(block.startPage + block.pagesToSearch, groups),
    timeRange: timeRange(request),
    limit: plan.mostRecent ? Number.POSITIVE_INFINITY : request.limit,
    firstWindowRows: environment.firstWindowRows ?? defaultWindowRows,
    spansPerSpanset: request.spansPerSpanset,
    format,
    signal,
  };
  return { scan, bytesRead };
}

/** What a scan found as a job's answer. */
export function scanAnswer(format: AnswerFormat, result: ScanResult, inspectedBytes: number): SearchAnswer {
  return { traces: joinTraces(format, result.parts), metrics: { ...noMetrics, inspectedTraces: result.inspectedTraces, inspectedBytes } };
}

/** Early samples of vParquet5 have another tree than the released format (spec blocks §2.2). */
function layoutOf(version: BlockVersion, blockId: string, columns: ReadonlyMap<string, unknown>): BlockVersion {
  if (!columns.has('rs.ss.Spans.StatusCode') || !columns.has('TraceID')) {
    throw new AppError('corrupt_block', `block ${blockId}: data.parquet does not have the columns of ${version.name}`);
  }
  return version;
}

function timeRange({ startSeconds, endSeconds }: SearchBlockRequest) {
  if (startSeconds === 0 && endSeconds === 0) return undefined;
  return { startNanos: BigInt(startSeconds) * nanosPerSecond, endNanos: BigInt(endSeconds) * nanosPerSecond };
}

/** The answer of a job that found nothing because it had to read nothing. */
export function emptyAnswer(format: AnswerFormat): SearchAnswer {
  return { traces: joinTraces(format, []), metrics: noMetrics };
}

/** Puts the pieces of a scan one behind the other. */
export function joinTraces(format: AnswerFormat, parts: readonly EncodedTraces[]): EncodedTraces {
  if (parts.length === 1) return parts[0];
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  const sizeBytes = parts.reduce((sum, part) => sum + part.bytes.length, 0);
  const joined = {
    format,
    count,
    bytes: new Uint8Array(sizeBytes),
    offsets: new Uint32Array(count + 1),
    traceIds: new Uint8Array(16 * count),
    startNanos: new BigUint64Array(count),
  };
  let trace = 0;
  let byte = 0;
  for (const part of parts) {
    joined.bytes.set(part.bytes, byte);
    joined.traceIds.set(part.traceIds, 16 * trace);
    joined.startNanos.set(part.startNanos, trace);
    for (let i = 0; i <= part.count; i++) joined.offsets[trace + i] = byte + part.offsets[i];
    trace += part.count;
    byte += part.bytes.length;
  }
  return joined;
}

import { parseMaxBytes, parseSearchBlockParams } from '#engine/api/search-block-params.ts';
import { encodeSearchAnswer } from '#engine/api/search-body.ts';
import type { SearchBlockRequest } from '#engine/api/search-request.ts';
import { wireStatuses } from '#engine/api/status.ts';
import { AppError, type ErrorCode, toAppError } from '#engine/base/errors.ts';
import { type TenantId, tenantId, tenantIdProblem } from '#engine/base/units.ts';
import type { JobEnvironment } from '#engine/jobs/environment.ts';
import { searchBlock } from '#engine/jobs/search-block.ts';
import { unsupportedIn } from '#engine/jobs/unsupported.ts';
import { blockVersion } from '#engine/vparquet/versions.ts';
import { newestFirst } from './newest-first.ts';

/** A call, whatever platform it came through. Path and method do not matter (spec serverless §2). */
export interface FunctionRequest {
  readonly method: string;
  /** Path and query string, as on the request line. */
  readonly url: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Aborted when nobody waits for the answer any more, or the platform will end the call. */
  readonly signal: AbortSignal;
}

/** An answer. */
export interface FunctionResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Runs one call. Never rejects: everything that goes wrong is an answer (spec serverless §3.1). */
export type FunctionHandler = (request: FunctionRequest) => Promise<FunctionResponse>;

/** What {@link createHandler} needs. */
export interface HandlerOptions {
  /** Called once, with the first request that gets so far; its result or error is kept for the life of the process. */
  readonly createEnvironment: () => Promise<JobEnvironment>;
  /** Longest time for one job. */
  readonly jobTimeoutMs: number;
  /** Told of errors that are not the caller's doing. */
  readonly onError: (error: AppError) => void;
}

/** Of answers too: a real function says nothing about its JSON, and Go's server takes it for text (spec serverless §3.3). */
const textHeaders = { 'content-type': 'text/plain; charset=utf-8' };

/** Creates the handler of a search function: one job a call (spec serverless §3). */
export function createHandler({ createEnvironment, jobTimeoutMs, onError }: HandlerOptions): FunctionHandler {
  let environment: Promise<JobEnvironment> | undefined;
  const loadEnvironment = () => (environment ??= createEnvironment());
  return async (request) => {
    try {
      const signal = AbortSignal.any([request.signal, AbortSignal.timeout(jobTimeoutMs)]);
      return await answerSearch(request, loadEnvironment, signal);
    } catch (thrown) {
      const error = toAppError(thrown);
      if (wireStatuses[error.code].http >= 500 && !request.signal.aborted) onError(error);
      return errorResponse(error);
    }
  };
}

/** An error as an answer: its code's status, its message as plain text. */
export function errorResponse(error: AppError): FunctionResponse {
  return { status: wireStatuses[error.code].http, headers: textHeaders, body: Buffer.from(error.message) };
}

async function answerSearch(
  { url, headers }: FunctionRequest,
  loadEnvironment: () => Promise<JobEnvironment>,
  signal: AbortSignal,
): Promise<FunctionResponse> {
  const query = queryOf(url);
  const search = await attempt('parsing search request', 'bad_request', () => parseSearchBlockParams(query, 'serverless'));
  // Checked for its errors only: a search has no use for it.
  await attempt('extracting serverless params', 'bad_request', () => parseMaxBytes(query));
  const environment = await attempt('loading backend', 'internal', loadEnvironment);
  const tenant = await attempt('extracting org id', 'bad_request', () => tenantOf(headers));
  await attempt('creating backend block', 'internal', () => checkVersion(search.block.version));
  const answer = await attempt('searching block', 'internal', () => {
    if (!isRubato(headers)) refuseAsTempo(search);
    return searchBlock(environment, tenant, search, 'json', signal);
  });
  // Real functions write an empty list for TraceQL, and none for tag searches, which come in the order of the block and without statistics.
  const isTraceQL = search.query !== undefined;
  const sorted = isTraceQL ? { ...answer, traces: newestFirst(answer.traces) } : answer;
  const emptyServiceStats = isTraceQL && !isPreview(search.block.version) && blockVersion(search.block.version).serviceStats === undefined;
  const { body } = encodeSearchAnswer(sorted, { emptyTraces: isTraceQL, rootPlaceholder: false, emptyServiceStats });
  return { status: 200, headers: textHeaders, body };
}

/** Whether our own querier calls: it wants what it would answer itself. */
function isRubato(headers: FunctionRequest['headers']): boolean {
  return headers['user-agent']?.startsWith('rubato') === true;
}

/** Real queriers know their function to refuse fields that a block's version cannot store, rather than to find nothing. Throws `internal` with its text. */
function refuseAsTempo({ query, block }: SearchBlockRequest): void {
  const problem = query === undefined || isPreview(block.version) ? undefined : unsupportedIn(block.version, query);
  if (problem !== undefined) throw new AppError('internal', problem);
}

/** Runs a step; its error becomes `serverless [action]: …` with the step's code, whatever it was: queriers treat all alike. */
async function attempt<Value>(action: string, code: ErrorCode, step: () => Value | Promise<Value>): Promise<Value> {
  try {
    return await step();
  } catch (thrown) {
    throw new AppError(code, `serverless [${action}]: ${toAppError(thrown).message}`, { cause: thrown });
  }
}

function queryOf(url: string): string {
  const mark = url.indexOf('?');
  return mark < 0 ? '' : url.slice(mark + 1);
}

function tenantOf(headers: FunctionRequest['headers']): TenantId {
  const text = headers['x-scope-orgid'] ?? '';
  const problem = tenantIdProblem(text);
  if (problem !== undefined) throw new AppError('bad_request', problem);
  return tenantId(text);
}

/** Blocks of a version that was never released; they are searched as empty (see searchBlock). */
function isPreview(version: string): boolean {
  return version.includes('preview');
}

/** Throws `internal` for a version that cannot be read. */
function checkVersion(version: string): void {
  if (!isPreview(version)) blockVersion(version);
}

import { parseMaxBytes, parseSearchBlockParams } from '#engine/api/search-block-params.ts';
import { encodeSearchAnswer } from '#engine/api/search-body.ts';
import type { SearchBlockRequest } from '#engine/api/search-request.ts';
import { AppError, type ErrorCode, toAppError } from '#engine/base/errors.ts';
import { type TenantId, tenantId, tenantIdProblem } from '#engine/base/units.ts';
import type { JobEnvironment } from '#engine/jobs/environment.ts';
import { searchBlock } from '#engine/jobs/search-block.ts';
import { unsupportedIn } from '#engine/jobs/unsupported.ts';
import { blockVersion } from '#engine/vparquet/versions.ts';
import { type FunctionRequest, type FunctionResponse, textHeaders } from './exchange.ts';
import { newestFirst } from './newest-first.ts';

/** Answers a request of tempo-serverless: one search, by the query string (spec serverless §3). Rejects with Tempo's texts. */
export async function answerSearch(
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

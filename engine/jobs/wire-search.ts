import type { WireAnswer, WireJob } from '#engine/api/job-wire.ts';
import type { AnswerFormat, SearchAnswer } from '#engine/api/search-answer.ts';
import { parseSearchBlockParams } from '#engine/api/search-block-params.ts';
import { encodeSearchAnswer } from '#engine/api/search-body.ts';
import type { JobEnvironment } from './environment.ts';
import { searchBlock } from './search-block.ts';

/** The answer of a search job as queriers send it (spec read-path §9.3). */
export function searchWireAnswer(answer: SearchAnswer): WireAnswer {
  return { status: 200, ...encodeSearchAnswer(answer, { emptyTraces: true, rootPlaceholder: false }) };
}

/** Runs a search job. Rejects as `searchBlock` does, and with `bad_request` where the URL is wrong. */
export async function runSearchWireJob(environment: JobEnvironment, job: WireJob, query: string, signal: AbortSignal): Promise<WireAnswer> {
  const request = parseSearchBlockParams(query, 'tempo');
  const format: AnswerFormat = job.accept === 'application/protobuf' ? 'protobuf' : 'json';
  return searchWireAnswer(await searchBlock(environment, job.tenant, request, format, signal));
}

import type { AnswerFormat, SearchAnswer } from '#engine/api/search-answer.ts';
import { printSearchBlockParams } from '#engine/api/search-block-params.ts';
import type { SearchBlockRequest } from '#engine/api/search-request.ts';
import type { TenantId } from '#engine/base/units.ts';

/** A search job: the request `GET /querier/api/search?…` of one tenant, read (spec http-api §9.2). */
export interface Job {
  readonly tenant: TenantId;
  readonly request: SearchBlockRequest;
  /** How traces of the answer are encoded. */
  readonly format: AnswerFormat;
}

/** Runs a job somewhere. Rejects with an AppError; an abort of the signal ends it. */
export type RunJob = (job: Job, signal: AbortSignal) => Promise<SearchAnswer>;

/** The path and query string that mean this job between processes. */
export function jobUrl(job: Job, httpApiPrefix: string): string {
  return `/querier${httpApiPrefix}/api/search?${printSearchBlockParams(job.request)}`;
}

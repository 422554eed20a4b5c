import type { DateRange } from '#engine/api/date-range.ts';
import type { TagNamesAnswer, TagValuesAnswer } from '#engine/api/tags-answer.ts';
import type { TenantId } from '#engine/base/units.ts';
import type { TagNamesJob } from '#engine/jobs/tag-names-block.ts';
import type { TagValuesJob } from '#engine/jobs/tag-values-block.ts';

/**
 * Looks for names of tags in a part of a block of a tenant; the range is the request's, which jobs carry although blocks are not cut by it. Rejects with an
 * AppError; an abort of the signal ends it.
 */
export type RunTagNamesJob = (tenant: TenantId, job: TagNamesJob & DateRange, signal: AbortSignal) => Promise<TagNamesAnswer>;

/** As {@link RunTagNamesJob} for the values of a tag. */
export type RunTagValuesJob = (tenant: TenantId, job: TagValuesJob & DateRange, signal: AbortSignal) => Promise<TagValuesAnswer>;

/** Both. */
export interface TagsRunner {
  readonly names: RunTagNamesJob;
  readonly values: RunTagValuesJob;
}

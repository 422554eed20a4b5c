import { cutBlockPart } from '#engine/api/cut-block-part.ts';
import type { DateRange } from '#engine/api/date-range.ts';
import { countMatchedSpans } from '#engine/api/encoded-traces.ts';
import type { MetricsAnswer } from '#engine/api/metrics-series.ts';
import type { SearchAnswer } from '#engine/api/search-answer.ts';
import type { BlockPart } from '#engine/api/search-request.ts';
import type { TagNamesAnswer, TagValuesAnswer } from '#engine/api/tags-answer.ts';
import type { TenantId } from '#engine/base/units.ts';
import type { TagNamesJob } from '#engine/jobs/tag-names-block.ts';
import type { TagValuesJob } from '#engine/jobs/tag-values-block.ts';
import type { MetricsJob } from '../frontend/metrics-sharder.ts';
import type { JobReport } from '../telemetry/recent-jobs.ts';
import { combineMetrics, combineSearches, combineTagNames, combineTagValues, type PartsCombiner } from './combine-parts.ts';
import type { Job } from './job.ts';
import type { Cut } from './run-parts.ts';
import type { Runners } from './runners.ts';

/** What an answer says for the report. */
export type Found = Pick<JobReport, 'bytesRead' | 'matched' | 'matchedSpans'>;

/** A job in all its forms. */
export interface Forms<Answer> {
  readonly here: (signal: AbortSignal) => Promise<Answer>;
  readonly away: (runners: Runners, signal: AbortSignal) => Promise<Answer>;
  readonly found: (answer: Answer) => Found;
  /** Over fewer row groups each, for answers that are too large; undefined for a job over one. */
  readonly cut: () => Cut<Forms<Answer>, Answer> | undefined;
}

/** Runs jobs in this process. */
type Here = Omit<Runners, 'trace'>;

/** Answers above this are not searched for the number of their spans. */
const maxCountedBytes = 1 << 20;

function foundIn({ traces, metrics }: SearchAnswer): Found {
  const spans = countMatchedSpans(traces, maxCountedBytes);
  return { bytesRead: metrics.inspectedBytes, matched: traces.count, ...(spans === undefined ? {} : { matchedSpans: spans }) };
}

function cutBy<Answer>(block: BlockPart, formsOver: (part: BlockPart) => Forms<Answer>, combiner: () => PartsCombiner<Answer>) {
  return (): Cut<Forms<Answer>, Answer> | undefined => {
    const parts = cutBlockPart(block);
    return parts && { parts: parts.map(formsOver), combiner };
  };
}

/** A search over a part of a block. */
export function searchForms(self: Here, job: Job): Forms<SearchAnswer> {
  const { request } = job;
  return {
    here: (signal) => self.search(job, signal),
    away: (runners, signal) => runners.search(job, signal),
    found: foundIn,
    cut: cutBy(
      request.block,
      (block) => searchForms(self, { ...job, request: { ...request, block } }),
      () => combineSearches(job),
    ),
  };
}

/** A metrics query over a part of a block. */
export function metricsForms(self: Here, job: MetricsJob): Forms<MetricsAnswer> {
  const { request } = job;
  return {
    here: (signal) => self.metrics(job, signal),
    away: (runners, signal) => runners.metrics(job, signal),
    found: ({ inspectedBytes, inspectedSpans }) => ({ bytesRead: inspectedBytes, matched: 0, matchedSpans: inspectedSpans }),
    cut: cutBy(
      request.block,
      (block) => metricsForms(self, { ...job, request: { ...request, block } }),
      () => combineMetrics(request),
    ),
  };
}

/** Names of the tags in a part of a block. */
export function tagNamesForms(self: Here, tenant: TenantId, job: TagNamesJob & DateRange): Forms<TagNamesAnswer> {
  return {
    here: (signal) => self.tags.names(tenant, job, signal),
    away: (runners, signal) => runners.tags.names(tenant, job, signal),
    found: ({ names, inspectedBytes }) => ({ bytesRead: inspectedBytes, matched: names.size }),
    cut: cutBy(
      job.block,
      (block) => tagNamesForms(self, tenant, { ...job, block }),
      () => combineTagNames(job.limits),
    ),
  };
}

/** Values of a tag in a part of a block. */
export function tagValuesForms(self: Here, tenant: TenantId, job: TagValuesJob & DateRange): Forms<TagValuesAnswer> {
  return {
    here: (signal) => self.tags.values(tenant, job, signal),
    away: (runners, signal) => runners.tags.values(tenant, job, signal),
    found: ({ values, inspectedBytes }) => ({ bytesRead: inspectedBytes, matched: values.length }),
    cut: cutBy(
      job.block,
      (block) => tagValuesForms(self, tenant, { ...job, block }),
      () => combineTagValues(job.limits),
    ),
  };
}

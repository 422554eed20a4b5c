import type { DateRange } from '#engine/api/date-range.ts';
import { printForm } from '#engine/api/form.ts';
import { printMetricsBlockParams } from '#engine/api/metrics-block-params.ts';
import { blockPairs } from '#engine/api/search-block-params.ts';
import type { BlockPart } from '#engine/api/search-request.ts';
import type { TagLimits } from '#engine/api/tags-collector.ts';
import type { TagNamesJob } from '#engine/jobs/tag-names-block.ts';
import type { TagValuesJob } from '#engine/jobs/tag-values-block.ts';
import { printReference } from '#engine/traceql/print.ts';
import { printTagFilter, type TagFilter } from '#engine/traceql/tag-filter.ts';
import type { MetricsJob } from '../frontend/metrics-sharder.ts';

/** The path and query string that mean a metrics job between processes. */
export function metricsJobUrl({ request }: MetricsJob, httpApiPrefix: string): string {
  return `/querier${httpApiPrefix}/api/metrics/query_range?${printMetricsBlockParams(request)}`;
}

interface TagsPart extends DateRange {
  readonly block: BlockPart;
  readonly filter: TagFilter | undefined;
  readonly limits: TagLimits;
}

/** A filter is printed anew: what could not be read of the client's is gone by then. Dedicated columns are sent, which Tempo forgets (spec read-path §4). */
function tagsQuery({ block, filter, limits, startSeconds, endSeconds }: TagsPart, own: readonly (readonly [string, string])[]): string {
  const pairs: (readonly [string, string])[] = [['start', `${startSeconds}`], ['end', `${endSeconds}`], ...own];
  if (filter !== undefined) pairs.push(['q', printTagFilter(filter)]);
  if (limits.maxCount > 0) pairs.push(['limit', `${limits.maxCount}`]);
  if (limits.maxStaleValues > 0) pairs.push(['maxStaleValues', `${limits.maxStaleValues}`]);
  pairs.push(['maxBytes', `${limits.maxBytes}`]);
  return printForm([...pairs, ...blockPairs(block)]);
}

/** The path and query string that mean a job for names of tags between processes: v2, whose answers tell scopes apart, whatever the client asked. */
export function tagNamesJobUrl(job: TagNamesJob & DateRange, httpApiPrefix: string): string {
  const scope = job.scope === 'none' ? [] : [['scope', job.scope] as const];
  return `/querier${httpApiPrefix}/api/v2/search/tags?${tagsQuery(job, scope)}`;
}

/** As {@link tagNamesJobUrl} for the values of a tag. */
export function tagValuesJobUrl(job: TagValuesJob & DateRange, httpApiPrefix: string): string {
  const name = encodeURIComponent(printReference(job.tag, 'query'));
  return `/querier${httpApiPrefix}/api/v2/search/tag/${name}/values?${tagsQuery(job, [])}`;
}

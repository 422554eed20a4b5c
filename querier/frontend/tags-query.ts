import type { DateRange } from '#engine/api/date-range.ts';
import { withIntrinsics } from '#engine/api/intrinsic-tags.ts';
import type { AnsweredScope, TagNamesAnswer, TagValuesAnswer } from '#engine/api/tags-answer.ts';
import { createNamesCollector, createValuesCollector, type TagLimits } from '#engine/api/tags-collector.ts';
import type { TagNamesRequest, TagsVersion, TagValuesRequest } from '#engine/api/tags-params.ts';
import type { TenantId } from '#engine/base/units.ts';
import { oldTag } from '#engine/traceql/old-tag.ts';
import { printReference } from '#engine/traceql/print.ts';
import { parseTagFilter } from '#engine/traceql/tag-filter.ts';
import type { LimitsConfig } from '../config/limits.ts';
import type { Tenants } from '../server/tenancy.ts';
import type { TagsRunner } from '../worker/tags-job.ts';
import { queryLimits } from './query-limits.ts';
import { type QueryLog, rangeUrl, tagsLog } from './query-log.ts';
import { plainWeight } from './query-weight.ts';
import { recentPart } from './recent-sharder.ts';
import { type JobFailure, runJobs } from './run-jobs.ts';
import type { SearchEnvironment } from './search.ts';
import { readTagNames, readTagValues } from './tags-request.ts';
import { type BlockJob, shardTags } from './tags-sharder.ts';

/** What a request for names or values of tags needs of the process. */
export interface TagsEnvironment {
  readonly environment: Omit<SearchEnvironment, 'runJob'>;
  readonly runTags: TagsRunner;
}

/** Limits of a request as a collector takes them. */
export function tagLimits(request: TagNamesRequest | TagValuesRequest, limits: LimitsConfig): TagLimits {
  return { maxBytes: limits.maxBytesPerTagValuesQuery, maxCount: request.limit, maxStaleValues: request.maxStaleValues };
}

/** A request for names or values that can be looked at while its jobs run. */
export interface StartedTags<Answer> {
  /** What the log says of it, answered at once or streamed. */
  readonly log: (streaming: boolean) => QueryLog;
  /** Runs all jobs that are needed, once; tells of each answer. Rejects with what the signal says. */
  readonly run: (onAnswer: () => void, signal: AbortSignal) => Promise<JobFailure | undefined>;
  /** What is new since the last call. */
  readonly changes: () => Answer;
  /** Everything so far. */
  readonly result: () => Answer;
  readonly completedJobs: () => number;
}

/** Collects the answers of jobs. */
interface Collected<Answer> {
  readonly add: (answer: Answer) => void;
  readonly full: () => boolean;
  readonly result: () => Answer;
  readonly changes: () => Answer;
}

/** What is asked for, and how it is found. */
interface TagsWork<Answer> {
  readonly request: TagNamesRequest | TagValuesRequest;
  /** 0 is all. */
  readonly maxBlocks: number;
  readonly runJob: (job: BlockJob, signal: AbortSignal) => Promise<Answer>;
  /** Asks for recent data; undefined where nobody is known to have it. */
  readonly runRecent: ((job: RecentTags, signal: AbortSignal) => Promise<Answer>) | undefined;
}

/** A job over recent data. */
interface RecentTags extends DateRange {
  readonly tenant: TenantId;
  readonly isRecent: true;
}

function* allJobs(
  recent: readonly RecentTags[],
  blocks: Iterator<BlockJob> & Iterable<BlockJob>,
): Generator<BlockJob | RecentTags, void, void> {
  yield* recent;
  yield* blocks;
}

/** Prepares a job on each part of the blocks of a request's time, until enough has been found. */
function startJobs<Answer>(
  { environment }: TagsEnvironment,
  tenants: Tenants,
  { request, maxBlocks, runJob, runRecent }: TagsWork<Answer>,
  { add, full, result, changes }: Collected<Answer>,
): Omit<StartedTags<Answer>, 'log'> {
  const { config, clock, queue, onRetries, blocklist } = environment;
  const { concurrentJobs, queryBackendAfterMs, targetBytesPerJob } = config.search;
  let count = 0;
  const run = (onAnswer: () => void, signal: AbortSignal) => {
    const nowSeconds = Math.floor(clock.nowMs() / 1000);
    const queryBackendAfterSeconds = queryBackendAfterMs / 1000;
    const part = recentPart(request, { nowSeconds, boundarySeconds: queryBackendAfterSeconds, pieces: 1 });
    const recent =
      runRecent === undefined || part === undefined ? [] : tenants.ids.map((tenant) => ({ tenant, isRecent: true as const, ...part }));
    const blocks = shardTags(tenants.ids.map(blocklist), {
      startSeconds: request.startSeconds,
      endSeconds: request.endSeconds,
      nowSeconds,
      queryBackendAfterSeconds,
      targetBytesPerJob,
      maxBlocks,
    });
    const take = (answer: Answer): boolean => {
      count++;
      add(answer);
      onAnswer();
      return full();
    };
    return runJobs(
      {
        tenantLabel: tenants.label,
        weight: plainWeight,
        queue,
        jobs: allJobs(recent, blocks),
        concurrency: concurrentJobs,
        maxRetries: config.maxRetries,
        run: (job, inner) => ('isRecent' in job ? runRecent!(job, inner) : runJob(job, inner)),
        onAnswer: take,
        onRetries,
      },
      signal,
    );
  };
  return { run, changes, result, completedJobs: () => count };
}

/** The names that are new since the last call; sets keep the order in which names came. */
function newNames(result: () => TagNamesAnswer): () => TagNamesAnswer {
  const sent = new Map<AnsweredScope, number>();
  return () => {
    const { names, inspectedBytes } = result();
    const added = new Map<AnsweredScope, ReadonlySet<string>>();
    for (const [scope, all] of names) {
      const known = sent.get(scope) ?? 0;
      if (all.size > known) added.set(scope, new Set([...all].slice(known)));
      sent.set(scope, all.size);
    }
    return { names: added, inspectedBytes };
  };
}

/** The values that are new since the last call; they stay in the order in which they came. */
function newValues(result: () => TagValuesAnswer): () => TagValuesAnswer {
  let sent = 0;
  return () => {
    const { values, inspectedBytes } = result();
    const added = values.slice(sent);
    sent = values.length;
    return { values: added, inspectedBytes };
  };
}

/** As log lines call the endpoints: `SearchTagValuesV2Streaming`. */
function handlerName(endpoint: string, version: TagsVersion, streaming: boolean): string {
  return `${endpoint}${version === 2 ? 'V2' : ''}${streaming ? 'Streaming' : ''}`;
}

/** Plans a request for names of tags (spec http-api §5.1). Throws `bad_request`. */
export function startTagNames(
  options: TagsEnvironment,
  version: TagsVersion,
  query: string,
  tenants: Tenants,
): StartedTags<TagNamesAnswer> {
  const { environment, runTags } = options;
  const limits = queryLimits(environment.limits, environment.config, tenants.ids);
  const request = readTagNames({ ...environment, limits }, version, query);
  const filter = parseTagFilter(request.filter, limits.maxConditionGroupsPerTagQuery);
  const { scope, startSeconds, endSeconds } = request;
  const collector = createNamesCollector(tagLimits(request, limits));
  const runJob = ({ tenant, block }: BlockJob, signal: AbortSignal) =>
    runTags.names(
      tenant,
      { block, scope, filter, limits: tagLimits(request, environment.limits(tenant)), startSeconds, endSeconds },
      signal,
    );
  const result = () => withIntrinsics(collector.result(), scope, version);
  const collected = { add: collector.addAnswer, full: collector.full, result, changes: newNames(result) };
  const { recent } = environment;
  const runRecent =
    recent &&
    (({ tenant, startSeconds: start, endSeconds: end }: RecentTags, signal: AbortSignal) =>
      recent.tagNames(
        tenant,
        { ...request, startSeconds: start, endSeconds: end },
        tagLimits(request, environment.limits(tenant)),
        signal,
      ));
  const started = startJobs(options, tenants, { request, maxBlocks: 0, runJob, runRecent }, collected);
  const url = rangeUrl(version === 1 ? '/api/search/tags' : '/api/v2/search/tags', query, startSeconds, endSeconds);
  const log = (streaming: boolean) => tagsLog('tag', { handler: handlerName('SearchTags', version, streaming), scope }, request, url);
  const needsBlocks = scope !== 'intrinsic' && scope !== 'trace';
  return needsBlocks ? { ...started, log } : { ...started, log, run: async () => undefined };
}

/** Plans a request for the values of a tag; `path` is that of the HTTP endpoint (spec http-api §5.2, §5.3). Throws `bad_request`. */
export function startTagValues(
  options: TagsEnvironment,
  version: TagsVersion,
  { path, query }: { readonly path: string; readonly query: string },
  tenants: Tenants,
): StartedTags<TagValuesAnswer> {
  const { environment, runTags } = options;
  const limits = queryLimits(environment.limits, environment.config, tenants.ids);
  const { request, tag = oldTag(request.tagName) } = readTagValues({ ...environment, limits }, version, path, query);
  const filter = parseTagFilter(request.filter, limits.maxConditionGroupsPerTagQuery);
  const { startSeconds, endSeconds } = request;
  const collector = createValuesCollector(tagLimits(request, limits));
  const runJob = ({ tenant, block }: BlockJob, signal: AbortSignal) =>
    runTags.values(
      tenant,
      { block, tag, filter, limits: tagLimits(request, environment.limits(tenant)), startSeconds, endSeconds },
      signal,
    );
  const { addAnswer: add, full, result } = collector;
  const maxBlocks = limits.maxBlocksPerTagValuesQuery;
  const url = rangeUrl(path, query, startSeconds, endSeconds);
  const log = (streaming: boolean) => {
    const handler = handlerName('SearchTagValues', version, streaming);
    return tagsLog('tag values', { handler, tag: request.tagName, query: request.filter ?? '' }, request, url);
  };
  const { recent } = environment;
  const runRecent =
    recent &&
    (({ tenant, startSeconds: start, endSeconds: end }: RecentTags, signal: AbortSignal) => {
      const part = { ...request, startSeconds: start, endSeconds: end };
      return recent.tagValues(tenant, printReference(tag, 'query'), part, tagLimits(request, environment.limits(tenant)), signal);
    });
  const started = startJobs(options, tenants, { request, maxBlocks, runJob, runRecent }, { add, full, result, changes: newValues(result) });
  return { ...started, log };
}

import { type AnsweredScope, intrinsicTags, type TagNamesAnswer, toByteText } from '#engine/api/tags-answer.ts';
import { encodeTagNames, encodeTagValues, type TagsBody, type TagsFormat } from '#engine/api/tags-body.ts';
import { createNamesCollector, createValuesCollector, type TagLimits } from '#engine/api/tags-collector.ts';
import type { TagNamesRequest, TagScope, TagsVersion, TagValuesRequest } from '#engine/api/tags-params.ts';
import type { Reference } from '#engine/traceql/ast.ts';
import { parseTagFilter } from '#engine/traceql/tag-filter.ts';
import type { LimitsConfig } from '../config/config.ts';
import type { Handler, ServerAnswer } from '../server/exchange.ts';
import type { Tenants } from '../server/tenancy.ts';
import type { TagsRunner } from '../worker/tags-job.ts';
import { createQueryHandler, type QueryHandlerOptions, type QueryOutcome } from './query-handler.ts';
import { type JobFailure, runJobs } from './run-jobs.ts';
import type { SearchEnvironment } from './search.ts';
import { readTagNames, readTagValues } from './tags-request.ts';
import { type BlockJob, shardTags } from './tags-sharder.ts';

/** What {@link createTagNamesHandler} and {@link createTagValuesHandler} need. */
export interface TagsHandlerOptions extends QueryHandlerOptions {
  readonly environment: Omit<SearchEnvironment, 'runJob'>;
  readonly runTags: TagsRunner;
}

/** Names that the old endpoint knows for intrinsics; every other name is an attribute of a span or resource (spec http-api §5.2). */
const oldNames: Readonly<Record<string, Reference & { readonly kind: 'intrinsic' }>> = {
  name: { kind: 'intrinsic', name: 'name' },
  rootName: { kind: 'intrinsic', name: 'rootName' },
  'root.name': { kind: 'intrinsic', name: 'rootName' },
  rootServiceName: { kind: 'intrinsic', name: 'rootServiceName' },
  'root.service.name': { kind: 'intrinsic', name: 'rootServiceName' },
  'status.code': { kind: 'intrinsic', name: 'status' },
};

/** What a tag name of the old endpoint means. */
export function oldTag(name: string): Reference {
  if (Object.hasOwn(oldNames, name)) return oldNames[name]!;
  return { kind: 'attribute', scope: 'none', name, parent: false };
}

/** Limits of a request as a collector takes them. */
export function tagLimits(request: TagNamesRequest | TagValuesRequest, limits: LimitsConfig): TagLimits {
  return { maxBytes: limits.maxBytesPerTagValuesQuery, maxCount: request.limit, maxStaleValues: request.maxStaleValues };
}

/** Intrinsics do not depend on the blocks, and limits do not count them. The old endpoint lists them only when asked for. */
export function withIntrinsics(answer: TagNamesAnswer, scope: TagScope, version: TagsVersion): TagNamesAnswer {
  if (scope !== 'intrinsic' && (version === 1 || scope !== 'none')) return answer;
  const names = new Map<AnsweredScope, ReadonlySet<string>>([['intrinsic', new Set(intrinsicTags.map(toByteText))], ...answer.names]);
  return { ...answer, names };
}

function acceptedTagsFormat(accept = ''): TagsFormat {
  if (accept.includes('application/protobuf')) return 'protobuf';
  return accept.includes('application/vnd.grafana.llm') && !accept.includes('application/json') ? 'llm' : 'json';
}

function answerOf({ contentType, body }: TagsBody): ServerAnswer {
  return { status: 200, headers: { 'Content-Type': contentType }, body, compressible: true };
}

/** Runs a job on each part of the blocks of a request's time until enough has been found. */
async function runOnBlocks<Answer extends { readonly inspectedBytes: number }>(
  { environment }: TagsHandlerOptions,
  tenants: Tenants,
  request: TagNamesRequest | TagValuesRequest,
  work: {
    readonly run: (job: BlockJob, signal: AbortSignal) => Promise<Answer>;
    readonly onAnswer: (answer: Answer) => boolean;
  },
  signal: AbortSignal,
): Promise<JobFailure | number> {
  const { config, clock, queue, onRetries } = environment;
  const jobs = shardTags(tenants.ids.map(environment.blocklist), {
    startSeconds: request.startSeconds,
    endSeconds: request.endSeconds,
    nowSeconds: Math.floor(clock.nowMs() / 1000),
    queryBackendAfterSeconds: config.search.queryBackendAfterMs / 1000,
    targetBytesPerJob: config.search.targetBytesPerJob,
  });
  let count = 0;
  const onAnswer = (answer: Answer): boolean => {
    count++;
    return work.onAnswer(answer);
  };
  const { concurrentJobs } = config.search;
  const { maxRetries } = config;
  const failure = await runJobs(
    { tenantLabel: tenants.label, queue, jobs, concurrency: concurrentJobs, maxRetries, run: work.run, onAnswer, onRetries },
    signal,
  );
  return failure ?? count;
}

function outcomeOf(ended: JobFailure | number, inspectedBytes: number, body: () => TagsBody): QueryOutcome {
  if (typeof ended !== 'number') return { kind: 'jobFailed', ...ended };
  return { kind: 'answered', answer: answerOf(body()), inspectedBytes, totalJobs: ended };
}

/** Makes the handler of `GET /api/search/tags` (v1) or `GET /api/v2/search/tags` (spec http-api §5.1). */
export function createTagNamesHandler(options: TagsHandlerOptions, version: TagsVersion): Handler {
  const { environment, runTags } = options;
  const { limits } = environment;
  return createQueryHandler(options, 'metadata', async ({ query, headers }, tenants, signal) => {
    const request = readTagNames(environment, version, query);
    const filter = parseTagFilter(request.filter, limits.maxConditionGroupsPerTagQuery);
    const { scope } = request;
    const collector = createNamesCollector(tagLimits(request, limits));
    const run = ({ tenant, block }: BlockJob, inner: AbortSignal) =>
      runTags.names(tenant, { block, scope, filter, limits: tagLimits(request, limits) }, inner);
    const onAnswer = (answer: TagNamesAnswer): boolean => {
      collector.addAnswer(answer);
      return collector.full();
    };
    const needsBlocks = scope !== 'intrinsic' && scope !== 'trace';
    const ended = needsBlocks ? await runOnBlocks(options, tenants, request, { run, onAnswer }, signal) : 0;
    const answer = withIntrinsics(collector.result(), scope, version);
    return outcomeOf(ended, answer.inspectedBytes, () => encodeTagNames(answer, version, acceptedTagsFormat(headers.accept)));
  });
}

/** Makes the handler of `GET /api/search/tag/{tagName}/values` (v1) or its v2 (spec http-api §5.2, §5.3). */
export function createTagValuesHandler(options: TagsHandlerOptions, version: TagsVersion): Handler {
  const { environment, runTags } = options;
  const { limits } = environment;
  return createQueryHandler(options, 'metadata', async ({ path, query, headers }, tenants, signal) => {
    const { request, tag = oldTag(request.tagName) } = readTagValues(environment, version, path, query);
    const filter = parseTagFilter(request.filter, limits.maxConditionGroupsPerTagQuery);
    const collector = createValuesCollector(tagLimits(request, limits));
    const run = ({ tenant, block }: BlockJob, inner: AbortSignal) =>
      runTags.values(tenant, { block, tag, filter, limits: tagLimits(request, limits) }, inner);
    const ended = await runOnBlocks(
      options,
      tenants,
      request,
      {
        run,
        onAnswer: (answer) => {
          collector.addAnswer(answer);
          return collector.full();
        },
      },
      signal,
    );
    const answer = collector.result();
    return outcomeOf(ended, answer.inspectedBytes, () => encodeTagValues(answer, version, acceptedTagsFormat(headers.accept)));
  });
}

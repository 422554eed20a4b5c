import { parseForm } from '#engine/api/form.ts';
import { isBlockJob, parseBlockPart } from '#engine/api/search-block-params.ts';
import { encodeTagNames, encodeTagValues, type TagsBody } from '#engine/api/tags-body.ts';
import type { TagsVersion } from '#engine/api/tags-params.ts';
import { AppError } from '#engine/base/errors.ts';
import type { TenantId } from '#engine/base/units.ts';
import { parseTagFilter } from '#engine/traceql/tag-filter.ts';
import type { RequestEnvironment } from '../frontend/metrics-request.ts';
import type { JobQueue } from '../frontend/queue.ts';
import { oldTag, tagLimits, withIntrinsics } from '../frontend/tags-query.ts';
import { readTagNames, readTagValues } from '../frontend/tags-request.ts';
import type { Handler, ServerRequest } from '../server/exchange.ts';
import { readTenants } from '../server/tenancy.ts';
import type { TagsRunner } from './tags-job.ts';

/** What the handlers of tag jobs need. */
export interface TagsJobHandlerOptions {
  readonly environment: RequestEnvironment;
  readonly runTags: TagsRunner;
  readonly queue: JobQueue;
  readonly multitenancyEnabled: boolean;
}

type Format = 'json' | 'protobuf';
type Work = (request: ServerRequest, tenant: TenantId, format: Format) => Promise<TagsBody>;

/** Tenancy, the queue and the format: JSON unless `Accept` is exactly `application/protobuf` (spec http-api §9.2). */
function jobHandler({ queue, multitenancyEnabled }: TagsJobHandlerOptions, work: Work): Handler {
  const tenancy = { multitenancyEnabled, multiTenantQueriesEnabled: false };
  return async (request) => {
    const { label, ids } = readTenants(request.headers['x-scope-orgid'] as string | undefined, tenancy);
    const tenant = ids[0];
    if (tenant === undefined) throw new AppError('unauthenticated', 'no org id');
    const format = request.headers.accept === 'application/protobuf' ? 'protobuf' : 'json';
    const { contentType, body } = await queue.run(label, () => work(request, tenant, format), request.signal);
    return { status: 200, headers: { 'Content-Type': contentType }, body, compressible: true };
  };
}

/** Makes the handler of `GET /querier/api/search/tags` and its v2. Without `blockID` it asks for recent data, which this process does not keep. */
export function createTagNamesJobHandler(options: TagsJobHandlerOptions, version: TagsVersion): Handler {
  const { environment, runTags } = options;
  return jobHandler(options, async ({ query, signal }, tenant, format) => {
    const request = readTagNames(environment, version, query);
    const form = parseForm(query);
    const { scope } = request;
    if (!isBlockJob(form)) return encodeTagNames(withIntrinsics({ names: new Map(), inspectedBytes: 0 }, scope, version), version, format);
    const filter = parseTagFilter(request.filter, environment.limits.maxConditionGroupsPerTagQuery);
    const limits = tagLimits(request, environment.limits);
    const answer = await runTags.names(tenant, { block: parseBlockPart(form, 'tempo'), scope, filter, limits }, signal);
    return encodeTagNames(withIntrinsics(answer, scope, version), version, format);
  });
}

/** As {@link createTagNamesJobHandler} for `GET /querier/api/search/tag/{tagName}/values` and its v2. */
export function createTagValuesJobHandler(options: TagsJobHandlerOptions, version: TagsVersion): Handler {
  const { environment, runTags } = options;
  return jobHandler(options, async ({ path, query, signal }, tenant, format) => {
    const { request, tag = oldTag(request.tagName) } = readTagValues(environment, version, path, query);
    const form = parseForm(query);
    if (!isBlockJob(form)) return encodeTagValues({ values: [], inspectedBytes: 0 }, version, format);
    const filter = parseTagFilter(request.filter, environment.limits.maxConditionGroupsPerTagQuery);
    const limits = tagLimits(request, environment.limits);
    const answer = await runTags.values(tenant, { block: parseBlockPart(form, 'tempo'), tag, filter, limits }, signal);
    return encodeTagValues(answer, version, format);
  });
}

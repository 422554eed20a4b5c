import { parseForm } from '#engine/api/form.ts';
import type { WireAnswer, WireJob } from '#engine/api/job-wire.ts';
import { isBlockJob } from '#engine/api/search-block-params.ts';
import { jobRange, type TagTenantLimits } from '#engine/api/tags-block-params.ts';
import type { TagsVersion } from '#engine/api/tags-params.ts';
import { AppError } from '#engine/base/errors.ts';
import type { TenantId } from '#engine/base/units.ts';
import { readTagNamesJob, readTagValuesJob, tagNamesWireAnswer, tagValuesWireAnswer } from '#engine/jobs/wire-tags.ts';
import type { JobQueue } from '../frontend/queue.ts';
import type { SearchEnvironment } from '../frontend/search.ts';
import { readTagNames, readTagValues } from '../frontend/tags-request.ts';
import type { Handler, ServerRequest } from '../server/exchange.ts';
import { readTenants } from '../server/tenancy.ts';
import { jobAccept, serverAnswer } from './job-exchange.ts';
import type { TagsRunner } from './tags-job.ts';

/** What the handlers of tag jobs need. */
export interface TagsJobHandlerOptions {
  readonly environment: Pick<SearchEnvironment, 'config' | 'limits' | 'clock'>;
  readonly runTags: TagsRunner;
  readonly queue: JobQueue;
  readonly multitenancyEnabled: boolean;
}

type Work = (request: ServerRequest, tenant: TenantId, accept: WireJob['accept']) => Promise<WireAnswer>;

/** Tenancy, the queue and the format: JSON unless `Accept` is exactly `application/protobuf` (spec http-api §9.2). */
function jobHandler({ queue, multitenancyEnabled }: TagsJobHandlerOptions, work: Work): Handler {
  const tenancy = { multitenancyEnabled, multiTenantQueriesEnabled: false };
  return async (request) => {
    const { label, ids } = readTenants(request.headers['x-scope-orgid'] as string | undefined, tenancy);
    const tenant = ids[0];
    if (tenant === undefined) throw new AppError('unauthenticated', 'no org id');
    return serverAnswer(await queue.run(label, () => work(request, tenant, jobAccept(request.headers)), request.signal));
  };
}

/** Limits of the tenant, where a job's URL has none. */
function tenantLimits({ environment }: TagsJobHandlerOptions, tenant: TenantId): TagTenantLimits {
  const { maxBytesPerTagValuesQuery: maxBytes, maxConditionGroupsPerTagQuery: maxConditionGroups } = environment.limits(tenant);
  return { maxBytes, maxConditionGroups };
}

/** Makes the handler of `GET /querier/api/search/tags` and its v2. Without `blockID` it asks for recent data, which this process does not keep. */
export function createTagNamesJobHandler(options: TagsJobHandlerOptions, version: TagsVersion): Handler {
  const { environment, runTags } = options;
  return jobHandler(options, async ({ query, signal }, tenant, accept) => {
    if (!isBlockJob(parseForm(query))) {
      const { scope } = readTagNames({ ...environment, limits: environment.limits(tenant) }, version, query);
      return tagNamesWireAnswer({ names: new Map(), inspectedBytes: 0 }, scope, version, accept);
    }
    const job = { ...readTagNamesJob(query, version, tenantLimits(options, tenant)), ...jobRange(query) };
    return tagNamesWireAnswer(await runTags.names(tenant, job, signal), job.scope, version, accept);
  });
}

/** As {@link createTagNamesJobHandler} for `GET /querier/api/search/tag/{tagName}/values` and its v2. */
export function createTagValuesJobHandler(options: TagsJobHandlerOptions, version: TagsVersion): Handler {
  const { environment, runTags } = options;
  return jobHandler(options, async ({ path, query, signal }, tenant, accept) => {
    if (!isBlockJob(parseForm(query))) {
      readTagValues({ ...environment, limits: environment.limits(tenant) }, version, path, query);
      return tagValuesWireAnswer({ values: [], inspectedBytes: 0 }, version, accept);
    }
    const job = { ...readTagValuesJob(path, query, version, tenantLimits(options, tenant)), ...jobRange(query) };
    return tagValuesWireAnswer(await runTags.values(tenant, job, signal), version, accept);
  });
}

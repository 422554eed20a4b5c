import { noTraces } from '#engine/api/encoded-traces.ts';
import { parseForm } from '#engine/api/form.ts';
import { isBlockJob, parseSearchBlockParams } from '#engine/api/search-block-params.ts';
import { noMetrics } from '#engine/api/search-body-decode.ts';
import { AppError } from '#engine/base/errors.ts';
import { searchWireAnswer } from '#engine/jobs/wire-search.ts';
import type { JobQueue } from '../frontend/queue.ts';
import type { Handler } from '../server/exchange.ts';
import { readTenants } from '../server/tenancy.ts';
import type { RunJob } from './job.ts';
import { jobAccept, serverAnswer } from './job-exchange.ts';

/**
 * Makes the handler of `GET /querier/api/search`: what a frontend sends (spec http-api §9.2). JSON unless `Accept` is exactly `application/protobuf`. Without
 * `blockID` it asks for recent data, which this process does not keep: nothing is found.
 */
export function createJobHandler(options: {
  readonly runJob: RunJob;
  readonly queue: JobQueue;
  readonly multitenancyEnabled: boolean;
}): Handler {
  const tenancy = { multitenancyEnabled: options.multitenancyEnabled, multiTenantQueriesEnabled: false };
  return async ({ headers, query, signal }) => {
    const { label, ids } = readTenants(headers['x-scope-orgid'] as string | undefined, tenancy);
    const tenant = ids[0];
    if (tenant === undefined) throw new AppError('unauthenticated', 'no org id');
    const format = jobAccept(headers) === 'application/protobuf' ? 'protobuf' : 'json';
    if (!isBlockJob(parseForm(query))) return serverAnswer(searchWireAnswer({ traces: noTraces(format), metrics: noMetrics }));
    const run = () => options.runJob({ tenant, request: parseSearchBlockParams(query, 'tempo'), format }, signal);
    return serverAnswer(searchWireAnswer(await options.queue.run(label, run, signal)));
  };
}

import { parseForm } from '#engine/api/form.ts';
import type { WireAnswer, WireJob } from '#engine/api/job-wire.ts';
import { parseMetricsBlockParams } from '#engine/api/metrics-block-params.ts';
import { isBlockJob } from '#engine/api/search-block-params.ts';
import { AppError } from '#engine/base/errors.ts';
import { metricsWireAnswer } from '#engine/jobs/wire-metrics.ts';
import type { JobQueue } from '../frontend/queue.ts';
import type { Handler } from '../server/exchange.ts';
import { readTenants } from '../server/tenancy.ts';
import { jobAccept, serverAnswer } from './job-exchange.ts';
import type { RunMetricsJob } from './metrics-job.ts';

/**
 * Makes the handler of `GET /querier/api/metrics/query_range`: what a frontend sends (spec read-path §5.3). Without `blockID` it asks for recent
 * data, which this process does not keep: nothing is found.
 */
export function createMetricsJobHandler(options: {
  readonly runMetricsJob: RunMetricsJob;
  readonly queue: JobQueue;
  readonly multitenancyEnabled: boolean;
}): Handler {
  const tenancy = { multitenancyEnabled: options.multitenancyEnabled, multiTenantQueriesEnabled: false };
  return async ({ headers, query, signal }) => {
    const { label, ids } = readTenants(headers['x-scope-orgid'] as string | undefined, tenancy);
    const tenant = ids[0];
    if (tenant === undefined) throw new AppError('unauthenticated', 'no org id');
    const accept = jobAccept(headers);
    if (!isBlockJob(parseForm(query))) return serverAnswer(nothingFound(accept));
    const request = parseMetricsBlockParams(query);
    const found = await options.queue.run(label, () => options.runMetricsJob({ tenant, request }, signal), signal);
    return serverAnswer(metricsWireAnswer(request.query, found, accept));
  };
}

function nothingFound(accept: WireJob['accept']): WireAnswer {
  const body = accept === 'application/protobuf' ? Uint8Array.of(0x12, 0) : Buffer.from('{"series":[],"metrics":{}}');
  return { status: 200, contentType: accept, body };
}

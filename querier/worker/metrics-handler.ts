import { parseForm } from '#engine/api/form.ts';
import { parseMetricsBlockParams } from '#engine/api/metrics-block-params.ts';
import { encodeMetricsBody } from '#engine/api/metrics-body.ts';
import { isBlockJob } from '#engine/api/search-block-params.ts';
import { AppError } from '#engine/base/errors.ts';
import { wireSeries } from '#engine/jobs/metrics-wire.ts';
import type { JobQueue } from '../frontend/queue.ts';
import type { Handler } from '../server/exchange.ts';
import { readTenants } from '../server/tenancy.ts';
import type { RunMetricsJob } from './metrics-job.ts';

/**
 * Makes the handler of `GET /querier/api/metrics/query_range`: what a frontend sends (spec read-path §5.3), answered in JSON. Without `blockID` it asks for recent
 * data, which this process does not keep: nothing is found.
 */
export function createMetricsJobHandler(options: {
  readonly runMetricsJob: RunMetricsJob;
  readonly queue: JobQueue;
  readonly multitenancyEnabled: boolean;
}): Handler {
  const tenancy = { multitenancyEnabled: options.multitenancyEnabled, multiTenantQueriesEnabled: false };
  const answer = (body: Uint8Array | string) => ({
    status: 200,
    headers: { 'Content-Type': 'application/json' },
    body,
    compressible: true,
  });
  return async ({ headers, query, signal }) => {
    const { label, ids } = readTenants(headers['x-scope-orgid'] as string | undefined, tenancy);
    const tenant = ids[0];
    if (tenant === undefined) throw new AppError('unauthenticated', 'no org id');
    if (!isBlockJob(parseForm(query))) return answer('{"series":[],"metrics":{}}');
    const request = parseMetricsBlockParams(query);
    const found = await options.queue.run(label, () => options.runMetricsJob({ tenant, request }, signal), signal);
    const { grid, inspectedBytes, inspectedSpans } = found;
    const series = wireSeries(request.query, found);
    return answer(encodeMetricsBody({ grid, instant: false, series, metrics: { inspectedBytes, inspectedSpans } }));
  };
}

import { encodeTraceAnswer, noTrace, type TraceVersion } from '#engine/api/trace-answer.ts';
import { parseTraceId, parseTraceParams } from '#engine/api/trace-params.ts';
import { AppError } from '#engine/base/errors.ts';
import type { JobQueue } from '../frontend/queue.ts';
import type { Handler } from '../server/exchange.ts';
import { readTenants } from '../server/tenancy.ts';
import type { RunTraceJob } from './trace-job.ts';

/**
 * Makes the handler of `GET /querier/api/traces/{id}` and its v2: what a frontend sends (spec http-api §9.2). JSON unless `Accept` is exactly
 * `application/protobuf`. Mode `ingesters` asks for recent data, which this process does not keep: nothing is found.
 */
export function createTraceJobHandler(options: {
  readonly version: TraceVersion;
  readonly runTraceJob: RunTraceJob;
  readonly queue: JobQueue;
  readonly maxBytesPerTrace: number;
  readonly multitenancyEnabled: boolean;
}): Handler {
  const { version, runTraceJob, queue, maxBytesPerTrace } = options;
  const tenancy = { multitenancyEnabled: options.multitenancyEnabled, multiTenantQueriesEnabled: false };
  return async ({ path, headers, query, signal }) => {
    const { label, ids } = readTenants(headers['x-scope-orgid'] as string | undefined, tenancy);
    const tenant = ids[0];
    if (tenant === undefined) throw new AppError('unauthenticated', 'no org id');
    const job = { tenant, traceId: parseTraceId(path), params: parseTraceParams(query), version };
    if (job.params.mode === 'external') throw new AppError('bad_request', 'external mode is not enabled');
    const answer = job.params.mode === 'ingesters' ? noTrace : await queue.run(label, () => runTraceJob(job, signal), signal);
    const format = headers.accept === 'application/protobuf' ? 'protobuf' : 'json';
    const encoded = encodeTraceAnswer(answer, { version, format, maxBytes: maxBytesPerTrace });
    if (encoded === undefined) {
      return { status: 404, headers: { 'Content-Type': 'application/json' }, body: '{"metrics":{}}', compressible: true };
    }
    return { status: 200, headers: { 'Content-Type': encoded.contentType }, body: encoded.body, compressible: true };
  };
}

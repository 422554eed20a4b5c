import { parseForm } from '#engine/api/form.ts';
import { isBlockJob } from '#engine/api/search-block-params.ts';
import { noTrace, type TraceAnswer, type TraceVersion } from '#engine/api/trace-answer.ts';
import { parseTraceBlockParams, type TraceBlockRequest } from '#engine/api/trace-block-params.ts';
import { parseTraceId, parseTraceParams } from '#engine/api/trace-params.ts';
import { AppError } from '#engine/base/errors.ts';
import { traceWireAnswer } from '#engine/jobs/wire-trace.ts';
import type { LimitsOf } from '../config/limits.ts';
import type { JobQueue } from '../frontend/queue.ts';
import type { Handler } from '../server/exchange.ts';
import { readTenants } from '../server/tenancy.ts';
import { jobAccept, serverAnswer } from './job-exchange.ts';
import type { RunTraceJob, TraceJob } from './trace-job.ts';

/**
 * Makes the handler of `GET /querier/api/traces/{id}` and its v2: what a frontend sends (spec http-api §9.2). JSON unless `Accept` is exactly
 * `application/protobuf`. Mode `ingesters` asks for recent data, which this process does not keep: nothing is found.
 */
export function createTraceJobHandler(options: {
  readonly version: TraceVersion;
  readonly runTraceJob: RunTraceJob;
  /** Looks in the one block that a job names, an addition to Tempo's jobs. */
  readonly lookUpInBlock: (job: TraceJob, request: TraceBlockRequest, signal: AbortSignal) => Promise<TraceAnswer>;
  readonly queue: JobQueue;
  readonly limits: LimitsOf;
  readonly multitenancyEnabled: boolean;
}): Handler {
  const { version, runTraceJob, queue, limits } = options;
  const tenancy = { multitenancyEnabled: options.multitenancyEnabled, multiTenantQueriesEnabled: false };
  return async ({ path, headers, query, signal }) => {
    const { label, ids } = readTenants(headers['x-scope-orgid'] as string | undefined, tenancy);
    const tenant = ids[0];
    if (tenant === undefined) throw new AppError('unauthenticated', 'no org id');
    const job = { tenant, traceId: parseTraceId(path), params: parseTraceParams(query), version };
    if (job.params.mode === 'external') throw new AppError('bad_request', 'external mode is not enabled');
    const { maxBytesPerTrace } = limits(tenant);
    const accept = jobAccept(headers);
    const respond = (answer: TraceAnswer, maxBytes: number) => serverAnswer(traceWireAnswer(answer, { version, accept, maxBytes }));
    if (isBlockJob(parseForm(query))) {
      const request = parseTraceBlockParams(query, maxBytesPerTrace);
      const run = () => options.lookUpInBlock(job, request, signal);
      return respond(await queue.run(label, run, signal), request.maxBytes);
    }
    const answer = job.params.mode === 'ingesters' ? noTrace : await queue.run(label, () => runTraceJob(job, signal), signal);
    return respond(answer, maxBytesPerTrace);
  };
}

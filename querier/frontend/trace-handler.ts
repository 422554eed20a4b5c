import { createTraceCombiner, encodeTraceAnswer, type TraceFormat, type TraceVersion } from '#engine/api/trace-answer.ts';
import { parseTraceId, parseTraceParams, type TraceParams } from '#engine/api/trace-params.ts';
import type { Handler } from '../server/exchange.ts';
import type { Tenants } from '../server/tenancy.ts';
import type { RunTraceJob, TraceJob } from '../worker/trace-job.ts';
import { inOrder, numbered } from './in-order.ts';
import { createQueryHandler, type QueryHandlerOptions } from './query-handler.ts';
import { queryLimits } from './query-limits.ts';
import { traceLog } from './query-log.ts';
import { plainWeight, traceWeight } from './query-weight.ts';
import { type JobFailure, runJobs } from './run-jobs.ts';
import type { SearchEnvironment } from './search.ts';
import { shardBlockIds } from './trace-sharder.ts';

/** What {@link createTraceHandler} needs. */
export interface TraceHandlerOptions extends QueryHandlerOptions {
  readonly environment: Pick<SearchEnvironment, 'config' | 'limits' | 'clock' | 'queue' | 'onRetries' | 'recent'>;
  readonly runTraceJob: RunTraceJob;
}

/** A substring test, in this order; anything else is JSON (spec http-api §2). */
function acceptedTraceFormat(accept = ''): TraceFormat {
  if (accept.includes('application/protobuf')) return 'protobuf';
  if (accept.includes('application/json')) return 'json';
  return accept.includes('application/vnd.grafana.llm') ? 'llm' : 'json';
}

/** One job over recent data where somebody keeps some, and jobs over all blocks of the tenants, none where only recent data is asked for. */
function* traceJobs(
  tenants: Tenants,
  traceId: Uint8Array,
  params: TraceParams,
  version: TraceVersion,
  queryShards: number,
  recent: boolean,
): Generator<TraceJob, void, void> {
  if (recent && params.mode !== 'blocks') {
    for (const tenant of tenants.ids) yield { tenant, traceId, params: { ...params, mode: 'ingesters' }, version };
  }
  if (params.mode === 'ingesters' || params.mode === 'external') return;
  // The last tenant first: where tenants have copies of a span that differ, Tempo 3.0.3 was seen to keep the last one's.
  for (const tenant of tenants.ids.toReversed()) {
    for (const range of shardBlockIds(queryShards)) yield { tenant, traceId, params: { ...params, ...range, mode: 'blocks' }, version };
  }
}

/** Makes the handler of `GET /api/traces/{traceID}` (v1) or `GET /api/v2/traces/{traceID}` (spec http-api §3, read-path §2). */
export function createTraceHandler(options: TraceHandlerOptions, version: TraceVersion): Handler {
  const { environment, runTraceJob } = options;
  const { config, queue, onRetries, recent } = environment;
  const { queryShards, concurrentShards } = config.traceById;
  return createQueryHandler(options, { op: 'traces', name: 'trace id' }, async (request, tenants, signal, tell) => {
    const traceId = parseTraceId(request.path);
    const params = parseTraceParams(request.query);
    tell(traceLog(version, request.path, request.target));
    const { maxBytesPerTrace: maxBytes } = queryLimits(environment.limits, config, tenants.ids);
    const combiner = createTraceCombiner({ maxBytes, allowPartial: version === 2 });
    // Of copies that differ the first counts (spec read-path §2.3): the first in the order of jobs, not the one that came first.
    const add = inOrder(combiner.add);
    let totalJobs = 0;
    const failure: JobFailure | undefined = await runJobs(
      {
        tenantLabel: tenants.label,
        weight: config.weights.requestWithWeights ? traceWeight : plainWeight,
        queue,
        jobs: numbered(traceJobs(tenants, traceId, params, version, queryShards, recent !== undefined)),
        concurrency: concurrentShards > 0 ? Math.min(concurrentShards, queryShards) : queryShards,
        maxRetries: config.maxRetries,
        run: ({ value: job }, inner) => {
          const isRecent = recent !== undefined && job.params.mode === 'ingesters';
          return isRecent ? recent.trace(job.tenant, traceId, version, maxBytes, inner) : runTraceJob(job, inner);
        },
        onAnswer: (answer, { number }) => {
          totalJobs++;
          add(number, answer);
          return false;
        },
        onRetries,
      },
      signal,
    );
    if (failure !== undefined) return { kind: 'jobFailed', ...failure };
    const answer = combiner.result();
    const format = acceptedTraceFormat(request.headers.accept);
    const encoded = encodeTraceAnswer(answer, { version, format, maxBytes });
    const cost = { inspectedBytes: answer.inspectedBytes, totalJobs };
    if (encoded === undefined) {
      return { kind: 'answered', answer: { status: 404, headers: {}, body: '', compressible: true }, cost };
    }
    const { contentType, body } = encoded;
    return {
      kind: 'answered',
      answer: { status: 200, headers: { 'Content-Type': contentType }, body, compressible: true },
      cost,
    };
  });
}

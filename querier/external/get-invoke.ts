import { transcode } from '#engine/api/encoded-traces.ts';
import type { WireAnswer, WireJob } from '#engine/api/job-wire.ts';
import { encodeSearchAnswer } from '#engine/api/search-body.ts';
import { decodeSearchAnswer } from '#engine/api/search-body-decode.ts';
import type { Clock } from '#engine/base/clock.ts';
import { toAppError } from '#engine/base/errors.ts';
import type { LimitsOf } from '../config/limits.ts';
import type { Endpoint } from './endpoints.ts';
import type { HttpGet } from './http-get.ts';
import type { HttpAnswer } from './http-send.ts';
import type { CallCost, Invoke, JobFailed, JobOutcome } from './invoke.ts';
import { parseRetryAfter } from './status-failure.ts';

/** What {@link createGetInvoke} needs. */
export interface GetInvokeOptions {
  readonly endpoint: Endpoint;
  readonly httpGet: HttpGet;
  /** `max_bytes_per_trace` is sent along. */
  readonly limits: LimitsOf;
  readonly clock: Pick<Clock, 'nowMs' | 'monotonicMs'>;
}

/** Longest part of a body that an error shows. */
const shownBytes = 2048;

function shown(body: Buffer): string {
  return body.subarray(0, shownBytes).toString('utf8');
}

function failed(reason: JobFailed['reason'], message: string): JobFailed {
  return { kind: 'failed', reason, code: reason === 'too_large' ? reason : 'internal', message, retryable: true };
}

/**
 * What a status other than 200 means. Where an answer is too large our functions say 413; of Tempo's behind an Application Load Balancer the balancer says 502, which
 * it also does when the function has crashed: the job fails with a guess.
 */
function failureOf({ status, headers, body }: HttpAnswer, nowMs: number): JobFailed {
  const message = `external endpoint returned ${status}, ${shown(body).trimEnd()}`;
  if (status === 413) return failed('too_large', message);
  if (status === 502 && String(headers.server).startsWith('awselb')) return { ...failed('job_error', message), code: 'too_large' };
  if (status !== 429) return failed('server_error', message);
  const retryAfterMs = parseRetryAfter(headers['retry-after'], nowMs);
  return retryAfterMs === undefined ? failed('throttled', message) : { ...failed('throttled', message), retryAfterMs };
}

/** A function's answer, read strictly as Tempo does: unknown members are errors (spec serverless §5). */
function readAnswer(received: HttpAnswer, job: WireJob, nowMs: number, durationMs: number): JobOutcome {
  const { status, body } = received;
  if (status !== 200) return failureOf(received, nowMs);
  try {
    const answer = decodeSearchAnswer(body, 'json', { strict: true });
    const format = job.accept === 'application/json' ? 'json' : 'protobuf';
    const traces = transcode(answer.traces, format);
    const encoded = encodeSearchAnswer({ ...answer, traces }, { emptyTraces: true, rootPlaceholder: false });
    const wire: WireAnswer = {
      status: 200,
      contentType: encoded.contentType,
      body: typeof encoded.body === 'string' ? Buffer.from(encoded.body) : encoded.body,
    };
    return { kind: 'answered', answer: wire, cost: { bytesRead: answer.metrics.inspectedBytes, gets: 0, durationMs } };
  } catch (thrown) {
    return failed('bad_answer', `external endpoint failed to unmarshal body: ${shown(body)}: ${toAppError(thrown).message}`);
  }
}

/** Calls an endpoint that knows Tempo's protocol only: `GET <endpoint>?<block search>&maxBytes=…`, one search a call (spec serverless §2, §5). */
export function createGetInvoke({ endpoint, httpGet, limits, clock }: GetInvokeOptions): Invoke {
  return async ({ jobs }, signal) => {
    const job = jobs[0]!;
    const startedMs = clock.monotonicMs();
    const cost: CallCost = { requests: 1, billedMs: undefined, memoryMb: undefined, coldStart: false };
    const query = `${job.url.slice(job.url.indexOf('?') + 1)}&maxBytes=${limits(job.tenant).maxBytesPerTrace}`;
    try {
      const answer = await httpGet(endpoint, query, { 'X-Scope-OrgID': job.tenant, 'User-Agent': 'rubato' }, signal);
      return { outcomes: [readAnswer(answer, job, clock.nowMs(), clock.monotonicMs() - startedMs)], cost };
    } catch (thrown) {
      const error = toAppError(thrown);
      if (signal.aborted) throw error;
      return { outcomes: [{ ...failed('transport', error.message), code: error.code }], cost };
    }
  };
}

import { transcode } from '#engine/api/encoded-traces.ts';
import type { SearchAnswer } from '#engine/api/search-answer.ts';
import { printSearchBlockParams } from '#engine/api/search-block-params.ts';
import { decodeSearchAnswer } from '#engine/api/search-body-decode.ts';
import type { Clock } from '#engine/base/clock.ts';
import { AppError, toAppError } from '#engine/base/errors.ts';
import { hedge } from '#engine/base/hedge.ts';
import type { LimitsOf } from '../config/limits.ts';
import type { Job } from '../worker/job.ts';
import { chooseEndpoints, type Endpoint } from './endpoints.ts';
import type { HttpAnswer, HttpGet } from './http-get.ts';

/** A function's answer and how it came. */
export interface ExternalAnswer {
  readonly answer: SearchAnswer;
  readonly endpoint: string;
  /** Requests sent besides the first. */
  readonly hedges: number;
}

/** What {@link createExternalSearch} needs. */
export interface ExternalSearchOptions {
  /** At least one. */
  readonly endpoints: readonly Endpoint[];
  /** 0: no hedging. */
  readonly hedgeAtMs: number;
  /** Requests in total. */
  readonly hedgeUpTo: number;
  /** For `max_bytes_per_trace`, which is sent along. */
  readonly limits: LimitsOf;
  readonly httpGet: HttpGet;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** Told after each call: requests besides the first, and whether one of those answered. */
  readonly onHedged: (hedges: number, won: boolean) => void;
}

/** Longest part of a body that an error shows. */
const shownBytes = 2048;

function shown(body: Buffer): string {
  return body.subarray(0, shownBytes).toString('utf8');
}

/** A function's answer, read strictly as Tempo does: unknown members are errors (spec serverless §5). */
function readAnswer({ status, body }: HttpAnswer): SearchAnswer {
  if (status !== 200) throw new AppError('internal', `external endpoint returned ${status}, ${shown(body).trimEnd()}`);
  try {
    return decodeSearchAnswer(body, 'json', { strict: true });
  } catch (thrown) {
    const reason = toAppError(thrown).message;
    throw new AppError('internal', `external endpoint failed to unmarshal body: ${shown(body)}: ${reason}`, { cause: thrown });
  }
}

/**
 * Searches through a function by the tempo-serverless protocol (spec serverless §2, §5): `GET <endpoint>?<block search>&maxBytes=…`, hedged (spec read-path
 * §6.2: any status counts as an answer). Unlike Tempo's, calls end with the query: the signal aborts them, and hedges go to other endpoints.
 */
export function createExternalSearch(options: ExternalSearchOptions): (job: Job, signal: AbortSignal) => Promise<ExternalAnswer> {
  const { endpoints, httpGet, clock } = options;
  return async (job, signal) => {
    const query = printSearchBlockParams(job.request, options.limits(job.tenant).maxBytesPerTrace);
    const headers = { 'X-Scope-OrgID': job.tenant, 'User-Agent': 'rubato' };
    const endpointOf = chooseEndpoints(endpoints, options.random);
    const call = (attempt: number, inner: AbortSignal) => httpGet(endpointOf(attempt), query, headers, inner);
    const { value, attempt, started } = await hedge(call, { afterMs: options.hedgeAtMs, upTo: options.hedgeUpTo, clock, signal });
    options.onHedged(started - 1, attempt > 0);
    const answer = readAnswer(value);
    const traces = transcode(answer.traces, job.format);
    return { answer: { ...answer, traces }, endpoint: endpointOf(attempt).url, hedges: started - 1 };
  };
}

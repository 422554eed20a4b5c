import { transcode } from '#engine/api/encoded-traces.ts';
import type { JobKind, SendJob, WireAnswer, WireJob } from '#engine/api/job-wire.ts';
import { decodeMetricsBody } from '#engine/api/metrics-body-decode.ts';
import { decodeSearchAnswer } from '#engine/api/search-body-decode.ts';
import { errorCodeOfStatus } from '#engine/api/status.ts';
import type { TagNamesAnswer } from '#engine/api/tags-answer.ts';
import { decodeTagNames, decodeTagValues } from '#engine/api/tags-body-decode.ts';
import { noTrace } from '#engine/api/trace-answer.ts';
import { decodeTraceAnswer } from '#engine/api/trace-answer-decode.ts';
import { AppError, toAppError } from '#engine/base/errors.ts';
import { answerFromWire } from '#engine/jobs/metrics-wire.ts';
import { traceContext } from '../telemetry/tracing.ts';
import { jobUrl } from './job.ts';
import { metricsJobUrl, tagNamesJobUrl, tagValuesJobUrl } from './job-urls.ts';
import type { Runners } from './runners.ts';
import { traceJobUrl } from './trace-job.ts';

/** What {@link createWireRunners} needs besides the way to send. */
export interface WireRunnersOptions {
  /** `http_api_prefix`: stands behind `/querier` in every path. */
  readonly httpApiPrefix: string;
}

type Format = 'json' | 'protobuf';

const protobuf = 'application/protobuf';

/** Longest part of a body that an error shows. */
const shownBytes = 2048;

/** The text of a refusal: queriers end it with a line end, which frontends add again. */
function refusalOf({ body }: WireAnswer): string {
  return Buffer.from(body.buffer, body.byteOffset, Math.min(body.length, shownBytes)).toString().replace(/\n$/, '');
}

/** Passes on what a job was refused with: status and text decide what becomes of the query (spec read-path §3.5, §9.3). */
export function refused(answer: WireAnswer): AppError {
  return new AppError(errorCodeOfStatus(answer.status), refusalOf(answer));
}

/** The content type decides, whatever was asked for; without one it is JSON (spec read-path §9.3). */
function formatOf({ contentType }: WireAnswer): Format {
  return contentType.startsWith(protobuf) ? 'protobuf' : 'json';
}

/** Reads an answer by its content type. Throws `internal` where it cannot be read. */
export function decodeAnswer<Answer>(answer: WireAnswer, decode: (body: Uint8Array, format: Format) => Answer): Answer {
  try {
    return decode(answer.body, formatOf(answer));
  } catch (thrown) {
    throw new AppError('internal', `error unmarshalling response body: ${toAppError(thrown).message}`, { cause: thrown });
  }
}

/** Intrinsics do not depend on blocks: the frontend adds them, whoever has answered. */
export function withoutIntrinsics({ names, inspectedBytes }: TagNamesAnswer): TagNamesAnswer {
  return { names: new Map([...names].filter(([scope]) => scope !== 'intrinsic')), inspectedBytes };
}

/**
 * Runs jobs by sending them on: to a querier over the worker protocol, to a function, to anything that serves the querier's API, ours or a real Tempo's. Rejects
 * with the code of the status and the text of the body when a job is refused, with `internal` when its answer cannot be read. A trace job's 404 is an empty answer.
 */
export function createWireRunners(send: SendJob, { httpApiPrefix }: WireRunnersOptions): Runners {
  const ask = async (kind: JobKind, job: Omit<WireJob, 'kind' | 'accept'>, accept: WireJob['accept'], signal: AbortSignal) => {
    const answer = await send({ kind, accept, ...job, ...traceContext() }, signal);
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw refused(answer);
  };
  return {
    search: async (job, signal) => {
      const accept = job.format === 'json' ? 'application/json' : protobuf;
      const answer = await ask('search', { tenant: job.tenant, url: jobUrl(job, httpApiPrefix) }, accept, signal);
      const { traces, metrics } = decodeAnswer(answer, decodeSearchAnswer);
      return { traces: transcode(traces, job.format), metrics };
    },
    metrics: async (job, signal) => {
      const answer = await ask('metrics', { tenant: job.tenant, url: metricsJobUrl(job, httpApiPrefix) }, protobuf, signal);
      return decodeAnswer(answer, (body, format) => answerFromWire(job.request, decodeMetricsBody(body, format)));
    },
    tags: {
      names: async (tenant, job, signal) => {
        const answer = await ask('tag-names', { tenant, url: tagNamesJobUrl(job, httpApiPrefix) }, protobuf, signal);
        return withoutIntrinsics(decodeAnswer(answer, (body, format) => decodeTagNames(body, 2, format)));
      },
      values: async (tenant, job, signal) => {
        const answer = await ask('tag-values', { tenant, url: tagValuesJobUrl(job, httpApiPrefix) }, protobuf, signal);
        return decodeAnswer(answer, (body, format) => decodeTagValues(body, 2, format));
      },
    },
    trace: async (job, signal) => {
      const url = traceJobUrl(job, httpApiPrefix);
      const answer = await send({ kind: 'trace', tenant: job.tenant, url, accept: protobuf, ...traceContext() }, signal);
      if (answer.status === 404) return noTrace;
      if (answer.status < 200 || answer.status >= 300) throw refused(answer);
      return decodeAnswer(answer, (body, format) => decodeTraceAnswer(body, job.version, format));
    },
  };
}

import { transcode } from '#engine/api/encoded-traces.ts';
import { printForm } from '#engine/api/form.ts';
import type { SendJob, WireAnswer, WireJob } from '#engine/api/job-wire.ts';
import { decodeMetricsBody } from '#engine/api/metrics-body-decode.ts';
import type { MetricsRange } from '#engine/api/metrics-request.ts';
import { decodeSearchAnswer } from '#engine/api/search-body-decode.ts';
import { printSearchParams } from '#engine/api/search-params.ts';
import { decodeTagNames, decodeTagValues } from '#engine/api/tags-body-decode.ts';
import type { TagNamesRequest, TagValuesRequest } from '#engine/api/tags-params.ts';
import { noTrace } from '#engine/api/trace-answer.ts';
import { decodeTraceAnswer } from '#engine/api/trace-answer-decode.ts';
import { printGoDuration } from '#engine/base/duration.ts';
import { answerFromWire } from '#engine/jobs/metrics-wire.ts';
import { decodeAnswer, refused, withoutIntrinsics } from '../worker/wire-runners.ts';
import type { RecentData } from './recent-data.ts';

const protobuf = 'application/protobuf';

function tagPairs({ filter, startSeconds, endSeconds, limit, maxStaleValues }: TagNamesRequest | TagValuesRequest): [string, string][] {
  const pairs: [string, string][] = [
    ['start', `${startSeconds}`],
    ['end', `${endSeconds}`],
  ];
  if (filter !== '') pairs.push(['q', filter]);
  if (limit > 0) pairs.push(['limit', `${limit}`]);
  if (maxStaleValues > 0) pairs.push(['maxStaleValues', `${maxStaleValues}`]);
  return pairs;
}

function metricsQuery({ query, startNanos, endNanos, stepNanos, instant, exemplars, maxSeries }: MetricsRange): string {
  return printForm([
    ['q', query],
    ['start', `${startNanos}`],
    ['end', `${endNanos}`],
    ['step', printGoDuration(stepNanos)],
    ['mode', 'recent'],
    ['exemplars', `${exemplars}`],
    ['maxSeries', `${maxSeries}`],
    ...(instant ? [['instant', 'true'] as const] : []),
  ]);
}

/** Recent data through queriers, which know the live-stores: jobs without a block (spec read-path §2.1, §3.2, §5.3). Errors as those of other jobs. */
export function createRecentWire(send: SendJob, httpApiPrefix: string): RecentData {
  const base = `/querier${httpApiPrefix}/api`;
  const ask = async (job: WireJob, signal: AbortSignal): Promise<WireAnswer> => {
    const answer = await send(job, signal);
    if (answer.status < 200 || answer.status >= 300) throw refused(answer);
    return answer;
  };
  return {
    search: async (tenant, request, format, signal) => {
      const accept = format === 'json' ? 'application/json' : protobuf;
      const answer = await ask({ kind: 'search', tenant, url: `${base}/search?${printSearchParams(request)}`, accept }, signal);
      const { traces, metrics } = decodeAnswer(answer, decodeSearchAnswer);
      return { traces: transcode(traces, format), metrics };
    },
    tagNames: async (tenant, request, _limits, signal) => {
      const scope: [string, string][] = request.scope === 'none' ? [] : [['scope', request.scope]];
      const url = `${base}/v2/search/tags?${printForm([...scope, ...tagPairs(request)])}`;
      const answer = await ask({ kind: 'tag-names', tenant, url, accept: protobuf }, signal);
      return withoutIntrinsics(decodeAnswer(answer, (body, format) => decodeTagNames(body, 2, format)));
    },
    tagValues: async (tenant, name, request, _limits, signal) => {
      const url = `${base}/v2/search/tag/${encodeURIComponent(name)}/values?${printForm(tagPairs(request))}`;
      const answer = await ask({ kind: 'tag-values', tenant, url, accept: protobuf }, signal);
      return decodeAnswer(answer, (body, format) => decodeTagValues(body, 2, format));
    },
    trace: async (tenant, traceId, version, _maxBytes, signal) => {
      const url = `${base}/${version === 2 ? 'v2/' : ''}traces/${Buffer.from(traceId).toString('hex')}?mode=ingesters`;
      const answer = await send({ kind: 'trace', tenant, url, accept: protobuf }, signal);
      if (answer.status === 404) return noTrace;
      if (answer.status < 200 || answer.status >= 300) throw refused(answer);
      return decodeAnswer(answer, (body, format) => decodeTraceAnswer(body, version, format));
    },
    metrics: async (tenant, range, signal) => {
      const url = `${base}/metrics/query_range?${metricsQuery(range)}`;
      const answer = await ask({ kind: 'metrics', tenant, url, accept: protobuf }, signal);
      return decodeAnswer(answer, (body, format) => answerFromWire(range, decodeMetricsBody(body, format)));
    },
  };
}

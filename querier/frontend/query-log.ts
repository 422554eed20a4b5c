import type { LogValue } from '../telemetry/log.ts';
import { throughput } from './slo.ts';

/** A line of the log: its `msg` and what follows, in this order. */
export interface LogLine {
  readonly message: string;
  readonly fields: Readonly<Record<string, LogValue>>;
}

/** What a query took, as far as its kind counts it. */
export interface QueryCost {
  readonly inspectedBytes: number;
  readonly totalJobs: number;
  readonly totalBlocks?: number | undefined;
  readonly totalBlockBytes?: number | undefined;
  readonly completedJobs?: number | undefined;
  readonly inspectedTraces?: number | undefined;
  readonly inspectedSpans?: number | undefined;
  /** Of metrics: series of the answer, and why it is only a part. */
  readonly series?: number | undefined;
  readonly partialMessage?: string | undefined;
}

/** How a query ended. */
export interface QueryEnd {
  readonly tenant: string;
  /** Of our own trace; '' where there is none. */
  readonly traceId: string;
  readonly durationMs: number;
  readonly status: number;
  readonly error: string | undefined;
  /** Absent where there is no answer. */
  readonly cost: QueryCost | undefined;
}

/** What the log says of a query that could be read (spec metrics §7). */
export interface QueryLog {
  readonly asked: (tenant: string) => LogLine;
  readonly ended: (end: QueryEnd) => LogLine;
  /** The request as it was understood: its path, and the query string with the range in force. */
  readonly url: string;
}

const seconds = (durationMs: number) => durationMs / 1000;
const errorText = ({ error }: QueryEnd) => error ?? 'null';

function read({ cost, durationMs }: QueryEnd): { readonly inspected_bytes: number; readonly request_throughput: number } {
  const { inspectedBytes = 0 } = cost ?? {};
  return { inspected_bytes: inspectedBytes, request_throughput: throughput(inspectedBytes, durationMs) };
}

/** The counts that lines of searches and metrics have in common. */
function counts(end: QueryEnd): LogLine['fields'] {
  const { cost } = end;
  const { inspected_bytes, request_throughput } = read(end);
  return {
    duration_seconds: seconds(end.durationMs),
    request_throughput,
    total_requests: cost?.totalJobs ?? 0,
    total_blockBytes: cost?.totalBlockBytes ?? 0,
    total_blocks: cost?.totalBlocks ?? 0,
    completed_requests: cost?.completedJobs ?? 0,
    inspected_bytes,
    inspected_traces: cost?.inspectedTraces ?? 0,
    inspected_spans: cost?.inspectedSpans ?? 0,
  };
}

/** The path and the query string with another range; `since` has been resolved. */
export function rangeUrl(path: string, query: string, start: number | bigint, end: number | bigint): string {
  const others = query.split('&').filter((pair) => pair !== '' && !/^(start|end|since)=/.test(pair));
  return `${path}?${[...others, `start=${start}`, `end=${end}`].join('&')}`;
}

/** Lines of a search. */
export function searchLog(
  request: {
    readonly query: string;
    readonly startSeconds: number;
    readonly endSeconds: number;
    readonly limit: number;
    readonly spansPerSpanset: number;
  },
  url: string,
): QueryLog {
  const { query, limit, spansPerSpanset: spans_per_spanset } = request;
  const range_seconds = request.endSeconds - request.startSeconds;
  return {
    url,
    asked: (tenant) => ({ message: 'search request', fields: { tenant, query, range_seconds, limit, spans_per_spanset } }),
    ended: (end) => {
      const { tenant, traceId: traceID, status: status_code, cost } = end;
      const known = { tenant, traceID, query, range_seconds };
      if (cost !== undefined) {
        return { message: 'search response', fields: { ...known, ...counts(end), status_code, error: errorText(end) } };
      }
      const fields = { ...known, duration_seconds: seconds(end.durationMs), status_code, error: errorText(end) };
      return { message: 'search response - no resp', fields };
    },
  };
}

/** Lines of a trace lookup; the two versions have their numbers in another order. */
export function traceLog(version: 1 | 2, path: string, url: string): QueryLog {
  return {
    url,
    asked: (tenant) => ({ message: 'trace id request', fields: { tenant, path } }),
    ended: (end) => {
      const { tenant, traceId: traceID } = end;
      const duration_seconds = seconds(end.durationMs);
      const numbers = version === 1 ? { duration_seconds, ...read(end) } : { ...read(end), duration_seconds };
      return { message: 'trace id response', fields: { tenant, traceID, path, ...numbers, err: errorText(end) } };
    },
  };
}

/** Lines of a request for tags: `asked` is what the line says of it, in order. */
export function tagsLog(
  what: 'tag' | 'tag values',
  asked: Readonly<Record<string, LogValue>>,
  range: { readonly startSeconds: number; readonly endSeconds: number },
  url: string,
): QueryLog {
  const range_seconds = range.endSeconds - range.startSeconds;
  return {
    url,
    asked: (tenant) => ({ message: `search ${what} request`, fields: { tenant, ...asked, range_seconds } }),
    ended: (end) => {
      const { tenant, traceId: traceID } = end;
      const numbers = { range_seconds, duration_seconds: seconds(end.durationMs), ...read(end) };
      return { message: `search ${what} response`, fields: { tenant, traceID, ...asked, ...numbers, error: errorText(end) } };
    },
  };
}

/** Lines of a metrics query; what instant queries call seconds are nanoseconds, as Tempo has it. */
export function metricsLog(
  kind: 'range' | 'instant',
  request: {
    readonly query: string;
    readonly startNanos: bigint;
    readonly endNanos: bigint;
    readonly stepNanos: bigint;
    readonly maxSeries: number;
  },
  url: string,
): QueryLog {
  const { query } = request;
  const nanos = Number(request.endNanos - request.startNanos);
  const range = kind === 'range' ? { range_nanos: nanos } : { range_seconds: nanos };
  return {
    url,
    asked: (tenant) =>
      kind === 'range'
        ? { message: 'query range request', fields: { tenant, query, ...range, mode: '', step: Number(request.stepNanos) } }
        : { message: 'query instant request', fields: { tenant, query, ...range } },
    ended: (end) => {
      const { tenant, traceId: traceID, cost } = end;
      const asked = { tenant, traceID, query, ...range, ...(kind === 'range' ? { max_series: request.maxSeries } : {}) };
      const name = kind === 'range' ? 'query range response' : 'query instant results';
      if (cost === undefined) {
        const fields = { ...asked, duration_seconds: seconds(end.durationMs), error: errorText(end) };
        return { message: `${name} - no resp`, fields };
      }
      const partial = {
        partial_status: cost.partialMessage === undefined ? 'COMPLETE' : 'PARTIAL',
        partial_message: cost.partialMessage ?? '',
        num_response_series: cost.series ?? 0,
      };
      return { message: name, fields: { ...asked, ...counts(end), ...partial, error: errorText(end) } };
    },
  };
}

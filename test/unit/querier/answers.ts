import type { SearchAnswer } from '#engine/api/search-answer.ts';
import { decodeSearchAnswer, noMetrics } from '#engine/api/search-body-decode.ts';

/** A job's answer with these traces: `[trace id, start in seconds]`. */
export function answerWith(...traces: readonly (readonly [id: string, startSeconds: number])[]): SearchAnswer {
  const body = {
    traces: traces.map(([traceID, startSeconds]) => ({ traceID, rootServiceName: 'shop', startTimeUnixNano: `${startSeconds}000000000` })),
  };
  const decoded = decodeSearchAnswer(Buffer.from(JSON.stringify(body)), 'json');
  return { ...decoded, metrics: { ...noMetrics, inspectedTraces: 5, inspectedBytes: 100 } };
}

/** The trace ids of an answer, in order. */
export function traceIds({ traces }: SearchAnswer): readonly string[] {
  return Array.from({ length: traces.count }, (_, index) =>
    Buffer.from(traces.traceIds.subarray(16 * index, 16 * index + 16))
      .toString('hex')
      .replace(/^0+/, ''),
  );
}

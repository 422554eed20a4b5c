import { createExemplarSpread } from '#engine/api/exemplar-spread.ts';
import { createMetricsCombiner } from '#engine/api/metrics-combiner.ts';
import { type MetricsBlockRequest, metricsGrid } from '#engine/api/metrics-request.ts';
import type { MetricsAnswer } from '#engine/api/metrics-series.ts';
import type { EncodedTraces, SearchAnswer } from '#engine/api/search-answer.ts';
import { noMetrics } from '#engine/api/search-body-decode.ts';
import { createSearchCombiner } from '#engine/api/search-combiner.ts';
import type { TagNamesAnswer, TagValuesAnswer } from '#engine/api/tags-answer.ts';
import { createNamesCollector, createValuesCollector, type TagLimits } from '#engine/api/tags-collector.ts';
import { combineRule } from '#engine/jobs/metrics-result.ts';
import { joinTraces, planJob } from '#engine/jobs/search-block.ts';
import { compileQuery } from '#engine/traceql/compile.ts';
import { isMetricsQuery } from '#engine/traceql/plan-metrics.ts';
import type { Job } from './job.ts';

/** Puts together what the parts of one job have answered, in the order of their row groups, into what the whole job would have. No clock, no I/O. */
export interface PartsCombiner<Answer> {
  readonly add: (answer: Answer) => void;
  /** The whole job would have stopped by now: later parts are not needed. */
  readonly done: () => boolean;
  readonly result: () => Answer;
}

function firstTraces(traces: EncodedTraces, count: number): EncodedTraces {
  if (traces.count <= count) return traces;
  return {
    format: traces.format,
    count,
    bytes: traces.bytes.subarray(0, traces.offsets[count]),
    offsets: traces.offsets.subarray(0, count + 1),
    traceIds: traces.traceIds.subarray(0, 16 * count),
    startNanos: traces.startNanos.subarray(0, count),
  };
}

/**
 * Of a search: the first `limit` traces in the order of the block, or the newest where the query asks for those. Costs are summed: footers count once for each part, and
 * a part that goes beyond the limit has looked at more traces than the whole job would have.
 */
export function combineSearches({ request, format }: Job): PartsCombiner<SearchAnswer> {
  const { limit } = request;
  const parts: EncodedTraces[] = [];
  let found = 0;
  let metrics = noMetrics;
  const mostRecent = planJob(request)?.mostRecent ? createSearchCombiner({ limit, mostRecent: true, format }) : undefined;
  return {
    add: (answer) => {
      const { inspectedTraces, inspectedBytes, inspectedSpans } = answer.metrics;
      metrics = {
        ...metrics,
        inspectedTraces: metrics.inspectedTraces + inspectedTraces,
        inspectedBytes: metrics.inspectedBytes + inspectedBytes,
        inspectedSpans: metrics.inspectedSpans + inspectedSpans,
      };
      mostRecent?.add(answer);
      if (mostRecent === undefined) parts.push(answer.traces);
      found += answer.traces.count;
    },
    done: () => mostRecent === undefined && found >= limit,
    result: () => ({ traces: mostRecent?.result().traces ?? firstTraces(joinTraces(format, parts), limit), metrics }),
  };
}

/**
 * Of a metrics job: by the rule that the frontend combines jobs with. Of `compare()` each part gives its own commonest values, as jobs over fewer row groups do. Throws
 * `bad_request` where the query is none.
 */
export function combineMetrics(request: MetricsBlockRequest): PartsCombiner<MetricsAnswer> {
  const grid = metricsGrid(request);
  const query = compileQuery(request.query);
  const rule = isMetricsQuery(query) ? combineRule(query) : 'add';
  const combiner = createMetricsCombiner({ grid, rule, maxSeries: 0 });
  const spread = createExemplarSpread(grid, request.exemplars);
  return {
    add: (answer) => {
      const series = answer.series.map((one) => ({ ...one, exemplars: one.exemplars.filter(({ timeMs }) => spread.take(timeMs)) }));
      combiner.add({ ...answer, series });
    },
    done: () => false,
    result: () => ({
      grid,
      series: combiner.series(),
      inspectedSpans: combiner.inspectedSpans(),
      inspectedBytes: combiner.inspectedBytes(),
    }),
  };
}

/** Of a job for names of tags. A count of names that add nothing new (`maxStaleValues`) begins anew with each part, which may find more then. */
export function combineTagNames(limits: TagLimits): PartsCombiner<TagNamesAnswer> {
  const { addAnswer, full, result } = createNamesCollector(limits);
  return { add: addAnswer, done: full, result };
}

/** As {@link combineTagNames} for values. */
export function combineTagValues(limits: TagLimits): PartsCombiner<TagValuesAnswer> {
  const { addAnswer, full, result } = createValuesCollector(limits);
  return { add: addAnswer, done: full, result };
}

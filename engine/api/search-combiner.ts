import { collectTraces, traceBytes, transcode } from './encoded-traces.ts';
import { earlierStart, mergeEncoded } from './merge-traces.ts';
import type { AnswerFormat, EncodedTraces, SearchAnswer, SearchMetrics } from './search-answer.ts';
import { noMetrics } from './search-body-decode.ts';

/** Which traces a search keeps, and how its answer is written. */
export interface CombinerOptions {
  /** Most traces of the result, > 0. */
  readonly limit: number;
  /** Keep the traces with the latest start instead of those that come first (the hint `with(most_recent=true)`). */
  readonly mostRecent: boolean;
  /** Format of the result; answers in the other one are transcoded. */
  readonly format: AnswerFormat;
}

/** Combines the answers of a search's jobs as they arrive (spec traceql §7.4, §7.5; read-path §3.3). No clock, no I/O. */
export interface SearchCombiner {
  /** Takes a job's answer: its new traces, parts of known ones, and what it cost. Throws `internal` on damaged traces. */
  readonly add: (answer: SearchAnswer) => void;
  /** Distinct traces held, at most `limit`. */
  readonly count: () => number;
  /**
   * True when more answers cannot change which traces the result has, so that jobs still running may be cancelled. With `mostRecent` that needs to know the
   * time through which finished jobs cover everything that starts later, nanoseconds since the epoch; without it the answer is false.
   */
  readonly done: (completedThroughNanos?: bigint) => boolean;
  /** Everything so far, newest start first. Metrics: costs summed, `completedJobs` counts answers; totals are for the caller to fill in. */
  readonly result: () => SearchAnswer;
  /**
   * Traces that are new or changed since the last call, newest start first, with the metrics of {@link SearchCombiner.result}: a streamed diff (spec http-api
   * §9.1). With `mostRecent` only traces that start after that time; the others stay for a later call.
   */
  readonly changes: (completedThroughNanos?: bigint) => SearchAnswer;
}

/** A trace and all that jobs found of it. */
interface Held {
  readonly key: string;
  readonly traceId: Uint8Array;
  parts: Uint8Array[];
  startNanos: bigint;
  changed: boolean;
}

/** A candidate for being the oldest; outdated once the trace has gone or got another start. */
interface Candidate {
  readonly startNanos: bigint;
  readonly held: Held;
}

/** A binary heap with the earliest start on top. */
function pushCandidate(heap: Candidate[], candidate: Candidate): void {
  let index = heap.push(candidate) - 1;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    if (heap[parent]!.startNanos <= candidate.startNanos) break;
    heap[index] = heap[parent]!;
    index = parent;
  }
  heap[index] = candidate;
}

function popCandidate(heap: Candidate[]): void {
  const last = heap.pop()!;
  if (heap.length === 0) return;
  let index = 0;
  for (;;) {
    let child = 2 * index + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && heap[child + 1]!.startNanos < heap[child]!.startNanos) child++;
    if (heap[child]!.startNanos >= last.startNanos) break;
    heap[index] = heap[child]!;
    index = child;
  }
  heap[index] = last;
}

function latestFirst(a: Held, b: Held): number {
  if (a.startNanos !== b.startNanos) return a.startNanos > b.startNanos ? -1 : 1;
  return a.key < b.key ? -1 : 1;
}

function encodeHeld(held: readonly Held[], format: AnswerFormat): EncodedTraces {
  for (const trace of held) if (trace.parts.length > 1) trace.parts = [mergeEncoded(trace.parts, format)];
  const sizeBytes = held.reduce((total, trace) => total + trace.parts[0]!.length, 0);
  const collector = collectTraces(format, sizeBytes);
  for (const trace of held) collector.add(trace.parts[0]!, trace.traceId, trace.startNanos);
  return collector.finish();
}

function addMetrics(sum: SearchMetrics, metrics: SearchMetrics): SearchMetrics {
  return {
    ...sum,
    inspectedTraces: sum.inspectedTraces + metrics.inspectedTraces,
    inspectedBytes: sum.inspectedBytes + metrics.inspectedBytes,
    inspectedSpans: sum.inspectedSpans + metrics.inspectedSpans,
    completedJobs: sum.completedJobs + 1,
  };
}

/** The traces that a search holds, at most `limit`. */
function createHoldings({ limit, mostRecent }: CombinerOptions) {
  const traces = new Map<string, Held>();
  const heap: Candidate[] = [];

  /** The held trace with the earliest start; only with `mostRecent`. */
  function oldest(): Held | undefined {
    for (; heap.length > 0; popCandidate(heap)) {
      const { held, startNanos } = heap[0]!;
      if (traces.get(held.key) === held && held.startNanos === startNanos) return held;
    }
    return undefined;
  }

  function extend(held: Held, part: Uint8Array, startNanos: bigint): void {
    held.parts.push(part);
    held.changed = true;
    const start = earlierStart(held.startNanos, startNanos);
    if (start === held.startNanos) return;
    held.startNanos = start;
    if (mostRecent) pushCandidate(heap, { startNanos: start, held });
  }

  /** Makes room where a full result has an older trace or one of the same age. */
  function admits(startNanos: bigint): boolean {
    if (traces.size < limit) return true;
    const last = mostRecent ? oldest() : undefined;
    if (last === undefined || startNanos < last.startNanos) return false;
    traces.delete(last.key);
    popCandidate(heap);
    return true;
  }

  function add(part: Uint8Array, traceId: Uint8Array, startNanos: bigint): void {
    const key = Buffer.from(traceId).toString('latin1');
    const known = traces.get(key);
    if (known !== undefined) extend(known, part, startNanos);
    else if (admits(startNanos)) {
      const held: Held = { key, traceId, parts: [part], startNanos, changed: true };
      traces.set(key, held);
      if (mostRecent) pushCandidate(heap, { startNanos, held });
    }
  }

  return { traces, oldest, add };
}

/** A combiner without answers. See {@link SearchCombiner}. */
export function createSearchCombiner(options: CombinerOptions): SearchCombiner {
  const { limit, mostRecent, format } = options;
  const holdings = createHoldings(options);
  let metrics = noMetrics;
  const sorted = () => [...holdings.traces.values()].sort(latestFirst);
  return {
    add(answer) {
      const traces = transcode(answer.traces, format);
      for (let index = 0; index < traces.count; index++) {
        holdings.add(traceBytes(traces, index), traces.traceIds.subarray(16 * index, 16 * index + 16), traces.startNanos[index]!);
      }
      metrics = addMetrics(metrics, answer.metrics);
    },
    count: () => holdings.traces.size,
    done(completedThroughNanos) {
      if (holdings.traces.size < limit) return false;
      if (!mostRecent) return true;
      return completedThroughNanos !== undefined && holdings.oldest()!.startNanos > completedThroughNanos;
    },
    result: () => ({ traces: encodeHeld(sorted(), format), metrics }),
    changes(completedThroughNanos) {
      const released = (trace: Held) => !mostRecent || (completedThroughNanos !== undefined && trace.startNanos > completedThroughNanos);
      const changed = sorted().filter((trace) => trace.changed && released(trace));
      for (const trace of changed) trace.changed = false;
      return { traces: encodeHeld(changed, format), metrics };
    },
  };
}

/** The `limit` newest traces of one answer, newest start first. */
export function takeLimit(traces: EncodedTraces, limit: number): EncodedTraces {
  const combiner = createSearchCombiner({ limit, mostRecent: true, format: traces.format });
  combiner.add({ traces, metrics: noMetrics });
  return combiner.result().traces;
}

import { collectTraces, traceBytes } from '#engine/api/encoded-traces.ts';
import type { EncodedTraces } from '#engine/api/search-answer.ts';

/** The same traces with the latest start first, as Tempo answers them; traces that start at the same time keep their order. */
export function newestFirst(traces: EncodedTraces): EncodedTraces {
  const { format, count, bytes, traceIds, startNanos } = traces;
  const order = Array.from({ length: count }, (_, index) => index).sort((a, b) =>
    startNanos[a] === startNanos[b] ? a - b : startNanos[a] > startNanos[b] ? -1 : 1,
  );
  const sorted = collectTraces(format, bytes.length);
  for (const index of order) sorted.add(traceBytes(traces, index), traceIds.subarray(16 * index, 16 * index + 16), startNanos[index]);
  return sorted.finish();
}

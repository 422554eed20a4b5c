import { decodeTrace, encodeTrace, guardTraces } from './encoded-traces.ts';
import type { AnswerFormat } from './search-answer.ts';
import { rootNotReceived } from './search-body.ts';
import type { KeyValueJson, ServiceStatsJson, SpansetJson, TraceJson } from './trace-json.ts';

/** Merging what several jobs found of the same trace (spec traceql §7.5). Spans of different jobs are never united into one spanset. */

/** The group attributes of a spanset, key and value: what makes two spansets of a trace the same. */
function spansetIdentity(spanset: SpansetJson): string {
  const groups = (spanset.attributes ?? []).filter((attribute) => attribute.key?.startsWith('by'));
  return groups.map((attribute: KeyValueJson) => `${JSON.stringify(attribute.key)}:${JSON.stringify(attribute.value)}`).join(',');
}

/** Same identity: the one with more matches wins as a whole, the earlier one on a tie. */
function mergeSpansets(traces: readonly TraceJson[]): readonly SpansetJson[] {
  const merged = new Map<string, SpansetJson>();
  for (const spanset of traces.flatMap((trace) => trace.spanSets ?? (trace.spanSet === undefined ? [] : [trace.spanSet]))) {
    const identity = spansetIdentity(spanset);
    const known = merged.get(identity);
    if (known === undefined || (spanset.matched ?? 0) > (known.matched ?? 0)) merged.set(identity, spanset);
  }
  return [...merged.values()];
}

/** Per service the maximum of each counter, not the sum: jobs may have seen the same spans. */
function mergeStats(traces: readonly TraceJson[]): Readonly<Record<string, ServiceStatsJson>> {
  const merged = new Map<string, ServiceStatsJson>();
  for (const [service, stats] of traces.flatMap((trace) => Object.entries(trace.serviceStats ?? {}))) {
    const known = merged.get(service) ?? {};
    const spanCount = Math.max(stats.spanCount ?? 0, known.spanCount ?? 0);
    const errorCount = Math.max(stats.errorCount ?? 0, known.errorCount ?? 0);
    merged.set(service, { ...(spanCount > 0 && { spanCount }), ...(errorCount > 0 && { errorCount }) });
  }
  return Object.fromEntries(merged);
}

function firstName(names: readonly (string | undefined)[]): string | undefined {
  return names.find((name) => name !== undefined && name !== '' && name !== rootNotReceived);
}

/** The earlier start of two, where 0 is an unknown one. */
export function earlierStart(a: bigint, b: bigint): bigint {
  if (a === 0n || b === 0n) return a === 0n ? b : a;
  return a < b ? a : b;
}

/** Merges traces of the same id, in the order of their arrival. Needs at least one. */
export function mergeTraces(traces: readonly TraceJson[]): TraceJson {
  const rootServiceName = firstName(traces.map((trace) => trace.rootServiceName));
  const rootTraceName = firstName(traces.map((trace) => trace.rootTraceName));
  const start = traces.map((trace) => BigInt(trace.startTimeUnixNano ?? 0)).reduce(earlierStart);
  const durationMs = traces.reduce((longest, trace) => Math.max(longest, trace.durationMs ?? 0), 0);
  const spanSets = mergeSpansets(traces);
  const serviceStats = mergeStats(traces);
  return {
    traceID: traces[0]!.traceID ?? '',
    ...(rootServiceName !== undefined && { rootServiceName }),
    ...(rootTraceName !== undefined && { rootTraceName }),
    ...(start > 0n && { startTimeUnixNano: `${start}` }),
    ...(durationMs > 0 && { durationMs }),
    ...(spanSets.length > 0 && { spanSet: spanSets[0]!, spanSets }),
    ...(Object.keys(serviceStats).length > 0 && { serviceStats }),
  };
}

/** {@link mergeTraces} over encoded traces of one format. One trace alone is returned as it is. Throws `internal` on damaged traces. */
export function mergeEncoded(traces: readonly Uint8Array[], format: AnswerFormat): Uint8Array {
  if (traces.length === 1) return traces[0]!;
  const decoded = traces.map((trace) => decodeTrace(trace, format));
  return encodeTrace(
    guardTraces(() => mergeTraces(decoded)),
    format,
  );
}

import type { AnyValueJson, SpanJson, SpansetJson, TraceJson } from '#engine/api/trace-json.ts';
import { printGoDuration } from '#engine/base/duration.ts';
import { kindNames, type Query, statusNames } from '#engine/traceql/ast.ts';
import { trimId } from './lookup.ts';
import { runPipeline, type Spanset } from './pipeline.ts';
import { type Mentions, mentionsOf, shownOf } from './shown.ts';
import { hexOf, type SpanView, type TraceView } from './traces.ts';
import type { Value } from './values.ts';

/** What a search is asked beside the query. */
export interface SearchLimits {
  readonly spansPerSpanset: number;
  /** Whole seconds, both inclusive; undefined: any time. */
  readonly range: { readonly startSeconds: number; readonly endSeconds: number } | undefined;
}

const nanosPerSecond = 1_000_000_000n;

/** The traces that a search shows, in the order of the block (spec traceql §7). Throws where Tempo fails at run time. */
export function searchTraces(query: Query, traces: readonly TraceView[], limits: SearchLimits): readonly TraceJson[] {
  const mentions = mentionsOf(query);
  return traces
    .filter((trace) => overlaps(trace, limits))
    .flatMap((trace) => {
      const spansets = runPipeline(query.pipeline, trace);
      return spansets.length === 0 ? [] : [traceJson(trace, spansets, mentions, limits)];
    });
}

function overlaps({ startNanos, endNanos }: TraceView, { range }: SearchLimits): boolean {
  if (range === undefined) return true;
  return startNanos <= BigInt(range.endSeconds) * nanosPerSecond && endNanos >= BigInt(range.startSeconds) * nanosPerSecond;
}

function traceJson(trace: TraceView, spansets: readonly Spanset[], mentions: Mentions, limits: SearchLimits): TraceJson {
  const spanSets = spansets.map(({ spans, attributes }): SpansetJson => {
    const shown = limits.spansPerSpanset === 0 ? spans : spans.slice(0, limits.spansPerSpanset);
    return {
      spans: shown.map((view) => spanJson(view, mentions)),
      matched: spans.length,
      attributes: attributes.map(({ key, value }) => ({ key, value: valueJson(value) })),
    };
  });
  return {
    traceID: trimId(trace.id),
    rootServiceName: trace.rootService,
    rootTraceName: trace.rootName,
    startTimeUnixNano: String(trace.startNanos),
    durationMs: Number((trace.endNanos - trace.startNanos) / 1_000_000n),
    spanSet: spanSets[0]!,
    spanSets,
    serviceStats: Object.fromEntries(trace.services),
  };
}

function spanJson(view: SpanView, mentions: Mentions): SpanJson {
  const { span } = view;
  const shown = shownOf(view, mentions);
  const name = shown.find(({ key }) => key === undefined)?.value;
  return {
    spanID: hexOf(span.spanId).padStart(16, '0'),
    ...(name?.kind === 'string' && { name: name.value }),
    startTimeUnixNano: String(span.startNanos),
    durationNanos: String(BigInt.asUintN(64, span.endNanos - span.startNanos)),
    attributes: shown.flatMap(({ key, value }) => (key === undefined ? [] : [{ key, value: valueJson(value) }])),
  };
}

function valueJson(value: Value): AnyValueJson {
  switch (value.kind) {
    case 'nil':
      return { stringValue: 'nil' };
    case 'string':
      return { stringValue: value.value };
    case 'int':
      return { intValue: String(value.value) };
    case 'float':
      return { doubleValue: Number.isFinite(value.value) ? value.value : String(value.value) };
    case 'boolean':
      return { boolValue: value.value };
    case 'duration':
      return { stringValue: printGoDuration(value.nanos) };
    case 'status':
      return { stringValue: statusNames[value.code]! };
    case 'kind':
      return { stringValue: kindNames[value.code]! };
    case 'array':
      return { arrayValue: { values: value.elements.map(valueJson) } };
  }
}

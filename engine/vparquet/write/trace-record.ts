import { type AttributeLayout, storeAttributes } from './attribute-records.ts';
import { roundedStarts } from './block-schema.ts';
import type { GroupRecord } from './schema-tree.ts';
import type { OtlpEvent, OtlpLink, OtlpResource, OtlpScope, OtlpSpan, OtlpTrace } from './trace-model.ts';
import { type TraceValues, traceValues } from './trace-values.ts';
import { numberTree, type TreePosition } from './tree-numbers.ts';

const idBytes = 16;
const nanosPerSecond = 1_000_000_000n;

/** A trace as a row of data.parquet, with what the block's meta wants to know of it. */
export interface TraceRecord {
  readonly id: Buffer;
  readonly values: TraceValues;
  readonly row: GroupRecord;
}

/** Makes the row of a trace (spec blocks §4.5–4.11). Throws RangeError for a trace id of more than 16 bytes. */
export function traceRecord(layout: AttributeLayout, trace: OtlpTrace): TraceRecord {
  const { traceId } = trace;
  if (traceId.length > idBytes) throw new RangeError(`a trace id of ${traceId.length} bytes: at most ${idBytes}`);
  const id = Buffer.concat([Buffer.alloc(idBytes - traceId.length), traceId]);
  const values = traceValues(trace);
  const spans = trace.resources.flatMap(({ scopes }) => scopes.flatMap((scope) => scope.spans));
  const positions = new Map(numberTree(spans).map((position, i) => [spans[i]!, position]));
  const row: GroupRecord = {
    TraceID: id,
    TraceIDText: Buffer.from(traceId).toString('hex').replace(/^0+/, ''),
    StartTimeUnixNano: values.startNanos,
    EndTimeUnixNano: values.endNanos,
    DurationNano: values.endNanos - values.startNanos,
    RootServiceName: values.rootServiceName,
    RootSpanName: values.rootSpanName,
    ServiceStats: statsRecord(layout, values),
    rs: trace.resources.map((resource) => resourceRecord(layout, resource, positions)),
  };
  return { id, values, row };
}

function statsRecord({ version }: AttributeLayout, { services }: TraceValues) {
  const counts = services.map(({ service, spanCount, errorCount }) => ({ service, SpanCount: spanCount, ErrorCount: errorCount }));
  if (version === 'vParquet5') return counts.map(({ service, ...value }) => ({ ServiceName: service, ...value }));
  return { key_value: counts.map(({ service, ...value }) => ({ key: service, value })) };
}

type Positions = ReadonlyMap<OtlpSpan, TreePosition>;

function resourceRecord(layout: AttributeLayout, resource: OtlpResource, positions: Positions): GroupRecord {
  const { fixed, dedicated, generic } = storeAttributes(layout, 'resource', resource.attributes);
  return {
    Resource: { ServiceName: '', ...fixed, Attrs: generic, DroppedAttributesCount: 0, DedicatedAttributes: dedicated },
    ss: resource.scopes.map((scope) => scopeRecord(layout, scope, positions)),
  };
}

function scopeRecord(layout: AttributeLayout, scope: OtlpScope, positions: Positions): GroupRecord {
  const { generic } = storeAttributes(layout, undefined, scope.attributes);
  return {
    Scope: { Name: scope.name, Version: scope.version, Attrs: generic, DroppedAttributesCount: 0 },
    Spans: scope.spans.map((span) => spanRecord(layout, span, positions.get(span)!)),
    SpanCount: scope.spans.length,
  };
}

function spanRecord(layout: AttributeLayout, span: OtlpSpan, position: TreePosition): GroupRecord {
  const { fixed, dedicated, generic } = storeAttributes(layout, 'span', span.attributes);
  return {
    SpanID: span.spanId,
    ParentSpanID: span.parentSpanId,
    ParentID: position.parent,
    NestedSetLeft: position.left,
    NestedSetRight: position.right,
    ChildCount: position.childCount,
    Name: span.name,
    Kind: span.kind,
    TraceState: span.traceState,
    StartTimeUnixNano: span.startNanos,
    DurationNano: span.endNanos - span.startNanos,
    StatusCode: span.statusCode,
    StatusMessage: span.statusMessage,
    Attrs: generic,
    DroppedAttributesCount: 0,
    Events: span.events.map((event) => eventRecord(layout, event, span)),
    DroppedEventsCount: 0,
    Links: span.links.map((link) => linkRecord(layout, link)),
    DroppedLinksCount: 0,
    ...fixed,
    DedicatedAttributes: dedicated,
    ...Object.fromEntries(roundedStarts.map((seconds) => [`StartTimeRounded${seconds}`, roundedStart(span.startNanos, seconds)])),
  };
}

/** Number n of the interval (n·N, (n+1)·N] that a start lies in. */
function roundedStart(startNanos: bigint, seconds: number): number {
  const length = BigInt(seconds) * nanosPerSecond;
  return startNanos === 0n ? 0 : Number((startNanos + length - 1n) / length) - 1;
}

function eventRecord(layout: AttributeLayout, event: OtlpEvent, span: OtlpSpan): GroupRecord {
  const { dedicated, generic } = storeAttributes(layout, 'event', event.attributes);
  return {
    TimeSinceStartNano: event.timeNanos - span.startNanos,
    Name: event.name,
    Attrs: generic,
    DroppedAttributesCount: 0,
    DedicatedAttributes: dedicated,
  };
}

function linkRecord(layout: AttributeLayout, link: OtlpLink): GroupRecord {
  const { generic } = storeAttributes(layout, undefined, link.attributes);
  return { TraceID: link.traceId, SpanID: link.spanId, TraceState: link.traceState, Attrs: generic, DroppedAttributesCount: 0 };
}

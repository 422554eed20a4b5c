import type { InstrumentationScope, Resource, ResourceSpans, ScopeSpans, Span, Trace } from '#engine/api/otlp.ts';
import type { LeafColumn } from '#engine/parquet/schema.ts';
import { createAttributeReader } from './reconstruct-attributes.ts';
import { createEventReader, createLinkReader } from './reconstruct-children.ts';
import { bytesAt, countAt, longAt, nanosAt, slotsOf, type TraceRow, textAt } from './row-values.ts';
import type { BlockSchema } from './sources.ts';

/** Trace-level statistics and tree numbers are worked out by writers and are no part of the trace. */
const derived =
  /^(TraceID|TraceIDText|StartTimeUnixNano|EndTimeUnixNano|DurationNano|RootServiceName|RootSpanName|ServiceStats\..*|.*\.(ParentID|NestedSetLeft|NestedSetRight|ChildCount|SpanCount|StartTimeRounded\d+|Test))$/;

/** Binary columns that are not text. */
const binary = /(^TraceID|\.(SpanID|ParentSpanID|TraceID|Links|Events\.Attrs\.Value))$/;

/** The columns of a block that {@link reconstructTrace} needs. */
export function traceColumns(schema: BlockSchema): readonly LeafColumn[] {
  return [...schema.columns.values()].filter(({ path }) => !derived.test(path));
}

/** Whether a BYTE_ARRAY column of a block holds text. vParquet2 and 3 keep event attributes as bytes. */
export function holdsText(schema: BlockSchema, path: string): boolean {
  return !binary.test(path) || (schema.version.events && path.endsWith('Events.Attrs.Value'));
}

/** Puts the trace of one row together again (spec blocks §4). `traceId` is the row's. Throws `corrupt_block` where columns do not fit together. */
export function reconstructTrace(schema: BlockSchema, traceId: Uint8Array, row: TraceRow): Trace {
  const resourceNames = row('rs.Resource.ServiceName');
  const readResource = createResourceReader(schema, row);
  const readScopes = createScopeReader(schema, traceId, row);
  const resourceSpans: ResourceSpans[] = [];
  for (const [slot, name] of (resourceNames?.values ?? []).entries()) {
    // A trace without any resource has one entry, which is null.
    if (name !== undefined) resourceSpans.push({ resource: readResource(slot), scopeSpans: readScopes(slot) });
  }
  return { resourceSpans };
}

function createResourceReader(schema: BlockSchema, row: TraceRow): (slot: number) => Resource {
  const attributes = createAttributeReader(schema, 'resource', row);
  const dropped = row('rs.Resource.DroppedAttributesCount');
  return (slot) => ({ attributes: attributes(slot), droppedAttributesCount: countAt(dropped, slot) });
}

function createScopeReader(schema: BlockSchema, traceId: Uint8Array, row: TraceRow): (resource: number) => readonly ScopeSpans[] {
  const names = row('rs.ss.Scope.Name');
  const versions = row('rs.ss.Scope.Version');
  const dropped = row('rs.ss.Scope.DroppedAttributesCount');
  const attributes = createAttributeReader(schema, 'scope', row);
  const spanIds = row('rs.ss.Spans.SpanID');
  const readSpan = createSpanReader(schema, traceId, row);
  const scopeAt = (slot: number): InstrumentationScope => ({
    name: textAt(names, slot),
    version: textAt(versions, slot),
    attributes: attributes(slot),
    droppedAttributesCount: countAt(dropped, slot),
  });
  return (resource) =>
    slotsOf(names, resource).map((scope) => ({ scope: scopeAt(scope), spans: slotsOf(spanIds, scope).map((span) => readSpan(span)) }));
}

function createSpanReader(schema: BlockSchema, traceId: Uint8Array, row: TraceRow): (slot: number) => Span {
  const column = (name: string) => row(`rs.ss.Spans.${name}`);
  const ids = column('SpanID');
  const parents = column('ParentSpanID');
  const names = column('Name');
  const kinds = column('Kind');
  const states = column('TraceState');
  const startTimes = column('StartTimeUnixNano');
  const durations = column('DurationNano');
  const codes = column('StatusCode');
  const messages = column('StatusMessage');
  const droppedAttributes = column('DroppedAttributesCount');
  const droppedEvents = column('DroppedEventsCount');
  const droppedLinks = column('DroppedLinksCount');
  const attributes = createAttributeReader(schema, 'span', row);
  const events = createEventReader(schema, row);
  const links = createLinkReader(schema, row);
  return (slot) => {
    const startNanos = nanosAt(startTimes, slot);
    return {
      traceId,
      spanId: bytesAt(ids, slot),
      parentSpanId: bytesAt(parents, slot),
      traceState: textAt(states, slot),
      name: textAt(names, slot),
      kind: Number(longAt(kinds, slot)),
      startNanos,
      endNanos: BigInt.asUintN(64, startNanos + nanosAt(durations, slot)),
      attributes: attributes(slot),
      droppedAttributesCount: countAt(droppedAttributes, slot),
      events: events(slot, startNanos),
      droppedEventsCount: countAt(droppedEvents, slot),
      links: links(slot),
      droppedLinksCount: countAt(droppedLinks, slot),
      status: { code: Number(longAt(codes, slot)), message: textAt(messages, slot) },
    };
  };
}

import type { AnyValue, KeyValue, SpanEvent, SpanLink } from '#engine/api/otlp.ts';
import { parseAnyValue } from '#engine/api/otlp-json.ts';
import { decodeAnyValue, decodeLinks } from '#engine/api/otlp-protobuf-decode.ts';
import { AppError } from '#engine/base/errors.ts';
import { type AttributeReader, createAttributeReader } from './reconstruct-attributes.ts';
import { bytesAt, countAt, nanosAt, slotsOf, type TraceRow, textAt } from './row-values.ts';
import type { BlockSchema } from './sources.ts';

/** Reads the events of a span that starts at that time. */
export function createEventReader(schema: BlockSchema, row: TraceRow): (span: number, startNanos: bigint) => readonly SpanEvent[] {
  const column = (name: string) => row(`rs.ss.Spans.Events.${name}`);
  const names = column('Name');
  const since = column('TimeSinceStartNano');
  const times = column('TimeUnixNano');
  const dropped = column('DroppedAttributesCount');
  const attributes = schema.version.events ? createAttributeReader(schema, 'event', row) : blobAttributes(row);
  return (span, startNanos) =>
    slotsOf(names, span).map((slot) => ({
      timeNanos: since === undefined ? nanosAt(times, slot) : BigInt.asUintN(64, startNanos + nanosAt(since, slot)),
      name: textAt(names, slot),
      attributes: attributes(slot),
      droppedAttributesCount: countAt(dropped, slot),
    }));
}

/** vParquet2 and 3: a protobuf AnyValue for each attribute; older writers had JSON (spec blocks §4.9). */
function blobAttributes(row: TraceRow): AttributeReader {
  const keys = row('rs.ss.Spans.Events.Attrs.Key');
  const values = row('rs.ss.Spans.Events.Attrs.Value');
  return (slot) => slotsOf(keys, slot).map((entry): KeyValue => ({ key: textAt(keys, entry), value: blobValue(bytesAt(values, entry)) }));
}

function blobValue(bytes: Uint8Array): AnyValue {
  try {
    return decodeAnyValue(bytes);
  } catch (cause) {
    try {
      return parseAnyValue(Buffer.from(bytes).toString('utf8'));
    } catch {
      throw new AppError('corrupt_block', 'an event attribute is neither protobuf nor JSON', { cause });
    }
  }
}

/** Reads the links of a span. */
export function createLinkReader(schema: BlockSchema, row: TraceRow): (span: number) => readonly SpanLink[] {
  if (!schema.version.events) return blobLinks(row);
  const column = (name: string) => row(`rs.ss.Spans.Links.${name}`);
  const traceIds = column('TraceID');
  const spanIds = column('SpanID');
  const states = column('TraceState');
  const dropped = column('DroppedAttributesCount');
  const attributes = createAttributeReader(schema, 'link', row);
  return (span) =>
    slotsOf(spanIds, span).map((slot) => ({
      traceId: bytesAt(traceIds, slot),
      spanId: bytesAt(spanIds, slot),
      traceState: textAt(states, slot),
      attributes: attributes(slot),
      droppedAttributesCount: countAt(dropped, slot),
    }));
}

/** vParquet2 and 3: one message for all links of a span. */
function blobLinks(row: TraceRow): (span: number) => readonly SpanLink[] {
  const blobs = row('rs.ss.Spans.Links');
  return (span) => {
    const bytes = bytesAt(blobs, span);
    if (bytes.length === 0) return [];
    try {
      return decodeLinks(bytes);
    } catch (cause) {
      throw new AppError('corrupt_block', 'the links of a span are no protobuf', { cause });
    }
  };
}

import type { AnyValue, KeyValue, ScopeSpans, Span, SpanEvent, SpanLink, Trace } from './otlp.ts';

/** The trace as Tempo writes it for language models: plain keys and values, ids in hex, services first (spec http-api §3.2). JSON text. */
export function traceSummaryJson(trace: Trace): string {
  const traceId = trace.resourceSpans[0]?.scopeSpans[0]?.spans[0]?.traceId ?? new Uint8Array(0);
  const services = trace.resourceSpans.map(({ resource, scopeSpans }) => {
    const name = resource.attributes.find(({ key }) => key === 'service.name')?.value;
    const others = resource.attributes.filter(({ key }) => key !== 'service.name');
    return {
      serviceName: name?.type === 'string' ? name.value : '',
      resource: plainAttributes(others),
      scopes: scopeSpans.map(scopeSummary),
    };
  });
  return JSON.stringify({ traceId: hex(traceId), services });
}

const kinds = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'];
const statusCodes = ['UNSET', 'OK', 'ERROR'];
const nanosPerMilli = 1e6;

function scopeSummary({ scope, spans }: ScopeSpans): object {
  return { name: textOrNothing(scope.name), version: textOrNothing(scope.version), spans: spans.map(spanSummary) };
}

// Members that are undefined are left out by JSON.stringify.

function spanSummary(span: Span): object {
  return {
    spanId: hex(span.spanId),
    name: span.name,
    parentSpanId: textOrNothing(hex(span.parentSpanId)),
    kind: `SPAN_KIND_${kinds[span.kind] ?? span.kind}`,
    startTimeUnixNano: String(span.startNanos),
    endTimeUnixNano: String(span.endNanos),
    durationMs: Number(BigInt.asIntN(64, span.endNanos - span.startNanos)) / nanosPerMilli,
    attributes: plainAttributes(span.attributes),
    events: span.events.length === 0 ? undefined : span.events.map(eventSummary),
    links: span.links.length === 0 ? undefined : span.links.map(linkSummary),
    status: { code: `STATUS_CODE_${statusCodes[span.status.code] ?? span.status.code}`, message: span.status.message },
  };
}

function eventSummary({ name, timeNanos, attributes }: SpanEvent): object {
  return { name, timeUnixNano: String(timeNanos), attributes: plainAttributes(attributes) };
}

function linkSummary({ traceId, spanId, attributes }: SpanLink): object {
  return { traceId: hex(traceId), spanId: hex(spanId), attributes: plainAttributes(attributes) };
}

function plainAttributes(attributes: readonly KeyValue[]): object | undefined {
  if (attributes.length === 0) return undefined;
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]));
}

/** A value as JSON has it. Whole numbers that a JSON reader would round are texts, and so are doubles that JSON does not know. */
function plain(value: AnyValue): unknown {
  switch (value.type) {
    case 'none':
      return null;
    case 'int': {
      const number = Number(value.value);
      return Number.isSafeInteger(number) ? number : String(value.value);
    }
    case 'double':
      return Number.isFinite(value.value) ? value.value : String(value.value);
    case 'bytes':
      return hex(value.value);
    case 'array':
      return value.values.map(plain);
    case 'map':
      return plainAttributes(value.values) ?? {};
    default:
      return value.value;
  }
}

function textOrNothing(text: string): string | undefined {
  return text === '' ? undefined : text;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

import type { OtlpAttribute, OtlpResource, OtlpSpan, OtlpTrace } from './trace-model.ts';

/** Spans and spans with status error of one service; '' is the service of resources without a name. */
export interface ServiceCounts {
  readonly service: string;
  readonly spanCount: number;
  readonly errorCount: number;
}

/** What a block stores of a trace as a whole (spec blocks §4.5). */
export interface TraceValues {
  readonly startNanos: bigint;
  readonly endNanos: bigint;
  /** Both empty where there is no root. */
  readonly rootServiceName: string;
  readonly rootSpanName: string;
  /** Ascending by service. */
  readonly services: readonly ServiceCounts[];
}

const errorStatus = 2;

/** Works out the values of a whole trace. */
export function traceValues(trace: OtlpTrace): TraceValues {
  let startNanos = 0n;
  let endNanos = 0n;
  let root: { readonly service: string; readonly name: string } | undefined;
  const services = new Map<string, { spanCount: number; errorCount: number }>();
  for (const resource of trace.resources) {
    const service = serviceName(resource);
    for (const span of resource.scopes.flatMap(({ spans }) => spans)) {
      if (startNanos === 0n || span.startNanos < startNanos) startNanos = span.startNanos;
      if (span.endNanos > endNanos) endNanos = span.endNanos;
      if (span.parentSpanId.length === 0 && !continuesTrace(span, trace.traceId)) root = { service, name: span.name };
      const counts = services.get(service) ?? { spanCount: 0, errorCount: 0 };
      services.set(service, counts);
      counts.spanCount++;
      if (span.statusCode === errorStatus) counts.errorCount++;
    }
  }
  return {
    startNanos,
    endNanos,
    rootServiceName: root?.service ?? '',
    rootSpanName: root?.name ?? '',
    services: [...services]
      .map(([service, counts]) => ({ service, ...counts }))
      .sort((a, b) => Buffer.compare(Buffer.from(a.service), Buffer.from(b.service))),
  };
}

/** A resource's `service.name` where that is a string, else ''. */
export function serviceName({ attributes }: OtlpResource): string {
  const value = find(attributes, 'service.name');
  return value?.kind === 'string' ? value.value : '';
}

/** OpenTracing's way to say that a span without parent is one's child: a link into its own trace. */
function continuesTrace(span: OtlpSpan, traceId: Uint8Array): boolean {
  return span.links.some((link) => {
    const type = find(link.attributes, 'opentracing.ref_type');
    return Buffer.from(link.traceId).equals(traceId) && type?.kind === 'string' && type.value === 'child_of';
  });
}

function find(attributes: readonly OtlpAttribute[], key: string) {
  return attributes.find((attribute) => attribute.key === key)?.value;
}
